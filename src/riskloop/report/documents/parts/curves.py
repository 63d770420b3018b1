"""What every threshold would have cost, and where decisions are right and wrong: drawn from the card's curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from riskloop.report.documents.drawing import Pile, Series, Tick, lines, nice, piles
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.subject import Subject
from riskloop.report.documents.tree import Block, Column, Figure, Said, Table, Value

_MARKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_COST_STEP = 4
_KINDS = ("tp", "fn", "fp", "tn")


def curves(subject: Subject, pen: Pen) -> list[Block]:
    """Both drawings with their figures; a sentence where the bundle is of an earlier make."""
    found = subject.card.get("curves")
    if found is None:
        return [Said((pen.words("no_curves"),), subject.of_bundle)]
    return [
        _decided_drawn(subject, pen, found["decided"]),
        _decided_table(subject, pen, found["decided"]),
        _cost_drawn(subject, pen, found["cost"]),
        _cost_table(subject, pen, found["cost"]),
    ]


def _mark(subject: Subject, pen: Pen) -> str:
    """What the vertical line is."""
    policy = subject.bundle.policy
    return pen.say("mark_own" if policy.own_thresholds else "mark_one", threshold=pen.number(policy.threshold).text)


def _decided_drawn(subject: Subject, pen: Pen, bins: Sequence[Sequence[int]]) -> Figure:
    words = {name: pen.say(f"fact_confusion_{name}") for name in _KINDS}
    tp, fn, fp, tn = zip(*bins, strict=True)
    rows = (
        Pile(pen.say("scores_positives"), words["tp"], words["fn"], tp, fn),
        Pile(pen.say("scores_negatives"), words["tn"], words["fp"], tn, fp),
    )
    return Figure(
        "scores",
        pen.say("scores_title"),
        f"{pen.say('scores_says')} {_mark(subject, pen)}",
        subject.of_bundle,
        piles(
            rows,
            _ticks(pen),
            pen.say("scores_across"),
            lambda count: pen.count(count).text,
            mark=min(subject.bundle.policy.threshold, 1.0),
        ),
    )


def _decided_table(subject: Subject, pen: Pen, bins: Sequence[Sequence[int]]) -> Table:
    columns = (Column(pen.say("col_probability")),)
    return Table(
        "scores",
        pen.say("scores_table_title"),
        columns + tuple(Column(pen.say(f"fact_confusion_{name}"), numeric=True) for name in _KINDS),
        tuple(
            (_range(place / len(bins), (place + 1) / len(bins), pen), *(pen.count(count) for count in one))
            for place, one in enumerate(bins)
            if any(one)
        ),
        subject.of_bundle,
        folded=True,
    )


def _range(low: float, high: float, pen: Pen) -> Value:
    low, high = round(low, 6), round(high, 6)
    return Value(f"{pen.number(low).text} – {pen.number(high).text}", [low, high])


def _cost_drawn(subject: Subject, pen: Pen, cost: Sequence[Sequence[float]]) -> Figure:
    policies = {row["name"]: row["cost_per_thousand"]["value"] for row in subject.card["policies"]}
    flat = [
        Series(pen.say(f"sweep_{name}"), name, [(0.0, policies[name]), (1.0, policies[name])])
        for name in ("act_on_all", "act_on_none")
        if name in policies
    ]
    values = [amount for _, amount in cost]
    return Figure(
        "cost_curve",
        pen.say("cost_curve_title"),
        f"{_cost_said(policies, cost, pen)} {_mark(subject, pen)}",
        subject.of_bundle,
        lines(
            [Series(pen.say("cost_curve_line"), "kept", _steps(cost)), *flat],
            _ticks(pen),
            [Tick(at, pen.plain(at, "brief")) for at in nice(min(0.0, *values), max(values))],
            titles=(pen.say("cost_curve_across"), pen.say("sweep_up", currency=pen.currency)),
            mark=min(subject.bundle.policy.threshold, 1.0),
        ),
    )


def _cost_said(policies: Mapping[str, float], cost: Sequence[Sequence[float]], pen: Pen) -> str:
    best = min(cost, key=lambda one: one[1])
    return pen.say(
        "cost_curve_says",
        cost=pen.money(policies.get("chosen")).text,
        least=pen.money(best[1]).text,
        best=_threshold(best[0], pen).text,
    )


def _steps(cost: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """The corners from 0 to 1: a cost holds from below the next lower threshold up to its own."""
    rising = sorted((min(threshold, 1.0), amount) for threshold, amount in cost)
    corners = [(0.0, rising[0][1]), (rising[0][0], rising[0][1])]
    for (before, _), (threshold, amount) in pairwise(rising):
        corners += [(before, amount), (threshold, amount)]
    return corners


def _cost_table(subject: Subject, pen: Pen, cost: Sequence[Sequence[float]]) -> Table:
    best = min(range(len(cost)), key=lambda place: cost[place][1])
    kept = sorted({*range(0, len(cost), _COST_STEP), best, len(cost) - 1})
    return Table(
        "cost_curve",
        pen.say("cost_curve_table_title", currency=pen.currency),
        (Column(pen.say("col_threshold"), numeric=True), Column(pen.say("col_cost_here"), numeric=True)),
        tuple((_threshold(cost[place][0], pen), pen.number(round(cost[place][1], 2))) for place in kept),
        subject.of_bundle,
        folded=True,
    )


def _threshold(value: float, pen: Pen) -> Value:
    """A threshold above every probability acts on nobody."""
    return pen.number(value) if value <= 1 else Value(pen.say("never"), value)


def _ticks(pen: Pen) -> list[Tick]:
    return [Tick(at, pen.number(at).text) for at in _MARKS]
