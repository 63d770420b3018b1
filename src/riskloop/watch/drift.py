"""Drift: what has moved between a reference profile and a current one, how surely, how far, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from riskloop.intervals import Interval, finite
from riskloop.watch.column_drift import VERDICTS, ColumnDrift, Reason, Verdict, Z, column_drift, grade, judged
from riskloop.watch.distances import benjamini_hochberg, share_test
from riskloop.watch.moments import Moments
from riskloop.watch.profile import Profile
from riskloop.watch.thresholds import USUAL, Thresholds


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

    def told(one: ColumnDrift, p_value: float) -> ColumnDrift:
        before, now = reference.columns[one.name], current.columns[one.name]
        return judged(replace(one, adjusted=p_value), before, now, thresholds, spread)

    columns = [told(one, float(p_value)) for one, p_value in zip(found, adjusted, strict=True)]
    score = column_drift("score", reference.score, current.score, thresholds)
    score = judged(score, reference.score, current.score, thresholds, spread)
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


def _harm(before: Moments, now: Moments) -> tuple[Interval, Interval]:
    """Change of the mean expected cost per 1,000, and beside the reference's (delta method)."""
    if not before.count or not now.count:
        nothing = Interval(math.nan, math.nan, math.nan)
        return nothing, nothing
    change = now.mean - before.mean
    half = Z * math.hypot(now.standard_error, before.standard_error)
    harm = Interval(change * 1000, (change - half) * 1000, (change + half) * 1000)
    size = abs(before.mean)
    if not size:
        return harm, Interval(math.nan, math.nan, math.nan)
    ratio = now.mean / before.mean
    half = Z * math.hypot(now.standard_error, ratio * before.standard_error) / size
    return harm, Interval(change / size, change / size - half, change / size + half)


def _by_weight(one: ColumnDrift) -> tuple[int, float, float, float]:
    """Verdict, then how many cannot be decided about, then what it costs for sure, then how far it moved."""
    cost = 0.0 if one.harm is None else one.harm.low
    refused = one.refused[1] if one.refused[1] >= USUAL.strong_share else 0.0
    return -VERDICTS.index(one.verdict), -refused, -max(cost, 0.0), -one.effect


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
    strong = [one.name for one in made.moved if grade(one, limits) == 3]
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
    if 0 < len(made.moved) < limits.columns and all(grade(one, limits) < 3 for one in made.moved):
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
