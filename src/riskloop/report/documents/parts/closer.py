"""A closer look: calibration and time, weak segments, groups of customers, and what the model relies on."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from riskloop.learn.evaluation.fairness import FOUR_FIFTHS
from riskloop.report.documents.drawing import Series, Tick, bar, bars, dots, lines, nice
from riskloop.report.documents.parts.data import MOST_LISTED, listed_note
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.subject import Subject
from riskloop.report.documents.tree import Block, Column, Facts, Figure, Said, Section, Table, Value
from riskloop.report.words import shown

_MOST_DRAWN = 20
_GROUPS_LISTED = 60
_MARKS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
_CLOSE = 0.14
"""Marks of an axis stand further apart than this share of it."""


def calibration(subject: Subject, pen: Pen) -> Section:
    """Do probabilities come true, and does that last?"""
    examined = subject.card["examination"]
    reliability, stability = examined["reliability"], examined["stability"]
    said = [pen.words("in_the_large", ratio=pen.interval(reliability["in_the_large"], "plain").text)]
    if examined["iid"]:
        said.append(_iid(examined["iid"], pen))
    said.append(_stability(stability, pen))
    blocks: list[Block] = [Said(tuple(said), subject.of_bundle), _reliability_drawn(subject, pen, reliability["bins"])]
    blocks.append(_reliability(subject, pen, reliability["bins"]))
    if stability:
        drawn = _over_time_drawn(subject, pen, stability)
        blocks += [drawn] if drawn else []
        blocks.append(_over_time(subject, pen, stability))
    return Section("calibration", pen.say("calibration_title"), tuple(blocks))


def _iid(iid: dict[str, Any], pen: Pen) -> Value:
    promised, came = iid["random"]["cost_per_thousand"], iid["test"]["cost_per_thousand"]
    which = "good" if promised["high"] < came["low"] else "bad" if came["high"] < promised["low"] else "same"
    return pen.sentence(
        pen.say(
            "iid",
            promised=pen.interval(promised, "money", unit=pen.currency).text,
            came=pen.interval(came, "money", unit=pen.currency).text,
            ranked=pen.plain(iid["random"]["roc_auc"]["value"]),
            ranks=pen.plain(iid["test"]["roc_auc"]["value"]),
            before=pen.plain(iid["positive_rate"][0], "percent"),
            after=pen.plain(iid["positive_rate"][1], "percent"),
        )
        + " "
        + pen.say(f"iid_{which}")
    )


def _stability(stability: dict[str, Any] | None, pen: Pen) -> Value:
    if stability is None:
        return pen.words("no_order")
    if stability["mean"] is None:
        return pen.words("few_periods")
    return pen.words(
        "stability",
        count=len(stability["periods"]),
        mean=pen.plain(stability["mean"]),
        slope=pen.number(stability["slope"]).text,
        unit=pen.say(f"unit_{stability['by']}"),
        score=pen.plain(stability["score"]),
    )


def _reliability_drawn(subject: Subject, pen: Pen, bins: list[dict[str, Any]]) -> Figure:
    points = [
        (one["foreseen"], one["observed"]["value"], one["observed"]["low"], one["observed"]["high"]) for one in bins
    ]
    top = min(1.0, 1.05 * max(max(foreseen, high) for foreseen, _, _, high in points))
    marks = [share for share in _MARKS if share <= top and math.sqrt(share / top) > _CLOSE]
    marks = [
        one for one, after in pairwise([*marks, 2 * top]) if math.sqrt(after / top) - math.sqrt(one / top) > _CLOSE
    ]
    return Figure(
        "reliability_drawn",
        pen.say("reliability_title"),
        pen.say("reliability_says", count=len(bins)),
        subject.of_bundle,
        dots(
            points,
            top,
            [Tick(share, pen.plain(share, "whole")) for share in marks],
            pen.say("col_foreseen"),
            pen.say("col_came"),
        ),
    )


def _reliability(subject: Subject, pen: Pen, bins: list[dict[str, Any]]) -> Table:
    return Table(
        "reliability",
        pen.say("reliability_table_title"),
        tuple(Column(pen.say(key), numeric=True) for key in ("col_customers", "col_foreseen", "col_came")),
        tuple(
            (pen.count(one["rows"]), pen.percent(one["foreseen"]), pen.interval(one["observed"], "percent"))
            for one in bins
        ),
        subject.of_bundle,
        folded=True,
    )


def _over_time_drawn(subject: Subject, pen: Pen, stability: dict[str, Any]) -> Figure | None:
    periods = stability["periods"]
    points = [(float(place), one["gini"]) for place, one in enumerate(periods) if one["gini"] is not None]
    if len(points) < 3:
        return None
    values = [value for _, value in points]
    return Figure(
        "over_time_drawn",
        pen.say("over_time_title"),
        _stability(stability, pen).text,
        subject.of_bundle,
        lines(
            [Series(pen.say("metric_gini"), "kept", points)],
            [Tick(0.0, periods[0]["name"]), Tick(float(len(periods) - 1), periods[-1]["name"])],
            [Tick(at, pen.number(at).text) for at in nice(min(0.0, *values), max(values))],
            titles=(pen.say("over_time_across"), pen.say("metric_gini")),
            dotted=True,
        ),
    )


def _over_time(subject: Subject, pen: Pen, stability: dict[str, Any]) -> Table:
    labels = ("col_period", "col_customers", "col_positives", "col_test_share", "metric_gini", "col_ratio_came")
    return Table(
        "over_time",
        pen.say("over_time_table_title"),
        tuple(Column(pen.say(key), key != "col_period", key == "col_test_share") for key in labels),
        tuple(
            (
                pen.text(one["name"]),
                pen.count(one["rows"]),
                pen.count(one["positives"]),
                pen.percent(one["test_share"]),
                pen.fixed(one["gini"]),
                pen.interval(one["in_the_large"], "plain"),
            )
            for one in stability["periods"]
        ),
        subject.of_bundle,
        folded=True,
    )


def segments(subject: Subject, pen: Pen) -> Section:
    """Groups of customers for whom the model is worse than for the others."""
    found = subject.card["examination"]["segments"]
    block: Block = Said((pen.words("no_segments"),), subject.of_bundle)
    if found:
        labels = ("col_segment", "col_customers", "col_positives", "col_measure", "col_here", "col_elsewhere")
        block = Table(
            "segments",
            pen.say("segments_table_title"),
            tuple(
                Column(pen.say(key), key not in ("col_segment", "col_measure"), key == "col_positives")
                for key in labels
            ),
            tuple(
                (
                    pen.text(one["name"], 120),
                    pen.count(one["rows"]),
                    pen.count(one["positives"]),
                    pen.words(f"weak_{one['measure']}", one["measure"]),
                    pen.number(one["here"]),
                    pen.number(one["elsewhere"]),
                )
                for one in found
            ),
            subject.of_bundle,
        )
    return Section("segments", pen.say("segments_title"), (block,), note=pen.say("segments_note"))


def fairness(subject: Subject, pen: Pen) -> Section:
    """How groups by protected attributes fare under the decisions."""
    audit = subject.card["fairness"]
    if audit is None:
        key = "fairness_absent" if subject.sensitive else "fairness_none"
        columns = ", ".join(shown(name) for name in subject.sensitive)
        facts = Facts((pen.fact("groups", pen.open("protection", "groups")),), subject.of_bundle)
        said = Said((pen.words(key, columns=columns),), subject.of_bundle)
        return Section("fairness", pen.say("fairness_title"), (said, facts))
    act, leave = subject.bundle.policy.labels
    good = act if audit["favourable"] == "act" else leave
    said = Said(fairness_said(subject, pen), subject.of_bundle)
    blocks: list[Block] = [said, _groups(subject, pen, audit)]
    if audit["proxies"]:
        blocks.append(_proxies(subject, pen, audit))
    note = pen.say("fairness_note", favourable=shown(good, 30), least=audit["minimum_rows"], small=len(audit["small"]))
    return Section("fairness", pen.say("fairness_title"), tuple(blocks), note=note)


def fairness_said(subject: Subject, pen: Pen) -> tuple[Value, ...]:
    """The worst group of every attribute, and candidates under which it would fare better."""
    audit = subject.card["fairness"]
    said = []
    for attribute in dict.fromkeys(one["attribute"] for one in audit["groups"] if ", " not in one["attribute"]):
        judged = [one for one in audit["groups"] if one["attribute"] == attribute and one["ratio"]["value"] is not None]
        if not judged:
            continue
        worst = min(judged, key=lambda one: float(one["ratio"]["value"]))
        which = "adverse" if worst["adverse"] else "noise" if worst["ratio"]["value"] < FOUR_FIFTHS else "above"
        said.append(
            pen.words(
                f"group_{which}",
                attribute=shown(attribute),
                level=shown(worst["level"]),
                ratio=pen.interval(worst["ratio"], "plain").text,
            )
        )
    for one in audit["alternatives"]:
        cost = {"value": one["cost"]["mean"], "low": one["cost"]["low"], "high": one["cost"]["high"]}
        said.append(
            pen.words(
                "alternative",
                name=one["name"],
                least=pen.plain(one["least_ratio"], "plain"),
                now=pen.plain(one["chosen_ratio"], "plain"),
                cost=pen.interval(cost, "money", unit=pen.currency).text,
            )
        )
    return tuple(said) or (pen.words("groups_small"),)


def _groups(subject: Subject, pen: Pen, audit: dict[str, Any]) -> Table:
    labels = ("col_group", "col_customers", "col_favourable", "col_of_best", "col_tpr", "col_fpr", "col_ratio_came")
    return Table(
        "groups",
        pen.say("groups_title"),
        tuple(Column(pen.say(key), key != "col_group", key in ("col_tpr", "col_fpr")) for key in labels),
        tuple(
            (
                pen.text(f"{one['attribute']} = {one['level']}", 80),
                pen.count(one["rows"]),
                pen.interval(one["favourable"], "percent"),
                pen.interval(one["ratio"], "plain"),
                pen.interval(one["tpr"], "percent"),
                pen.interval(one["fpr"], "percent"),
                pen.interval(one["calibration"], "plain"),
            )
            for one in audit["groups"][:_GROUPS_LISTED]
        ),
        subject.of_bundle,
    )


def _proxies(subject: Subject, pen: Pen, audit: dict[str, Any]) -> Table:
    return Table(
        "proxies",
        pen.say("proxies_title"),
        (
            Column(pen.say("col_group")),
            Column(pen.say("col_feature")),
            Column(pen.say("metric_roc_auc"), numeric=True),
        ),
        tuple(
            (
                pen.text(f"{one['attribute']} = {one['level']}", 80),
                pen.text(one["feature"], 60),
                pen.fixed(one["roc_auc"], 2),
            )
            for one in audit["proxies"][:_MOST_DRAWN]
        ),
        subject.of_bundle,
        folded=True,
    )


def importance(subject: Subject, pen: Pen) -> Section:
    """What the model relies on."""
    ranked = [(name, growth) for name, growth in subject.importance if math.isfinite(growth)]
    intervals, shares = subject.card.get("importance_intervals", {}), subject.card.get("attributions", {})
    blocks: list[Block] = []
    if ranked:
        blocks.append(_importance_drawn(subject, pen, ranked[:_MOST_DRAWN], intervals))
    mean_share = shares.get("mean_share", {})
    columns = [Column(pen.say("col_feature")), Column(pen.say("col_growth"), numeric=True)]
    columns += [Column(pen.say("col_share"), numeric=True)] if mean_share else []
    rows = []
    for name, growth in ranked[:MOST_LISTED]:
        grown = pen.interval(intervals[name], "small") if name in intervals else pen.number(growth)
        share = (pen.number(mean_share.get(name)),) if mean_share else ()
        rows.append((pen.text(name, 60), grown, *share))
    blocks.append(
        Table(
            "importance",
            pen.say("importance_table_title"),
            tuple(columns),
            tuple(rows),
            subject.of_bundle,
            note=listed_note(len(ranked), pen),
            folded=True,
        )
    )
    return Section("importance", pen.say("importance_title"), tuple(blocks), note=pen.say("importance_note"))


def _importance_drawn(subject: Subject, pen: Pen, ranked: list[tuple[str, float]], intervals: dict[str, Any]) -> Figure:
    drawn = [
        bar(name, {"value": growth, **intervals.get(name, {})}, pen.number(growth).text) for name, growth in ranked
    ]
    return Figure(
        "importance_drawn",
        pen.say("importance_drawn_title"),
        pen.say("importance_says", names=", ".join(shown(one.name, 40) for one in drawn[:3])),
        subject.of_bundle,
        bars(drawn),
    )
