"""Curves of several versions over one another, from their counted scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from riskloop.costs import Costs, FloatArray
from riskloop.decide.tally import Tally
from riskloop.intervals import wilson
from riskloop.web.cards import Card
from riskloop.web.charts import Axis, Line, Mark, lines
from riskloop.web.visit import Visit

KINDS = ("a", "b", "c", "d")
_TENTHS = 10


def overlaid(visit: Visit, cards: Sequence[Card]) -> list[dict[str, Any]]:
    """ROC, precision and recall, calibration and cost of versions on their test blocks; what there is to draw."""
    drawn = [(card, card.test, kind) for card, kind in zip(cards, KINDS, strict=False) if card.test is not None]
    if not drawn:
        return []
    say = visit.say
    names = ", ".join(say("version_n", number=card.version.version) for card, _, _ in drawn)
    return [
        {"key": key, "chart": draw(visit, drawn, say(f"curve_{key}_said", names=names))}
        for key, draw in (("roc", _roc), ("pr", _precision), ("calibration", _calibration), ("cost", _cost))
    ]


_Drawn = Sequence[tuple[Card, Tally, str]]


def _name(visit: Visit, card: Card) -> str:
    return f"{visit.say('version_n', number=card.version.version)} ({card.family})"


def _share_axis(visit: Visit, key: str, low: float = 0.0, high: float = 1.0) -> Axis:
    return Axis(visit.say(key), low, high, lambda value: visit.write.share(value, 0 if high > 0.1 else 1))


def _roc(visit: Visit, drawn: _Drawn, said: str) -> Any:
    series = []
    for card, tally, kind in drawn:
        _, tp, fp = tally.cells()
        series.append(Line(_name(visit, card), (fp / max(fp[-1], 1)).tolist(), (tp / max(tp[-1], 1)).tolist(), kind))
    chance = Line(visit.say("curve_chance"), [0, 1], [0, 1], "muted", dashed=True)
    return lines([*series, chance], _share_axis(visit, "curve_fpr"), _share_axis(visit, "curve_recall"), said)


def _precision(visit: Visit, drawn: _Drawn, said: str) -> Any:
    series = []
    for card, tally, kind in drawn:
        _, tp, fp = tally.cells()
        some = tp + fp > 0
        series.append(
            Line(_name(visit, card), (tp[some] / max(tp[-1], 1)).tolist(), (tp[some] / (tp + fp)[some]).tolist(), kind)
        )
    _, tally, _ = drawn[0]
    base = float(tally.counts.positive.sum()) / max(tally.rows, 1)
    chance = Line(visit.say("curve_chance"), [0, 1], [base, base], "muted", dashed=True)
    return lines([*series, chance], _share_axis(visit, "curve_recall"), _share_axis(visit, "curve_precision"), said)


def _calibration(visit: Visit, drawn: _Drawn, said: str) -> Any:
    made = [(_name(visit, card), kind, *reliability(tally)) for card, tally, kind in drawn]
    top = min(1.0, max(float(max(foreseen.max(), high.max())) for _, _, foreseen, _, _, high in made) * 1.05)
    series = [
        Line(
            name,
            foreseen.tolist(),
            observed.tolist(),
            kind,
            low=low.tolist() if len(made) == 1 else (),
            high=high.tolist() if len(made) == 1 else (),
            dots=True,
        )
        for name, kind, foreseen, observed, low, high in made
    ]
    ideal = Line(visit.say("curve_ideal"), [0, top], [0, top], "muted", dashed=True)
    return lines(
        [*series, ideal],
        _share_axis(visit, "curve_foreseen", 0, top),
        _share_axis(visit, "curve_observed", 0, top),
        said,
    )


def reliability(tally: Tally) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Tenths of the customers by score: what was foreseen, what came, and its interval (Wilson)."""
    counts = tally.counts.positive + tally.counts.negative
    place = np.minimum((np.cumsum(counts) - counts / 2) * _TENTHS // max(tally.rows, 1), _TENTHS - 1).astype(int)
    rows = np.bincount(place, counts, _TENTHS)
    held = rows > 0
    came = np.bincount(place, tally.counts.positive, _TENTHS)[held]
    foreseen = np.bincount(place, tally.foreseen, _TENTHS)[held] / rows[held]
    around = [wilson(float(k), float(n)) for k, n in zip(came, rows[held], strict=True)]
    return foreseen, came / rows[held], np.array([one.low for one in around]), np.array([one.high for one in around])


def _cost(visit: Visit, drawn: _Drawn, said: str) -> Any:
    series, marks, tops = [], [], []
    for card, tally, kind in drawn:
        if card.policy is None or not isinstance(card.policy.costs, Costs):
            continue
        thresholds, cost = costs_by_threshold(tally, card.policy.costs)
        here = thresholds <= 1
        series.append(Line(_name(visit, card), thresholds[here].tolist(), cost[here].tolist(), kind))
        marks.append(Mark("", min(card.policy.threshold, 1.0), kind))
        tops.append(float(cost[here].max()))
    if not series:
        return None
    currency = drawn[0][0].currency
    y = Axis(
        f"{currency} {visit.say('per_thousand')}",
        min(0.0, *(min(one.y) for one in series)),
        max(tops),
        visit.write.count,
    )
    return lines(series, _share_axis(visit, "threshold"), y, said, marks)


def costs_by_threshold(tally: Tally, costs: Costs) -> tuple[FloatArray, FloatArray]:
    """Cost per 1,000 customers of acting from every threshold of a tally on, from nobody to everybody."""
    thresholds, tp, fp = tally.cells()
    fn, tn = tp[-1] - tp, fp[-1] - fp
    total = tp * costs.tp + fp * costs.fp + fn * costs.fn + tn * costs.tn
    return thresholds, np.asarray(total / max(tally.rows, 1) * 1000, dtype=np.float64)
