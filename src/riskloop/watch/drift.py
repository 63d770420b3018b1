"""Drift: what has moved between a reference profile and a current one, how surely, how far, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from riskloop.costs import FloatArray
from riskloop.intervals import Interval, finite
from riskloop.watch.distances import (
    benjamini_hochberg,
    chi_square,
    combined,
    jensen_shannon,
    kolmogorov_smirnov,
    pooled,
    psi,
    psi_by_chance,
    rank_tests,
    share_test,
    shares,
    wasserstein,
)
from riskloop.watch.profile import ColumnProfile, Moments, Profile
from riskloop.watch.thresholds import USUAL, Thresholds

Verdict = Literal["stable", "watch", "drifted"]
VERDICTS: tuple[Verdict, ...] = ("stable", "watch", "drifted")
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a verdict is what it is: the code of a sentence, and the values in it."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {"code": self.code, **self.values}


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """What became of one column.

    Attributes
    ----------
    name, type : str
    verdict : {"stable", "watch", "drifted"}
    reasons : tuple of Reason
        What is seen, the weightiest first; empty where it is stable.
    p_value, adjusted : float
        Of all tests together; after Benjamini and Hochberg over the columns.
    psi, psi_by_chance, psi_noise : float
        PSI; its mean and its high quantile where nothing has moved, for samples of these sizes.
    effect : float
        PSI above its mean by chance, not below 0.
    jensen_shannon, chi_square, chi_square_p : float
    cells : int
        Over which they were computed, rare ones put together.
    ks, ks_p, wasserstein, z_of_mean, variance_ratio : float or None
        Of numbers only. The z-score is Welch's, with the standard errors of both means.
    reference_mean, current_mean : float or None
    missing, unknown, refused : (float, float)
        Share in the reference and now.
    harm : Interval or None
        Change of the expected cost per 1,000 customers if this column alone had moved; of a column that has moved.
    """

    name: str
    type: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    p_value: float
    adjusted: float
    psi: float
    psi_by_chance: float
    psi_noise: float
    jensen_shannon: float
    chi_square: float
    chi_square_p: float
    cells: int
    missing: tuple[float, float]
    unknown: tuple[float, float]
    refused: tuple[float, float]
    ks: float | None = None
    ks_p: float | None = None
    wasserstein: float | None = None
    z_of_mean: float | None = None
    variance_ratio: float | None = None
    reference_mean: float | None = None
    current_mean: float | None = None
    harm: Interval | None = None

    @property
    def effect(self) -> float:
        return max(0.0, self.psi - self.psi_by_chance)

    @property
    def drifted(self) -> bool:
        return self.verdict == "drifted"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what is not defined is None."""
        numbers = {
            name: _plain(getattr(self, name))
            for name in (
                *("p_value", "adjusted", "psi", "psi_by_chance", "psi_noise", "effect", "jensen_shannon"),
                *("chi_square", "chi_square_p", "cells", "ks", "ks_p", "wasserstein", "z_of_mean", "variance_ratio"),
                *("reference_mean", "current_mean"),
            )
        }
        pairs = {name: list(getattr(self, name)) for name in ("missing", "unknown", "refused")}
        return {
            "name": self.name,
            "type": self.type,
            "verdict": self.verdict,
            "drifted": self.drifted,
            "reasons": [one.to_dict() for one in self.reasons],
            **numbers,
            **pairs,
            "harm": None if self.harm is None else self.harm.to_dict(),
        }


def _plain(value: float | None) -> float | None:
    return None if value is None else finite(value)


