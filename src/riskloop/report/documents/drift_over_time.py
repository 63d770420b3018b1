"""Of the drift report: windows of time, segments, groups and what a classifier said; from the plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from riskloop.report.documents.drawing import Series, Tick, lines, nice
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.tree import Block, Column, Figure, Said, Section, Source, Table, Value

Windows = Sequence[Mapping[str, Any]]
_MOST_DRAWN = 8
_MOST_MARKS = 5
_MOST_GROUPS = 200


def over_time(raw: Mapping[str, Any], source: Source, pen: Pen) -> Iterator[Section]:
    """The run of windows as a table, and a small chart of what moved most; nothing of less than two windows."""
    windows: Windows = raw.get("windows") or ()
    if len(windows) < 2:
        return
    blocks: list[Block] = [_run(windows, raw.get("by"), source, pen)]
    blocks.append(_line("act_rate", pen.say("drift_act_over_time"), "percent", windows, raw.get("by"), source, pen))
    blocks.append(
        _line("cost_per_thousand", pen.say("drift_cost_over_time"), "money", windows, raw.get("by"), source, pen)
    )
    names = sorted(windows[-1]["effect"], key=lambda name: -max(one["effect"].get(name, 0.0) for one in windows))
    for name in names[:_MOST_DRAWN]:
        blocks.append(_effect(name, windows, raw.get("by"), raw["thresholds"]["moved_psi"], source, pen))
    note = pen.say("drift_windows_note")
    yield Section("windows", pen.say("drift_windows_title"), tuple(blocks), note=note)


def moment_of(text: str, by: str | None) -> str:
    """The begin of a window, as short as its period allows."""
    return {"hour": text[:16].replace("T", " "), "month": text[:7]}.get(by or "day", text[:10])


def window_cells(one: Mapping[str, Any], by: str | None, pen: Pen) -> tuple[Value, ...]:
    """A line of the run of windows."""
    worst = one["worst"]
    return (
        pen.text(moment_of(one["start"], by), 20),
        pen.count(one["rows"]),
        pen.words(f"verdict_{one['verdict']}"),
        pen.text(", ".join(one["moved"]) or "–", 60),
        Value("–") if worst is None else Value(f"{pen.text(worst['name'], 30).text} {pen.fixed(worst['psi']).text}"),
        pen.percent(one["act_rate"]),
        pen.money(one["cost_per_thousand"]),
    )


WINDOW_HEADS = (
    *("col_window", "col_rows", "col_verdict", "col_moved_columns", "col_worst"),
    *("col_act_rate", "col_cost_estimated"),
)


def _run(windows: Windows, by: str | None, source: Source, pen: Pen) -> Table:
    right, spare = ("col_rows", "col_act_rate", "col_cost_estimated"), ("col_worst", "col_act_rate")
    columns = tuple(Column(pen.say(key), key in right, key in spare) for key in WINDOW_HEADS)
    rows = tuple(window_cells(one, by, pen) for one in reversed(windows))
    title = pen.say("drift_windows_table", count=pen.count(len(windows)).text)
    return Table("windows", title, columns, rows, source)


def _line(key: str, title: str, how: str, windows: Windows, by: str | None, source: Source, pen: Pen) -> Figure:
    values = [one[key] or 0.0 for one in windows]
    first, last = (pen.plain(values[place], how) for place in (0, -1))
    says = pen.say("drift_line_says", name=title, count=len(windows), first=first, last=last)
    marks = nice(min(0.0, *values), max(values))
    up = [Tick(at, pen.plain(at, "whole" if how == "percent" else "brief")) for at in marks]
    series = [Series(title, "kept", list(enumerate(values)))]
    drawing = lines(series, _marks(windows, by), up, titles=(pen.say("drift_over_time_across"), title), dotted=True)
    return Figure(f"time_{key}", title, says, source, drawing)


def _effect(name: str, windows: Windows, by: str | None, moved: float, source: Source, pen: Pen) -> Figure:
    """PSI above chance of one column, beside the threshold."""
    values = [one["effect"].get(name, 0.0) for one in windows]
    shown = pen.text(name, 40).text
    last = len(windows) - 1
    series = [
        Series(shown, "kept", list(enumerate(values))),
        Series(f"{pen.say('col_threshold_name')} {pen.number(moved).text}", "act_on_none", [(0, moved), (last, moved)]),
    ]
    up = [Tick(at, pen.plain(at, "plain")) for at in nice(0.0, max(*values, moved * 1.5))]
    return Figure(
        f"time_{name}",
        pen.say("drift_psi_over_time", name=shown),
        pen.say("drift_psi_over_time_says", name=shown, count=len(windows), last=pen.plain(values[-1])),
        source,
        lines(
            series,
            _marks(windows, by),
            up,
            titles=(pen.say("drift_over_time_across"), pen.say("drift_psi_up")),
            dotted=True,
        ),
    )


def _marks(windows: Windows, by: str | None) -> list[Tick]:
    last = len(windows) - 1
    places = sorted({round(last * part / (_MOST_MARKS - 1)) for part in range(_MOST_MARKS)})
    return [Tick(place, _short(moment_of(windows[place]["start"], by), by)) for place in places]


def _short(moment: str, by: str | None) -> str:
    """Without the year, where a day is meant."""
    return moment if by == "month" else moment[5:]


def beside(raw: Mapping[str, Any], source: Source, pen: Pen) -> Iterator[Section]:
    """Segments, groups and the classifier, where there are any."""
    blocks: list[Block] = []
    if raw.get("classifier"):
        blocks.append(Said(tuple(pen.sentence(text) for text in classifier_said(raw["classifier"], pen)), source))
    if raw.get("segments"):
        blocks.append(_segments(raw["segments"], source, pen))
    if raw.get("groups"):
        blocks.append(_groups(raw["groups"], raw.get("by"), source, pen))
    if blocks:
        yield Section("beside", pen.say("drift_beside_title"), tuple(blocks))


def classifier_said(told: Mapping[str, Any], pen: Pen) -> Iterator[str]:
    """What a classifier said, in sentences."""
    if "roc_auc" not in told:
        yield pen.say(f"classifier_{told['reference']}")
        return
    yield pen.say(
        "classifier_told",
        rows=pen.count(told["rows"]).text,
        reference=pen.count(told["reference_rows"]).text,
        origin=pen.say(f"origin_{told['reference']}"),
        auc=pen.interval(told["roc_auc"], "fixed").text,
    )
    if told["different"] and told["columns"]:
        names = ", ".join(pen.text(one["name"], 40).text for one in told["columns"])
        yield pen.say("classifier_by", names=names)
    if told["left_out"]:
        yield pen.say("classifier_left_out", names=", ".join(pen.text(one, 40).text for one in told["left_out"]))


SEGMENT_HEADS = (
    *("col_segment", "col_rows", "col_rows_training", "col_verdict", "col_moved_columns"),
    *("col_act_rate", "col_cost_estimated"),
)


def segment_cells(one: Mapping[str, Any], pen: Pen) -> tuple[Value, ...]:
    """A line of the table of segments."""
    verdict = pen.words(f"verdict_{one['verdict']}") if one["verdict"] else pen.words("segment_not_judged")
    return (
        pen.text(one["level"], 40),
        pen.count(one["rows"]),
        pen.count(one["reference_rows"]),
        verdict,
        pen.text(", ".join(one["moved"]) or "–", 60),
        pen.percent(one["act_rate"]),
        pen.money(one["cost_per_thousand"]),
    )


def _segments(segments: Sequence[Mapping[str, Any]], source: Source, pen: Pen) -> Table:
    right = ("col_rows", "col_rows_training", "col_act_rate", "col_cost_estimated")
    columns = tuple(Column(pen.say(key), key in right, key == "col_rows_training") for key in SEGMENT_HEADS)
    rows = tuple(segment_cells(one, pen) for one in segments)
    title = pen.say("drift_segments_table", column=pen.text(segments[0]["column"], 40).text)
    return Table("segments", title, columns, rows, source, note=pen.say("drift_segments_note"))


def _groups(groups: Sequence[Mapping[str, Any]], by: str | None, source: Source, pen: Pen) -> Table:
    heads = ("col_window", "col_group", "col_rows", "col_favourable", "col_of_best", "col_adverse")
    rows = tuple(
        (
            pen.text(moment_of(one["start"], by), 20),
            pen.text(f"{one['attribute']} {one['level']}", 40),
            pen.count(one["rows"]),
            pen.percent(one["favourable"]),
            pen.interval(one["ratio"], "fixed"),
            Value("–")
            if one["ratio"]["value"] is None
            else pen.words("adverse_yes" if one["adverse"] else "adverse_no"),
        )
        for one in groups[-_MOST_GROUPS:]
    )
    right = ("col_rows", "col_favourable", "col_of_best")
    columns = tuple(Column(pen.say(key), key in right) for key in heads)
    return Table(
        "groups",
        pen.say("drift_groups_table"),
        columns,
        rows,
        source,
        note=pen.say("drift_groups_note"),
        folded=len(rows) > 30,
    )
