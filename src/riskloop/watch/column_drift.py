"""What became of one column: every statistic, the verdict, the reasons, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from riskloop.costs import FloatArray
from riskloop.intervals import Z95, Interval, finite
from riskloop.watch.blocks import blocked, half_width, inflation, share_by_day, two_sided
from riskloop.watch.column import ColumnProfile
from riskloop.watch.distances import (
    chi_square,
    combined,
    grouping,
    jensen_shannon,
    kolmogorov_smirnov,
    psi,
    psi_by_chance,
    share_test,
    shares,
    summed,
    wasserstein,
)
from riskloop.watch.ranks import anderson_darling, rank_scores, rank_tests, rank_z
from riskloop.watch.thresholds import Thresholds

Verdict = Literal["stable", "season", "watch", "drifted"]
"""Of a column or a table; ``season`` only of a column: it has moved since training, and does so at this time."""
VERDICTS: tuple[Verdict, ...] = ("stable", "season", "watch", "drifted")
"""Of a 95 % interval."""
SHIFT, BETWEEN, SPREAD, SHAPE, SHARE = 3.0, 2.0, 1.0, 1.0, 2.0
"""How much each test of a number is listened to: of shift, of what is between shift and shape, ..., of a share missing.

What moves mostly shifts, so that most of the false alarms one may have are spent on shifts; see decision 0022.
"""
SURER = 1.1
"""By how much Cauchy's combination is too sure of tests that hang together like these: 6 % at .05, 10 % at .0005."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a verdict is what it is: the code of a sentence, and the values in it."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
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
    design_effect : float or None
        By how much days make rows more alike than independent ones; None where rows do not come by day.
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
    design_effect: float | None = None
    harm: Interval | None = None

    @property
    def effect(self) -> float:
        return max(0.0, self.psi - self.psi_by_chance)

    @property
    def drifted(self) -> bool:
        return self.verdict == "drifted"

    def without_values(self) -> ColumnDrift:
        """The same, quoting no value of the column: for personal data."""
        silent = {"value": None, "level": None}
        reasons = (Reason(one.code, {k: silent.get(k, v) for k, v in one.values.items()}) for one in self.reasons)
        return replace(self, reasons=tuple(reasons))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what is not defined is None."""
        numbers = {
            name: _plain(getattr(self, name))
            for name in (
                *("p_value", "adjusted", "psi", "psi_by_chance", "psi_noise", "effect", "jensen_shannon"),
                *("chi_square", "chi_square_p", "cells", "ks", "ks_p", "wasserstein", "z_of_mean", "variance_ratio"),
                *("reference_mean", "current_mean", "design_effect"),
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


def column_drift(
    name: str,
    reference: ColumnProfile,
    current: ColumnProfile,
    thresholds: Thresholds,
    days: Sequence[ColumnProfile] = (),
) -> ColumnDrift:
    """Every statistic of one column; the verdict waits for the other columns.

    Parameters
    ----------
    days : sequence of ColumnProfile
        The current rows by day, at least 5 of them, where rows of one day may resemble each other; else none.
    """
    ordered = reference.type == "number"
    group = grouping(reference.cells, current.cells, thresholds.cell, ordered=ordered)
    before, now = summed(group, reference.cells), summed(group, current.cells)
    n, m = int(before.sum()), int(now.sum())
    statistic, _, chi_p = chi_square(before, now)
    chance, noise = psi_by_chance(len(before), n, m), psi_by_chance(len(before), n, m, thresholds.noise)
    told: dict[str, Any] = {}
    with_moments = ordered and reference.moments and current.moments
    if with_moments:
        ks, ks_p = kolmogorov_smirnov(reference.counts, current.counts)
        told = {"ks": ks, "ks_p": ks_p, **_moved(reference, current)}
    if days and m:
        spread = blocked(np.array([summed(group, one.cells) for one in days]))
        shape, shared = spread.p_value(statistic, len(before)), _shares_by_day(reference, current, days)
        chance, noise = chance * spread.effect, spread.noise(len(before), 1 / max(n, 1) + 1 / m, thresholds.noise)
        ranked = _ranks_by_day(reference, current, days) if with_moments else []
        told["design_effect"] = spread.effect
    else:
        shape, shared = chi_p, _share_tests(reference, current)
        ranked = _ranks(reference, current) if with_moments else []
    p_value = _together(shape, shared, ranked)
    return ColumnDrift(
        name=name,
        type=reference.type,
        verdict="stable",
        reasons=(),
        p_value=p_value,
        adjusted=p_value,
        psi=psi(before, now) if m else 0.0,
        psi_by_chance=chance,
        psi_noise=noise,
        jensen_shannon=jensen_shannon(before, now) if n and m else 0.0,
        chi_square=statistic,
        chi_square_p=chi_p,
        cells=len(before),
        missing=(_share(reference.missing, reference.rows), _share(current.missing, current.rows)),
        unknown=(_share(reference.unknown, reference.rows), _share(current.unknown, current.rows)),
        refused=(_refused(reference), _refused(current)),
        **told,
    )


def _together(shape: float, shared: Sequence[float], ranked: Sequence[tuple[float, float]]) -> float:
    """One p-value of all tests; those on ranks come with their weights."""
    if not ranked:
        return combined([shape, *shared])
    weights = [SHAPE, *(SHARE for _ in shared), *(weight for _, weight in ranked)]
    return min(1.0, SURER * combined([shape, *shared, *(p_value for p_value, _ in ranked)], weights))


def _share_tests(reference: ColumnProfile, current: ColumnProfile) -> list[float]:
    """Of what can happen to this column: a column that is never missing gets no test for it."""
    n, m = reference.rows + reference.refused, current.rows + current.refused
    pairs = [(getattr(reference, name), getattr(current, name)) for name in ("missing", "unknown", "refused")]
    return [share_test(before, n, now, m) for before, now in pairs if before or now]


def _shares_by_day(reference: ColumnProfile, current: ColumnProfile, days: Sequence[ColumnProfile]) -> list[float]:
    """The same where rows come by day; never surer than exact."""
    n, m = reference.rows + reference.refused, current.rows + current.refused
    sizes, tests = [one.rows + one.refused for one in days], []
    for name in ("missing", "unknown", "refused"):
        before, now = getattr(reference, name), getattr(current, name)
        if before or now:
            by_day = share_by_day(before, n, [getattr(one, name) for one in days], sizes)
            tests.append(max(share_test(before, n, now, m), by_day))
    return tests


def _ranks(reference: ColumnProfile, current: ColumnProfile) -> list[tuple[float, float]]:
    shift, spread = rank_tests(reference.counts, current.counts)
    return [(shift, SHIFT), (anderson_darling(reference.counts, current.counts), BETWEEN), (spread, SPREAD)]


def _ranks_by_day(
    reference: ColumnProfile, current: ColumnProfile, days: Sequence[ColumnProfile]
) -> list[tuple[float, float]]:
    """The same where rows come by day, of which only a score for each row knows how much days differ."""
    counts, tests = np.array([one.counts for one in days]), []
    scores = rank_scores(reference.counts, current.counts)
    for score, weight in zip(scores, (SHIFT + BETWEEN, SPREAD), strict=True):
        z = rank_z(score, reference.counts, current.counts)
        tests.append((two_sided(z / math.sqrt(inflation(score, counts)), len(days)), weight))
    return tests


def _moved(reference: ColumnProfile, current: ColumnProfile) -> dict[str, float | None]:
    """What is told about a number beside its tests."""
    before, now = reference.moments, current.moments
    if before is None or now is None or not before.count or not now.count:
        return {}
    error, shift = math.hypot(before.standard_error, now.standard_error), now.mean - before.mean
    low, high = min(reference.minimum, current.minimum), max(reference.maximum, current.maximum)
    return {
        "wasserstein": wasserstein(reference.counts, current.counts, reference.edges, low, high, shift),
        "z_of_mean": shift / error if error > 0 else None,
        "variance_ratio": now.variance / before.variance if before.variance > 0 else None,
        "reference_mean": before.mean,
        "current_mean": now.mean,
    }


def _share(count: int, rows: int) -> float:
    return count / rows if rows else 0.0


def _refused(column: ColumnProfile) -> float:
    return _share(column.refused, column.rows + column.refused)


def judged(
    one: ColumnDrift,
    reference: ColumnProfile,
    current: ColumnProfile,
    thresholds: Thresholds,
    spread: float,
    days: int = 0,
) -> ColumnDrift:
    """The verdict, once the p-value is adjusted for the other columns; ``spread`` and ``days`` as in
    `harm_of_column`."""
    if current.rows + current.refused < thresholds.rows or one.adjusted > thresholds.level:
        return one
    reached = grade(one, thresholds)
    if not reached:
        return one
    verdict: Verdict = "watch" if reached == 1 else "drifted"
    reasons = _reasons(one, reference, current, thresholds)
    harm = harm_of_column(reference, current, spread, one.design_effect or 1.0, days)
    return replace(one, verdict=verdict, reasons=reasons, harm=harm)


def grade(one: ColumnDrift, thresholds: Thresholds) -> int:
    """0 stable, 1 to watch, 2 moved, 3 moved strongly; of a column whose tests are significant."""
    shift = one.effect if one.psi > one.psi_noise else 0.0
    steps = (thresholds.watched_psi, thresholds.moved_psi, thresholds.strong_psi)
    moved = sum(shift >= step for step in steps)
    steps = (thresholds.watched_share, thresholds.moved_share, thresholds.strong_share)
    apart = max(abs(now - before) for before, now in (one.missing, one.unknown, one.refused))
    return max(moved, sum(apart >= step for step in steps))


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
        found += _levels(reference, current, thresholds.watched_share)
    elif one.reference_mean is not None and one.current_mean is not None:
        found += _numbers(one, reference) or _bin(reference, current, thresholds.moved_share)
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


def _bin(reference: ColumnProfile, current: ColumnProfile, least: float) -> list[Reason]:
    """The bin that gained or lost most; for a column whose mean and variance stayed."""
    most, before, now = _most_changed(reference, current, least)
    if most is None or len(reference.counts) < 2:
        return []
    ends = reference.edges.tolist()
    low, high = ends[most - 1] if most else None, ends[most] if most < len(ends) else None
    return [Reason("bin", {"low": low, "high": high, "before": before, "now": now})]


def _most_changed(reference: ColumnProfile, current: ColumnProfile, least: float) -> tuple[int | None, float, float]:
    """The bin or level whose share changed most, before and now; None where it is less than that, or than chance."""
    before, now = shares(reference.counts), shares(current.counts)
    n, m = int(reference.counts.sum()), int(current.counts.sum())
    if not n or not m:
        return None, 0.0, 0.0
    most = int(np.abs(now - before).argmax())
    was, became = float(before[most]), float(now[most])
    together = (was * n + became * m) / (n + m)
    chance = 4 * math.sqrt(together * (1 - together) * (1 / n + 1 / m))
    return (most if abs(became - was) >= max(least, chance) else None), was, became


def _levels(reference: ColumnProfile, current: ColumnProfile, least: float) -> list[Reason]:
    """The level that moved most, and those that are gone though they were expected."""
    before = shares(reference.counts)
    gone = np.flatnonzero((current.counts == 0) & (before * current.present >= 5))
    found = [Reason("vanished", {"level": reference.levels[place], "before": float(before[place])}) for place in gone]
    most, was, became = _most_changed(reference, current, least)
    if most is not None and most not in gone:
        found.append(Reason("level", {"level": reference.levels[most], "before": was, "now": became}))
    return found


def harm_of_column(
    reference: ColumnProfile, current: ColumnProfile, spread: float, effect: float = 1.0, days: int = 0
) -> Interval | None:
    """The reference's mean cost by cell under the current shares, less that under its own; nothing else moves.

    ``spread`` is the variance of the reference's costs: means of cells are themselves estimates. ``effect`` is the
    design effect of so many days.
    """
    cost = reference.cost
    if cost is None or not current.rows or not reference.rows:
        return None
    before, now = shares(reference.cells), shares(current.cells)
    change = float(((now - before) * cost).sum())
    variance = _variance(now, cost) / current.rows + _variance(before, cost) / reference.rows
    variance += spread * float(((now - before) ** 2 / np.maximum(reference.cells, 1)).sum())
    half = math.sqrt(variance * effect) * (half_width(days) if days else Z95)
    return Interval(change * 1000, (change - half) * 1000, (change + half) * 1000)


def _variance(share: FloatArray, cost: FloatArray) -> float:
    mean = float((share * cost).sum())
    return float((share * (cost - mean) ** 2).sum())
