"""How a version was made: family, calibration, costs, policy, and whom it was chosen from."""

from __future__ import annotations

from typing import Any

from riskloop.decide.prices import OUTCOMES
from riskloop.report.documents.drawing import bar, bars
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.subject import Subject
from riskloop.report.documents.tree import Block, Column, Fact, Facts, Figure, Said, Section, Table, Value


def method(subject: Subject, pen: Pen) -> Section:
    """The choice, and what it rests on."""
    blocks: list[Block] = [Facts(making(subject, pen), subject.of_record), costs(subject, pen)]
    blocks += [Facts((pen.fact("costs_from", pen.open("risk", "costs_from")),), subject.of_bundle)]
    contenders = subject.summary.get("contenders", [])
    if contenders:
        blocks += [_contenders_drawn(subject, pen, contenders), _contenders(subject, pen, contenders)]
    if subject.card["balancing"]:
        blocks.append(Said(tuple(pen.told(one) for one in subject.card["balancing"]), subject.of_bundle))
    return Section("method", pen.say("method_title"), tuple(blocks))


def making(subject: Subject, pen: Pen) -> tuple[Fact, ...]:
    """Family, calibration, policy, seed and plan."""
    card, policy = subject.card, subject.bundle.policy
    training = subject.settings["training"]
    return (
        pen.fact("family", pen.code(card["family"])),
        pen.fact("why_family", pen.told(card["why"])),
        pen.fact("form", pen.code(type(subject.bundle.scorer.model).__name__)),
        pen.fact("calibration", pen.code(card["calibration"]["kind"])),
        pen.fact("why_calibration", pen.told(card["calibration"]["why"])),
        pen.fact("policy", pen.code(policy.kind)),
        pen.fact("threshold", _chosen_threshold(subject, pen)),
        *((pen.fact("least_gain", pen.money(policy.least_gain)),) if policy.least_gain else ()),
        pen.fact("why_policy", pen.told(policy.why)),
        pen.fact("folds", pen.count(training["folds"])),
        pen.fact("trials", pen.count(training["trials"])),
        pen.fact("budget", pen.text(training["budget"]) if training["budget"] else pen.words("no_budget")),
        pen.fact("seed", pen.count(card["seed"])),
    )


def threshold(subject: Subject, pen: Pen, value: float, *, chosen: bool = True) -> Value:
    """A threshold; each customer's own, or that of acting on nobody."""
    if chosen and subject.bundle.policy.own_thresholds:
        return Value(pen.say("own_threshold"), value)
    return Value(pen.say("never"), value) if value > 1 else pen.number(value)


def _chosen_threshold(subject: Subject, pen: Pen) -> Value:
    policy = subject.bundle.policy
    if policy.interval is None or policy.own_thresholds:
        return threshold(subject, pen, policy.threshold)
    low, high = policy.interval
    raw = {"value": policy.threshold, "low": low, "high": high}
    ends = {name: pen.fixed(number).text for name, number in raw.items()}
    return Value(pen.say("threshold_between", **ends), raw)


def costs(subject: Subject, pen: Pen) -> Table:
    """What each outcome costs, an amount or a formula."""
    declared = subject.bundle.policy.costs.to_dict()
    return Table(
        "costs",
        pen.say("costs_title"),
        (Column(pen.say("col_outcome")), Column(pen.say("col_cost"), numeric=True)),
        tuple((pen.words(f"outcome_{name}"), _cost(declared[name], pen)) for name in OUTCOMES),
        subject.of_bundle,
        note=pen.say("costs_note"),
    )


def _cost(declared: Any, pen: Pen) -> Value:
    return pen.code(declared, 120) if isinstance(declared, str) else pen.money(declared)


def _contenders(subject: Subject, pen: Pen, contenders: list[dict[str, Any]]) -> Table:
    labels = ("col_contender", "metric_roc_auc", "metric_log_loss", "metric_cost_per_thousand", "col_fit", "col_chosen")
    spare = ("metric_log_loss", "col_fit")
    numeric = labels[1:5]
    return Table(
        "contenders",
        pen.say("contenders_title"),
        tuple(Column(pen.say(key), key in numeric, key in spare) for key in labels),
        tuple(
            (
                pen.code(one["name"], 60),
                pen.interval(one["metrics"]["roc_auc"]),
                pen.interval(one["metrics"]["log_loss"]),
                pen.interval(one["metrics"]["cost_per_thousand"], "money"),
                pen.fixed(one["training_seconds"], 1),
                pen.yes(one["name"] == subject.card["family"]),
            )
            for one in contenders
        ),
        subject.of_record,
        note=pen.say("contenders_note", currency=subject.currency),
    )


def _contenders_drawn(subject: Subject, pen: Pen, contenders: list[dict[str, Any]]) -> Figure:
    drawn = []
    for one in contenders:
        cost = one["metrics"]["cost_per_thousand"]
        if cost["value"] is not None:
            amount = pen.plain(cost["value"], "money")
            drawn.append(bar(one["name"], cost, amount, strong=one["name"] == subject.card["family"]))
    return Figure(
        "contenders_drawn",
        pen.say("contenders_drawn_title", currency=subject.currency),
        pen.say("contenders_drawn_says", count=len(drawn), chosen=subject.card["family"]),
        subject.of_record,
        bars(drawn),
    )