@dataclass(frozen=True, slots=True)
class Drift:
    """What became of a table.

    Attributes
    ----------
    verdict : {"stable", "watch", "drifted"}
    reasons : tuple of Reason
        The weightiest first; never empty.
    columns : tuple of ColumnDrift
        Those that cost most first, among those of one verdict.
    score : ColumnDrift
        Of the probabilities.
    act_rate : (float, float)
        Share acted on, in the reference and now.
    act_rate_p : float
    cost : (float, float)
        Expected cost per 1,000 customers, in the reference and now.
    harm : Interval
        Change of the expected cost per 1,000 customers.
    relative_harm : Interval
        The same beside the reference's cost; NaN where that is 0.
    reference_rows, rows, broken : int
        Rows of the reference; rows now; of them, those that could not be decided about.
    thresholds : Thresholds
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    columns: tuple[ColumnDrift, ...]
    score: ColumnDrift
    act_rate: tuple[float, float]
    act_rate_p: float
    cost: tuple[float, float]
    harm: Interval
    relative_harm: Interval
    reference_rows: int
    rows: int
    broken: int
    thresholds: Thresholds = USUAL

    @property
    def drifted(self) -> bool:
        return self.verdict == "drifted"

    @property
    def moved(self) -> tuple[ColumnDrift, ...]:
        """The columns that have drifted."""
        return tuple(one for one in self.columns if one.drifted)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "verdict": self.verdict,
            "reasons": [one.to_dict() for one in self.reasons],
            "reference_rows": self.reference_rows,
            "rows": self.rows,
            "broken": self.broken,
            "score": self.score.to_dict(),
            "act_rate": list(self.act_rate),
            "act_rate_p": self.act_rate_p,
            "cost_per_thousand": [finite(one) for one in self.cost],
            "harm": self.harm.to_dict(),
            "relative_harm": self.relative_harm.to_dict(),
            "thresholds": self.thresholds.to_dict(),
            "columns": [one.to_dict() for one in self.columns],
        }


def drift(reference: Profile, current: Profile, thresholds: Thresholds = USUAL) -> Drift:
    """Compare a profile with the reference by whose edges it was counted.

    A column has drifted if its tests together are significant after Benjamini and Hochberg, its PSI exceeds what
    samples of these sizes show by chance, and the excess (or a share of missing, unknown or refused cells) is large
    enough to matter; see `Thresholds`. The tests of a number are chi-square, Kolmogorov-Smirnov, Wilcoxon and Mood; of
    a category chi-square; of both, exact ones of the shares missing, unknown and refused. The mean's z-score and the
    ratio of variances are told and not tested: heavy tails would raise false alarms.

    Parameters
    ----------
    reference, current : Profile
    thresholds : Thresholds
    """
    found = [
        column_drift(name, reference.columns[name], column, thresholds) for name, column in current.columns.items()
    ]
    adjusted = benjamini_hochberg(np.array([one.p_value for one in found])) if found else np.empty(0)
    spread = reference.cost.variance

    def judged(one: ColumnDrift, p_value: float) -> ColumnDrift:
        before, now = reference.columns[one.name], current.columns[one.name]
        return _judged(replace(one, adjusted=p_value), before, now, thresholds, spread)

    columns = [judged(one, float(p_value)) for one, p_value in zip(found, adjusted, strict=True)]
    score = column_drift("score", reference.score, current.score, thresholds)
    score = _judged(score, reference.score, current.score, thresholds, spread)
    harm, relative = _harm(reference.cost, current.cost)
    made = Drift(
        verdict="stable",
        reasons=(),
        columns=tuple(sorted(columns, key=_by_weight)),
        score=score,
        act_rate=(reference.act_rate, current.act_rate),
        act_rate_p=share_test(reference.acted, reference.scored, current.acted, current.scored),
        cost=(reference.cost.mean * 1000, current.cost.mean * 1000),
        harm=harm,
        relative_harm=relative,
        reference_rows=reference.rows,
        rows=current.rows,
        broken=current.rows - current.scored,
        thresholds=thresholds,
    )
    verdict, reasons = _verdict(made)
    return replace(made, verdict=verdict, reasons=reasons)


def column_drift(name: str, reference: ColumnProfile, current: ColumnProfile, thresholds: Thresholds) -> ColumnDrift:
    """Every statistic of one column; the verdict waits for the other columns."""
    ordered = reference.type == "number"
    before, now = pooled(reference.cells, current.cells, thresholds.cell, ordered=ordered)
    n, m = int(before.sum()), int(now.sum())
    statistic, _, chi_p = chi_square(before, now)
    tests = [chi_p, *_share_tests(reference, current)]
    told: dict[str, Any] = {}
    if ordered and reference.moments and current.moments:
        ks, ks_p = kolmogorov_smirnov(reference.counts, current.counts)
        tests += [ks_p, *rank_tests(reference.counts, current.counts)]
        told = {"ks": ks, "ks_p": ks_p, **_moved(reference, current)}
    return ColumnDrift(
        name=name,
        type=reference.type,
        verdict="stable",
        reasons=(),
        p_value=combined(tests),
        adjusted=combined(tests),
        psi=psi(before, now) if m else 0.0,
        psi_by_chance=psi_by_chance(len(before), n, m),
        psi_noise=psi_by_chance(len(before), n, m, thresholds.noise),
        jensen_shannon=jensen_shannon(before, now) if n and m else 0.0,
        chi_square=statistic,
        chi_square_p=chi_p,
        cells=len(before),
        missing=(_share(reference.missing, reference.rows), _share(current.missing, current.rows)),
        unknown=(_share(reference.unknown, reference.rows), _share(current.unknown, current.rows)),
        refused=(_refused(reference), _refused(current)),
        **told,
    )


def _share_tests(reference: ColumnProfile, current: ColumnProfile) -> list[float]:
    """Of what can happen to this column: a column that is never missing gets no test for it."""
    n, m = reference.rows + reference.refused, current.rows + current.refused
    pairs = [(getattr(reference, name), getattr(current, name)) for name in ("missing", "unknown", "refused")]
    return [share_test(before, n, now, m) for before, now in pairs if before or now]


def _moved(reference: ColumnProfile, current: ColumnProfile) -> dict[str, float | None]:
    """What is told about a number beside its tests."""
    before, now = reference.moments, current.moments
    if before is None or now is None or not before.count or not now.count:
        return {}
    error = math.hypot(before.standard_error, now.standard_error)
    low, high = min(reference.minimum, current.minimum), max(reference.maximum, current.maximum)
    return {
        "wasserstein": wasserstein(reference.counts, current.counts, reference.edges, low, high),
        "z_of_mean": (now.mean - before.mean) / error if error > 0 else None,
        "variance_ratio": now.variance / before.variance if before.variance > 0 else None,
        "reference_mean": before.mean,
        "current_mean": now.mean,
    }


def _share(count: int, rows: int) -> float:
    return count / rows if rows else 0.0


def _refused(column: ColumnProfile) -> float:
    return _share(column.refused, column.rows + column.refused)


def _judged(
    one: ColumnDrift, reference: ColumnProfile, current: ColumnProfile, thresholds: Thresholds, spread: float
) -> ColumnDrift:
    if current.rows + current.refused < thresholds.rows or one.adjusted > thresholds.level:
        return one
    place = max(_grade(one, thresholds), 0)
    if not place:
        return one
    verdict: Verdict = "watch" if place == 1 else "drifted"
    reasons = _reasons(one, reference, current, thresholds)
    return replace(one, verdict=verdict, reasons=reasons, harm=_harm_of_column(reference, current, spread))


def _grade(one: ColumnDrift, thresholds: Thresholds) -> int:
    """0 stable, 1 to watch, 2 moved, 3 moved strongly; of a column whose tests are significant."""
    shift = one.effect if one.psi > one.psi_noise else 0.0
    steps = (thresholds.watched_psi, thresholds.moved_psi, thresholds.strong_psi)
    grade = sum(shift >= step for step in steps)
    steps = (thresholds.watched_share, thresholds.moved_share, thresholds.strong_share)
    apart = max(abs(now - before) for before, now in (one.missing, one.unknown, one.refused))
    return max(grade, sum(apart >= step for step in steps))


def _reasons(
    one: ColumnDrift, reference: ColumnProfile, current: ColumnProfile, thresholds: Thresholds
) -> tuple[Reason, ...]:
    """What a person should be told about a column that has moved."""
    found = []
    for code in ("refused", "missing", "unknown"):
        before, now = getattr(one, code)
        if abs(now - before) >= thresholds.watched_share:
            found.append(Reason(code, {"before": before, "now": now}))
    if current.frozen and not reference.frozen:
        found.append(Reason("frozen", {"value": _only_value(current)}))
    elif one.type == "category":
        found += _levels(reference, current)
    elif one.reference_mean is not None and one.current_mean is not None:
        found += _numbers(one, reference)
    if one.psi > one.psi_noise and one.effect >= thresholds.watched_psi:
        found.append(Reason("psi", {"psi": one.psi, "chance": one.psi_by_chance}))
    return tuple(found)


def _only_value(current: ColumnProfile) -> float | str:
    return current.minimum if current.type == "number" else current.levels[int(current.counts.argmax())]


def _numbers(one: ColumnDrift, reference: ColumnProfile) -> list[Reason]:
    found = []
    if one.z_of_mean is not None and abs(one.z_of_mean) > 3 and reference.moments:
        values = {"before": one.reference_mean, "now": one.current_mean}
        deviation = reference.moments.std
        shift = (float(one.current_mean or 0) - float(one.reference_mean or 0)) / deviation if deviation else math.inf
        found.append(Reason("mean", {**values, "deviations": finite(shift)}))
    if one.variance_ratio is not None and not 2 / 3 <= one.variance_ratio <= 3 / 2:
        found.append(Reason("variance", {"ratio": one.variance_ratio}))
    return found


def _levels(reference: ColumnProfile, current: ColumnProfile) -> list[Reason]:
    """The level that moved most, and those that are gone though they were expected."""
    before, now = shares(reference.counts), shares(current.counts)
    gone = np.flatnonzero((current.counts == 0) & (before * current.present >= 5))
    found = [Reason("vanished", {"level": reference.levels[place], "before": float(before[place])}) for place in gone]
    if len(before):
        most = int(np.abs(now - before).argmax())
        if most not in gone:
            values = {"level": reference.levels[most], "before": float(before[most]), "now": float(now[most])}
            found.append(Reason("level", values))
    return found


def _harm(before: Moments, now: Moments) -> tuple[Interval, Interval]:
    """Change of the mean expected cost per 1,000, and beside the reference's (delta method)."""
    if not before.count or not now.count:
        nothing = Interval(math.nan, math.nan, math.nan)
        return nothing, nothing
    change = now.mean - before.mean
    half = _Z * math.hypot(now.standard_error, before.standard_error)
    harm = Interval(change * 1000, (change - half) * 1000, (change + half) * 1000)
    size = abs(before.mean)
    if not size:
        return harm, Interval(math.nan, math.nan, math.nan)
    ratio = now.mean / before.mean
    half = _Z * math.hypot(now.standard_error, ratio * before.standard_error) / size
    return harm, Interval(change / size, change / size - half, change / size + half)


