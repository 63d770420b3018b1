"""What a version achieved on customers that nothing had seen, in metrics and in money."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from riskloop.report.documents.drawing import Series, Tick, bar, bars, lines, nice
from riskloop.report.documents.parts.curves import curves
from riskloop.report.documents.parts.method import threshold
from riskloop.report.documents.parts.use import verdict
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.subject import Subject
from riskloop.report.documents.tree import Block, Column, Fact, Facts, Figure, Said, Section, Source, Table, Value

METRICS = (
    "roc_auc",
    "pr_auc",
    "gini",
    "ks",
    "lift_10",
    "brier",
    "log_loss",
    "calibration_error",
    "calibration_slope",
    "calibration_intercept",
    "precision",
    "recall",
    "f1",
    "accuracy",
    "composite",
    "act_rate",
    "cost_per_thousand",
)
_SWEEP_STEP = 4


def performance(subject: Subject, pen: Pen) -> Section:
    """Metrics with their intervals, and the confusion matrix."""
    test = subject.card["test"]
    confusion = test["confusion"]
    facts = (
        pen.fact("rows_test", pen.count(test["n"])),
        pen.fact("positives_test", pen.count(test["positives"])),
        pen.fact("level", pen.share(test["level"])),
        pen.fact("resamples", pen.count(test["resamples"])),
        *(pen.fact(f"confusion_{name}", pen.count(confusion[name])) for name in ("tp", "fp", "fn", "tn")),
    )
    return Section(
        "performance",
        pen.say("performance_title"),
        (Facts(facts, subject.of_bundle), metrics(subject, pen)),
        note=pen.say("performance_note"),
    )


def metrics(subject: Subject, pen: Pen) -> Table:
    """On the test block, and out of fold on the training rows."""
    test, before = subject.card["test"]["metrics"], subject.card["out_of_fold"]["metrics"]
    return Table(
        "metrics",
        pen.say("metrics_title"),
        (
            Column(pen.say("col_metric")),
            Column(pen.say("col_test"), numeric=True),
            Column(pen.say("col_out_of_fold"), numeric=True, spare=True),
        ),
        tuple(
            (pen.words(f"metric_{name}", name), pen.metric(name, test), pen.metric(name, before))
            for name in in_order(test)
        ),
        subject.of_bundle,
        note=pen.say("metrics_note"),
    )


def in_order(measured: Iterable[str]) -> list[str]:
    """Names of metrics in the order of reading: ranking, probabilities, decisions, money."""
    names = list(measured)
    return [name for name in METRICS if name in names] + sorted(set(names) - set(METRICS))


def money(subject: Subject, pen: Pen) -> Section:
    """Policies beside each other, the ratio of the costs, and the risk bands."""
    decided = subject.card["decided"]
    blocks: list[Block] = [
        Said((verdict(subject, pen),), subject.of_record),
        _policies_drawn(subject, pen),
        _policies(subject, pen),
        _confusions(subject, pen),
        *curves(subject, pen),
    ]
    sections = (
        Section("sensitivity", pen.say("sensitivity_title"), sensitivity(subject, pen)),
        Section("bands", pen.say("bands_title"), (_bands(subject, pen, decided["bands"]), _tenths(subject, pen))),
    )
    return Section("money", pen.say("money_title"), tuple(blocks), sections, note=pen.say("money_note"))


def policy_name(name: str, pen: Pen) -> Value:
    """What a policy is called."""
    return pen.words(f"policy_{name}", name)


def _policies_drawn(subject: Subject, pen: Pen) -> Figure:
    drawn = []
    for row in subject.policies:
        cost, name = row["cost_per_thousand"], policy_name(row["name"], pen).text
        amount = pen.plain(cost["value"], "money")
        drawn.append(bar(name, cost, amount, strong=row["name"] == "chosen"))
    return Figure(
        "policies_drawn",
        pen.say("policies_drawn_title", currency=subject.currency),
        pen.say("policies_drawn_says", costs=" · ".join(f"{one.name} {one.text}" for one in drawn)),
        subject.of_record,
        bars(drawn),
    )


def _policies(subject: Subject, pen: Pen) -> Table:
    labels = ("col_policy", "col_threshold", "col_acts", "metric_cost_per_thousand", "col_total", "col_difference")
    return Table(
        "policies",
        pen.say("policies_title", currency=subject.currency),
        tuple(Column(pen.say(key), key != "col_policy", key in ("col_threshold", "col_total")) for key in labels),
        tuple(
            (
                policy_name(row["name"], pen),
                threshold(subject, pen, row["threshold"], chosen=row["name"] in ("chosen", "bayes")),
                pen.percent(row["act_rate"]),
                pen.interval(row["cost_per_thousand"], "money"),
                pen.number(round(row["total_cost"], 2)),
                _difference(row, pen),
            )
            for row in subject.policies
        ),
        subject.of_record,
        note=pen.say("policies_note"),
    )


def _difference(row: Mapping[str, Any], pen: Pen) -> Value:
    if row["name"] == "chosen":
        return Value("–")
    difference = row["difference"]
    return pen.interval({"value": difference["mean"], "low": difference["low"], "high": difference["high"]}, "money")


def _confusions(subject: Subject, pen: Pen) -> Table:
    outcomes = ("tp", "fp", "fn", "tn")
    return Table(
        "confusions",
        pen.say("confusions_title"),
        (
            Column(pen.say("col_policy")),
            *(Column(pen.say(f"fact_confusion_{name}"), numeric=True) for name in outcomes),
            Column(pen.say("metric_f1"), numeric=True, spare=True),
        ),
        tuple(
            (
                policy_name(row["name"], pen),
                *(pen.count(row["confusion"][name]) for name in outcomes),
                pen.fixed(row["f1"]),
            )
            for row in subject.policies
        ),
        subject.of_record,
    )


def sensitivity(subject: Subject, pen: Pen) -> tuple[Block, ...]:
    """How far the decisions hang on what a missed positive costs beside a needless action."""
    sweep = subject.card["decided"]["sweep"]
    return (
        Said((sweep_said(sweep, pen),), subject.of_bundle),
        _sweep_drawn(sweep, pen, subject.of_bundle),
        _sweep_table(sweep, pen, subject.of_bundle),
    )


def sweep_said(sweep: dict[str, Any], pen: Pen) -> Value:
    """The stretch of ratios for which the decisions are right, and where no model is needed."""

    def ratio(name: str) -> str:
        return pen.number(_digits(sweep[name], 3)).text

    if sweep["right_from"] is None:
        return pen.words("sweep_not_right", ratio=ratio("ratio"))
    said = pen.say("sweep_right", ratio=ratio("ratio"), low=ratio("right_from"), high=ratio("right_to"))
    if sweep["none_until"] is not None:
        said += " " + pen.say("sweep_none", ratio=ratio("none_until"))
    if sweep["all_from"] is not None:
        said += " " + pen.say("sweep_all", ratio=ratio("all_from"))
    return pen.sentence(said)


def _sweep_drawn(sweep: dict[str, Any], pen: Pen, source: Source) -> Figure:
    near = [one for one in sweep["points"] if 1 / 8.01 <= one["ratio"] / sweep["ratio"] <= 8.01]
    across = [Tick(math.log(one["ratio"]), pen.number(_digits(one["ratio"], 2)).text) for one in near[::8]]
    names = ("kept", "adapted", "act_on_all", "act_on_none")
    values = [one[name] for one in near for name in ("kept", "adapted")]
    top = max(values) * 1.15
    series = []
    for name in names:
        seen = [(math.log(one["ratio"]), one[name]) for one in near if one[name] <= top]
        series.append(Series(pen.say(f"sweep_{name}"), name, seen))
    return Figure(
        "sweep_drawn",
        pen.say("sweep_title", currency=pen.currency),
        f"{sweep_said(sweep, pen).text} {pen.say('sweep_mark')}",
        source,
        lines(
            [one for one in series if one.points],
            across,
            [Tick(at, pen.plain(at, "brief")) for at in nice(min(0.0, *values), top)],
            titles=(pen.say("sweep_across"), pen.say("sweep_up", currency=pen.currency)),
            mark=math.log(sweep["ratio"]),
        ),
    )


def _digits(value: float, count: int) -> float:
    return float(f"{value:.{count}g}")


def _sweep_table(sweep: dict[str, Any], pen: Pen, source: Source) -> Table:
    names = ("kept", "adapted", "act_on_all", "act_on_none")
    return Table(
        "sweep",
        pen.say("sweep_table_title", currency=pen.currency),
        (
            Column(pen.say("col_ratio"), numeric=True),
            *(Column(pen.say(f"sweep_{name}"), numeric=True) for name in names),
        ),
        tuple(
            (pen.number(one["ratio"]), *(pen.number(round(one[name], 2)) for name in names))
            for one in sweep["points"][::_SWEEP_STEP]
        ),
        source,
        folded=True,
    )


def _bands(subject: Subject, pen: Pen, bands: Sequence[dict[str, Any]]) -> Table:
    labels = ("col_band", "col_probability", "col_customers", "col_foreseen", "col_came", "col_acts", "col_cost_here")
    return Table(
        "bands",
        pen.say("bands_table_title", currency=subject.currency),
        tuple(Column(pen.say(key), key != "col_band", key in ("col_probability", "col_acts")) for key in labels),
        tuple(
            (
                pen.words(f"band_{one['name']}", one["name"]),
                Value(f"{pen.number(one['low']).text} – {pen.number(one['high']).text}", [one["low"], one["high"]]),
                pen.count(one["rows"]),
                pen.percent(one["foreseen"]),
                pen.interval(one["observed"], "percent"),
                pen.percent(one["act_rate"]),
                pen.number(None if one["cost_per_thousand"] is None else round(one["cost_per_thousand"], 2)),
            )
            for one in bands
        ),
        subject.of_bundle,
    )


def _tenths(subject: Subject, pen: Pen) -> Table:
    labels = ("col_tenth", "col_customers", "col_lowest", "col_came", "col_lift", "col_gained")
    return Table(
        "tenths",
        pen.say("tenths_title"),
        tuple(Column(pen.say(key), numeric=True, spare=key in ("col_customers", "col_lowest")) for key in labels),
        tuple(
            (
                pen.count(one["number"]),
                pen.count(one["rows"]),
                pen.fixed(one["lowest"]),
                pen.interval(one["observed"], "percent"),
                pen.fixed(one["lift"], 2),
                pen.percent(one["gained"]),
            )
            for one in subject.card["decided"]["tenths"]
        ),
        subject.of_bundle,
        folded=True,
    )


def error_facts(subject: Subject, pen: Pen) -> tuple[Fact, ...]:
    """Accuracy in three points, for documents that need no more."""
    test = subject.card["test"]["metrics"]
    return (
        pen.fact("roc_auc", pen.interval(test["roc_auc"])),
        pen.fact("calibration_error", pen.interval(test["calibration_error"])),
        pen.fact("cost", pen.interval(test["cost_per_thousand"], "money", unit=subject.currency)),
    )
