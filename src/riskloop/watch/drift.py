"""Drift: what has moved between a reference profile and a current one, how surely, how far, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from riskloop.intervals import Z95, Interval, finite
from riskloop.watch.blocks import FEWEST_DAYS, half_width, inflation_of_mean, pair_inflation, share_by_day
from riskloop.watch.column import ColumnProfile
from riskloop.watch.column_drift import VERDICTS, ColumnDrift, Reason, Verdict, column_drift, grade, judged
from riskloop.watch.distances import benjamini_hochberg, share_test
from riskloop.watch.joint import PairDrift, pairs_drift
from riskloop.watch.moments import Moments
from riskloop.watch.profile import Profile
from riskloop.watch.thresholds import USUAL, Thresholds

_MOST_PAIRS = 50


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
    pairs : tuple of PairDrift
        Columns two at a time, those first whose dependence changed most.
    repeats : (float, float) or None
        Share of rows that repeat another, in samples of one size; None where that was not counted.
    days : int
        Days by which rows were taken to resemble each other; 0 where they do not come by day, or on too few.
    in_season : frozenset of str
        What has moved as it does at this time: ``score``, ``decisions``, ``cost``; see `riskloop.watch.season`.
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
    pairs: tuple[PairDrift, ...] = ()
    repeats: tuple[float, float] | None = None
    days: int = 0
    in_season: frozenset[str] = frozenset()

    @property
    def drifted(self) -> bool:
        return self.verdict == "drifted"

    @property
    def moved(self) -> tuple[ColumnDrift, ...]:
        """The columns that have drifted."""
        return tuple(one for one in self.columns if one.drifted)

    @property
    def moved_pairs(self) -> tuple[PairDrift, ...]:
        """The pairs of columns that hang together otherwise than before."""
        return tuple(one for one in self.pairs if one.moved)

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
            "pairs": [one.to_dict() for one in self.pairs[:_MOST_PAIRS]],
            "repeats": None if self.repeats is None else list(self.repeats),
            "days": self.days,
            "in_season": sorted(self.in_season),
            "columns": [one.to_dict() for one in self.columns],
        }


def drift(
    reference: Profile, current: Profile, thresholds: Thresholds = USUAL, *, days: Sequence[Profile] = ()
) -> Drift:
    """Compare a profile with the reference by whose edges it was counted.

    A column has drifted if its tests together are significant after Benjamini and Hochberg (1995), its PSI exceeds what
    samples of these sizes show by chance, and the excess (or a share of missing, unknown or refused cells) is large
    enough to matter; see `Thresholds`. The tests of a number are van der Waerden's, Anderson and Darling's, Klotz's and
    chi-square; of a category chi-square; of both, exact ones of the shares missing, unknown and refused. The mean's
    z-score and the ratio of variances are told and not tested: heavy tails would raise false alarms.

    Parameters
    ----------
    reference, current : Profile
    thresholds : Thresholds
    days : sequence of Profile
        The current rows by day. From 5 days on, rows of one day are taken to resemble each other as far as they do, see
        `riskloop.watch.blocks`; with fewer, rows count as independent.
    """
    days = tuple(one for one in days if one.rows)
    days = days if len(days) >= FEWEST_DAYS else ()

    def by_day(name: str) -> list[ColumnProfile]:
        return [one.columns[name] for one in days]

    found = [
        column_drift(name, reference.columns[name], column, thresholds, by_day(name))
        for name, column in current.columns.items()
    ]
    adjusted = benjamini_hochberg(np.array([one.p_value for one in found])) if found else np.empty(0)
    spread = reference.cost.variance

    def told(one: ColumnDrift, p_value: float) -> ColumnDrift:
        before, now = reference.columns[one.name], current.columns[one.name]
        return judged(replace(one, adjusted=p_value), before, now, thresholds, spread, len(days))

    columns = [told(one, float(p_value)) for one, p_value in zip(found, adjusted, strict=True)]
    score = column_drift("score", reference.score, current.score, thresholds, [one.score for one in days])
    score = judged(score, reference.score, current.score, thresholds, spread, len(days))
    harm, relative = _harm(reference.cost, current.cost, [one.cost for one in days])
    made = Drift(
        verdict="stable",
        reasons=(),
        columns=tuple(sorted(columns, key=_by_weight)),
        score=score,
        act_rate=(reference.act_rate, current.act_rate),
        act_rate_p=_act_rate_p(reference, current, days),
        cost=(reference.cost.mean * 1000, current.cost.mean * 1000),
        harm=harm,
        relative_harm=relative,
        reference_rows=reference.rows,
        rows=current.rows,
        broken=current.rows - current.scored,
        thresholds=thresholds,
        pairs=_pairs(reference, current, thresholds, days),
        repeats=_repeats(reference, current),
        days=len(days),
    )
    return judged_anew(made)


def judged_anew(made: Drift) -> Drift:
    """The verdict and its reasons, after columns or ``in_season`` have changed."""
    verdict, reasons = _verdict(made)
    return replace(made, verdict=verdict, reasons=reasons, columns=tuple(sorted(made.columns, key=_by_weight)))


def _act_rate_p(reference: Profile, current: Profile, days: Sequence[Profile]) -> float:
    exact = share_test(reference.acted, reference.scored, current.acted, current.scored)
    if not days:
        return exact
    sizes = [one.scored for one in days]
    return max(exact, share_by_day(reference.acted, reference.scored, [one.acted for one in days], sizes))


def _pairs(
    reference: Profile, current: Profile, thresholds: Thresholds, days: Sequence[Profile]
) -> tuple[PairDrift, ...]:
    if reference.pairs is None or current.pairs is None:
        return ()
    counts = [one.pairs.counts for one in days if one.pairs is not None]
    spread = pair_inflation(np.array(counts)) if len(counts) >= FEWEST_DAYS else None
    return pairs_drift(reference.pairs, current.pairs, thresholds, spread)


def _repeats(reference: Profile, current: Profile) -> tuple[float, float] | None:
    """In samples of the smaller size: the more rows, the more of them repeat."""
    if reference.repeats is None or current.repeats is None:
        return None
    rows = min(reference.repeats.rows, current.repeats.rows)
    return reference.repeats.share(rows), current.repeats.share(rows)


def _harm(before: Moments, now: Moments, days: Sequence[Moments]) -> tuple[Interval, Interval]:
    """Change of the mean expected cost per 1,000, and beside the reference's (delta method)."""
    if not before.count or not now.count:
        nothing = Interval(math.nan, math.nan, math.nan)
        return nothing, nothing
    change = now.mean - before.mean
    z = half_width(len(days)) * math.sqrt(inflation_of_mean(days)) if days else Z95
    half = z * math.hypot(now.standard_error, before.standard_error)
    harm = Interval(change * 1000, (change - half) * 1000, (change + half) * 1000)
    size = abs(before.mean)
    if not size:
        return harm, Interval(math.nan, math.nan, math.nan)
    ratio = now.mean / before.mean
    half = z * math.hypot(now.standard_error, ratio * before.standard_error) / size
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
    seasonal = [one.name for one in made.columns if one.verdict == "season"]
    if seasonal or made.in_season:
        light.append(Reason("season", {"count": len(seasonal), "names": [*seasonal, *sorted(made.in_season)]}))
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
    if made.score.drifted and "score" not in made.in_season:
        found.append(Reason("score_moved", {"psi": made.score.psi, "chance": made.score.psi_by_chance}))
    if _decisions_moved(made, limits.decisions):
        found.append(Reason("decisions_moved", {"before": made.act_rate[0], "now": made.act_rate[1]}))
    if made.harm.low > 0 and made.relative_harm.value >= limits.costlier and "cost" not in made.in_season:
        found.append(Reason("costlier", {"change": made.relative_harm.to_dict()}))
    if _pairs_drifted(made):
        found.append(_pairs_moved(made))
    if _risen(made) >= limits.moved_repeats:
        found.append(_repeated(made))
    return found


def _pairs_drifted(made: Drift) -> bool:
    strong = any(one.effect >= made.thresholds.strong_pair for one in made.moved_pairs)
    return strong or len(made.moved_pairs) >= made.thresholds.columns


def _pairs_moved(made: Drift) -> Reason:
    names = [" × ".join(one.names) for one in made.moved_pairs]
    return Reason("pairs_moved", {"count": len(names), "names": names})


def _risen(made: Drift) -> float:
    """Rise of the share of rows that repeat another."""
    return made.repeats[1] - made.repeats[0] if made.repeats else 0.0


def _repeated(made: Drift) -> Reason:
    before, now = made.repeats or (0.0, 0.0)
    return Reason("repeated", {"before": before, "now": now})


def _decisions_moved(made: Drift, least: float) -> bool:
    if "decisions" in made.in_season:
        return False
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
    if made.moved_pairs and not _pairs_drifted(made):
        found.append(_pairs_moved(made))
    if limits.watched_repeats <= _risen(made) < limits.moved_repeats:
        found.append(_repeated(made))
    if made.score.verdict == "watch" and "score" not in made.in_season:
        found.append(Reason("score_watched", {"psi": made.score.psi, "chance": made.score.psi_by_chance}))
    return found