def _harm_of_column(reference: ColumnProfile, current: ColumnProfile, spread: float) -> Interval | None:
    """The reference's mean cost by cell under the current shares, less that under its own; nothing else moves.

    ``spread`` is the variance of the reference's costs: means of cells are themselves estimates.
    """
    cost = reference.cost
    if cost is None or not current.rows or not reference.rows:
        return None
    before, now = shares(reference.cells), shares(current.cells)
    change = float(((now - before) * cost).sum())
    variance = _variance(now, cost) / current.rows + _variance(before, cost) / reference.rows
    variance += spread * float(((now - before) ** 2 / np.maximum(reference.cells, 1)).sum())
    error = math.sqrt(variance)
    return Interval(change * 1000, (change - _Z * error) * 1000, (change + _Z * error) * 1000)


def _variance(share: FloatArray, cost: FloatArray) -> float:
    mean = float((share * cost).sum())
    return float((share * (cost - mean) ** 2).sum())


def _by_weight(one: ColumnDrift) -> tuple[int, float, float]:
    """Verdict, then what it costs for sure, then how far it moved."""
    cost = 0.0 if one.harm is None else one.harm.low
    return -VERDICTS.index(one.verdict), -max(cost, 0.0), -one.effect


def _verdict(made: Drift) -> tuple[Verdict, tuple[Reason, ...]]:
    limits = made.thresholds
    if made.rows < limits.rows:
        return "watch", (Reason("few_rows", {"rows": made.rows, "least": limits.rows}),)
    grave, light = [*_grave(made)], [*_light(made)]
    verdict: Verdict = "drifted" if grave else "watch" if light else "stable"
    reasons = [*grave, *light] or [Reason("nothing_moved", {"columns": len(made.columns)})]
    if made.harm.value == made.harm.value:
        cost = {"change": made.relative_harm.to_dict(), "per_thousand": made.harm.to_dict()}
        certain = made.harm.low > 0 or made.harm.high < 0
        reasons.append(Reason("cost_moved" if certain else "cost_unmoved", cost))
    return verdict, tuple(reasons)


