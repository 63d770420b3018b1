"""The data report as sections of a document: tables of the values that the page draws, in either language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from riskloop.learn.evaluation.intervals import Interval
from riskloop.report.data_summary.association import LEAST_SHOWN
from riskloop.report.data_summary.groups import Group
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.tree import Block, Column, Fact, Facts, Said, Section, Table, Value
from riskloop.report.page import extremes, group_names
from riskloop.report.words import shown

if TYPE_CHECKING:
    from riskloop.report.data_report import DataReport
    from riskloop.report.data_summary.features import Feature

MOST_DRAWN = 100
MOST_LISTED = 200
MOST_FINDINGS = 100
MOST_PAIRS = 15
MOST_COLUMNS = 8
"""With these bounds a page and its Markdown stay below 1 MB, whatever the table; data.json holds everything."""


def sections(report: DataReport, pen: Pen) -> tuple[Section, ...]:
    """Everything that the page says, bounded as the page is."""
    parts = [_overview(report, pen), _findings(report, pen), _over_time(report, pen), _glance(report, pen)]
    parts += [_features(report, pen), _association(report, pen)]
    parts += [_together(report, pen)] if report.missing_together else []
    parts += [_others(report, pen)] if report.other_columns else []
    return tuple(parts)


def _overview(report: DataReport, pen: Pen) -> Section:
    counts = ("rows", "kept", "quarantined", "columns")
    target = report.target if report.positive == "true" else f"{report.target} = {report.positive}"
    facts = [_point(key, pen.count(getattr(report, key)), pen) for key in counts]
    facts += [_point("columns_used", pen.count(len(report.features)), pen), _point("target", pen.text(target), pen)]
    facts += [_point("positives", pen.count(report.positives), pen), _point("rate", _rate(report.rate, pen), pen)]
    facts += [_point("fingerprint", pen.code(report.fingerprint), pen)]
    advice = [pen.words(f"split_{report.split}")]
    if report.repeated:
        advice.append(pen.words("split_groups", repeated=pen.count(report.repeated).text))
    advice.append(pen.words("computed", rows=pen.count(report.kept).text))
    if report.auc_rows < report.kept:
        advice.append(pen.words("sampled_auc", rows=pen.count(report.auc_rows).text))
    if report.associations.rows < report.kept:
        advice.append(pen.words("sampled_associations", rows=pen.count(report.associations.rows).text))
    settings = [Fact(key, shown(key), pen.text(value)) for key, value in report.settings.items()]
    blocks: list[Block] = [Facts(tuple(facts), report.source), Said(tuple(advice), report.source)]
    blocks += [Facts(tuple(settings), report.source)] if settings else []
    return Section("overview", pen.say("overview"), tuple(blocks))


def _findings(report: DataReport, pen: Pen) -> Section:
    title, found = pen.say("findings"), report.findings
    if not found:
        return Section("findings", title, (Said((pen.words("no_findings"),), report.source),))
    rows = tuple(
        (
            pen.words(one.severity),
            pen.text(one.column, 60) if one.column else pen.words("whole_table"),
            pen.told(one.message),
            pen.told(one.next_step),
        )
        for one in found[:MOST_FINDINGS]
    )
    columns = _columns(pen, "severity", "column", "found", "next_step")
    return Section("findings", title, (_table("findings", "", columns, rows, report),), note=_more(pen, found))


def _more(pen: Pen, found: Sequence[object]) -> str:
    more = len(found) - MOST_FINDINGS
    return pen.say("findings_more", count=pen.count(more).text) if more > 0 else ""


def _over_time(report: DataReport, pen: Pen) -> Section:
    blocks, name = report.over_time.blocks, group_names(pen.language)
    low, high = extremes(blocks)
    said = [pen.words(f"time_{report.over_time.by}", count=pen.count(len(blocks)).text)]
    said.append(
        pen.words("time_moves", **_ends(blocks, pen)) if low.rate.high < high.rate.low else pen.words("time_steady")
    )
    rows = tuple((pen.sentence(name(one)), *_counted(one, pen)) for one in blocks)
    table = _table("time", "", _columns(pen, "group", "rows", "rate", "interval", numeric=3), rows, report)
    return Section("time", pen.say("time"), (Said(tuple(said), report.source), table))


def _glance(report: DataReport, pen: Pen) -> Section:
    rows = tuple(
        (
            pen.text(one.name, 60),
            pen.words(one.type),
            pen.percent(one.missing_share),
            pen.count(one.distinct),
            pen.fixed(one.roc_auc),
        )
        for one in report.features[:MOST_LISTED]
    )
    more = len(report.features) - MOST_LISTED
    note = pen.say("glance_more", count=pen.count(more).text) if more > 0 else ""
    columns = _columns(pen, "feature", "type", "missing", "distinct", "alone", numeric=3)
    return Section(
        "glance", pen.say("glance"), (_table("glance", "", columns, rows, report, note),), note=pen.say("glance_note")
    )


def _features(report: DataReport, pen: Pen) -> Section:
    more = len(report.features) - MOST_DRAWN
    note = pen.say("features_more", shown=MOST_DRAWN, count=pen.count(more).text) if more > 0 else ""
    drawn = tuple(_feature(place, one, report, pen) for place, one in enumerate(report.features[:MOST_DRAWN], 1))
    return Section("features", pen.say("features"), sections=drawn, note=note)


def _feature(place: int, feature: Feature, report: DataReport, pen: Pen) -> Section:
    key, title = f"f{place}", shown(feature.name)
    summary = " · ".join(_summary(feature, pen))
    if not feature.distinct:
        return Section(key, title, (Said((pen.words("nothing"),), report.source),), note=summary)
    name, few = group_names(pen.language), [one for one in feature.groups if one.rows]
    rows = tuple((pen.text(name(one), 40), *_counted(one, pen)) for one in few)
    table = _table(key, "", _columns(pen, "group", "rows", "rate", "interval", numeric=3), rows, report)
    return Section(key, title, (table,), note=summary)


def _summary(feature: Feature, pen: Pen) -> list[str]:
    """Type, strength and statistics, in a line."""
    known = feature.statistics

    def write(name: str) -> str:
        return pen.number(known[name]).text

    said = [pen.say(feature.type), _labelled("alone", pen.plain(feature.roc_auc), pen)]
    said += [_labelled("missing", pen.plain(feature.missing_share, "percent"), pen)]
    said += [_labelled("distinct", pen.count(feature.distinct).text, pen)]
    if known.get("levels_unused"):
        said.append(_labelled("levels_unused", write("levels_unused"), pen))
    if "mean" in known:
        said += [_labelled("mean", write("mean"), pen), _labelled("std", write("std"), pen)]
        said.append(_labelled("range", f"{write('minimum')} – {write('maximum')}", pen))
        middle = "; ".join(write(part) for part in ("quartile_1", "median", "quartile_3"))
        said.append(_labelled("quartiles", middle, pen))
    if known.get("zeros"):
        said.append(_labelled("zeros", pen.plain(known["zeros"], "percent"), pen))
    return said


def _association(report: DataReport, pen: Pen) -> Section:
    found, title = report.associations, pen.say("association")
    notes = [pen.say("association_note")]
    if len(report.features) > len(found.names):
        notes.append(pen.say("association_most", count=pen.count(len(found.names)).text))
    rows = tuple(
        (pen.text(one.first, 60), pen.text(one.second, 60), pen.words(one.measure), pen.fixed(one.value, 2))
        for one in found.pairs[:MOST_PAIRS]
    )
    block: Block = Said((pen.words("no_pairs", least=pen.number(LEAST_SHOWN).text),), report.source)
    if rows:
        columns = _columns(pen, "first", "second", "measure", "strength", numeric=1)
        block = _table("pairs", pen.say("pairs"), columns, rows, report)
    return Section("association", title, (block,), note=" ".join(notes))


def _together(report: DataReport, pen: Pen) -> Section:
    rows = []
    for one in report.missing_together:
        names, more = [shown(name, 40) for name in one.columns[:MOST_COLUMNS]], len(one.columns) - MOST_COLUMNS
        names += [pen.say("and_more", count=pen.count(more).text)] if more > 0 else []
        counts = (pen.count(one.rows), pen.percent(one.share), *_rated(one.rate, pen))
        rows.append((Value(", ".join(names), one.columns), *counts))
    columns = _columns(pen, "together_columns", "rows", "share", "rate", "interval", numeric=4)
    table = _table("together", "", columns, tuple(rows), report)
    return Section("together", pen.say("together"), (table,), note=pen.say("together_note"))


def _others(report: DataReport, pen: Pen) -> Section:
    listed = report.other_columns[:MOST_LISTED]
    rows = tuple((pen.text(one.name, 60), pen.words(f"role_{one.role}")) for one in listed)
    return Section("others", pen.say("others"), (_table("others", "", _columns(pen, "column", "role"), rows, report),))


def _ends(groups: Sequence[Group], pen: Pen) -> dict[str, str]:
    """The lowest and the highest rate, and the names of their groups."""
    name, found = group_names(pen.language), extremes(groups)
    rates = {end: pen.plain(one.rate.value, "percent") for end, one in zip(("low", "high"), found, strict=True)}
    return rates | {f"{end}_group": name(one) for end, one in zip(("low", "high"), found, strict=True)}


def _counted(group: Group, pen: Pen) -> tuple[Value, ...]:
    return (pen.count(group.rows), *_rated(group.rate, pen))


def _rated(rate: Interval, pen: Pen) -> tuple[Value, Value]:
    between = f"{pen.plain(rate.low, 'percent')} – {pen.plain(rate.high, 'percent')}"
    return pen.percent(rate.value), Value(between, [rate.low, rate.high])


def _rate(rate: Interval, pen: Pen) -> Value:
    return pen.interval(rate.to_dict(), "percent")


def _point(key: str, value: Value, pen: Pen) -> Fact:
    return Fact(key, pen.say(key), value)


def _labelled(key: str, value: str, pen: Pen) -> str:
    return pen.say("labelled", label=pen.say(key), value=value)


def _columns(pen: Pen, *keys: str, numeric: int = 0) -> tuple[Column, ...]:
    """Columns by their words; the last ``numeric`` ones hold numbers."""
    return tuple(Column(pen.say(key), place >= len(keys) - numeric) for place, key in enumerate(keys))


def _table(
    key: str,
    title: str,
    columns: tuple[Column, ...],
    rows: tuple[tuple[Value, ...], ...],
    report: DataReport,
    note: str = "",
) -> Table:
    return Table(key, title, columns, rows, report.source, note)