def _grave(made: Drift) -> Sequence[Reason]:
    """What makes a table drifted."""
    limits, found = made.thresholds, []
    strong = [one.name for one in made.moved if _grade(one, limits) == 3]
    if len(made.moved) >= limits.columns:
        found.append(Reason("columns_moved", {"count": len(made.moved), "names": [one.name for one in made.moved]}))
    elif strong:
        found.append(Reason("strongly_moved", {"count": len(strong), "names": strong}))
    broken = made.broken / made.rows
    if broken >= limits.strong_share:
        found.append(Reason("broken_rows", {"share": broken, "rows": made.broken}))
    if made.score.drifted:
        found.append(Reason("score_moved", {"psi": made.score.psi, "chance": made.score.psi_by_chance}))
    if _decisions_moved(made, limits.decisions):
        found.append(Reason("decisions_moved", {"before": made.act_rate[0], "now": made.act_rate[1]}))
    if made.harm.low > 0 and made.relative_harm.value >= limits.costlier:
        found.append(Reason("costlier", {"change": made.relative_harm.to_dict()}))
    return found


def _decisions_moved(made: Drift, least: float) -> bool:
    before, now = made.act_rate
    return made.act_rate_p <= made.thresholds.level and abs(now - before) >= least


def _light(made: Drift) -> Sequence[Reason]:
    """What is worth a look, where nothing graver says the same."""
    limits, found = made.thresholds, []
    if 0 < len(made.moved) < limits.columns and all(_grade(one, limits) < 3 for one in made.moved):
        found.append(Reason("columns_moved", {"count": len(made.moved), "names": [one.name for one in made.moved]}))
    watched = [one.name for one in made.columns if one.verdict == "watch"]
    if watched:
        found.append(Reason("columns_watched", {"count": len(watched), "names": watched}))
    broken = made.broken / made.rows
    if limits.moved_share <= broken < limits.strong_share:
        found.append(Reason("broken_rows", {"share": broken, "rows": made.broken}))
    if made.score.verdict == "watch":
        found.append(Reason("score_watched", {"psi": made.score.psi, "chance": made.score.psi_by_chance}))
    return found
