"""What went how over time: windows of the ledger beside training; performance estimated, realised and promised."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from riskloop.report.documents.drift_over_time import moment_of
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.performance import best_estimate, sentences, state, window_name
from riskloop.web.charts import Axis, Line, lines, steps
from riskloop.web.reports import Report, Told
from riskloop.web.visit import Visit
from riskloop.web.watching import value_of

PERIODS = ("day", "week", "month")
_MOST_WINDOWS = 60
_MOST_CELLS = 14
_MOST_COLUMNS = 12
_KINDS = ("a", "b", "c", "d")
_DRAWN = ("roc_auc", "cost_per_thousand")
_SERIES = {"estimated": "a", "realised": "b", "early": "d", "promised": "muted"}
_NOTHING = (math.nan, math.nan, math.nan)
Ends = tuple[float, float, float]


@dataclass(frozen=True)
class Chart:
    """A drawing with its title."""

    key: str
    title: str
    drawn: Markup


@dataclass(frozen=True)
class Run:
    """The run of windows of a report.

    Attributes
    ----------
    report : Report
        The one that looked at windows.
    windows : list of dict
        The last ones, the oldest first, each with its ``name``.
    columns : list of str
        Those that moved farthest, the farthest first.
    charts : list of Chart
    """

    report: Report
    windows: list[dict[str, Any]]
    columns: list[str]
    charts: list[Chart]


@dataclass(frozen=True)
class Followed:
    """Performance window by window: its judgement in words, its drawings, and its windows with the newest first."""

    told: Told
    words: list[str]
    worse: bool
    charts: list[Chart]
    windows: list[dict[str, Any]]


def run_of(visit: Visit, reports: Sequence[Report], name_of: Callable[[str], str]) -> Run | None:
    """The run of the first report that looked at two windows or more; None where none did."""
    report = next((one for one in reports if len(one.said.get("windows") or ()) > 1), None)
    if report is None:
        return None
    by = report.said.get("by")
    try:
        windows = [one | {"name": moment_of(one["start"], by)} for one in report.said["windows"][-_MOST_WINDOWS:]]
        farthest = {
            name: max(one["effect"].get(name) or 0.0 for one in windows) for one in windows for name in one["effect"]
        }
        ranked = sorted(farthest, key=lambda name: -farthest[name])
        charts = list(_run_charts(visit, windows, ranked, name_of))
    except (KeyError, TypeError, AttributeError):
        return None
    return Run(report, windows[-_MOST_CELLS:], ranked[:_MOST_COLUMNS], charts)


def _run_charts(
    visit: Visit, windows: Sequence[Mapping[str, Any]], ranked: Sequence[str], name_of: Callable[[str], str]
) -> Iterator[Chart]:
    names, places = [one["name"] for one in windows], [float(at) for at in range(len(windows))]
    drawn = [
        Line(name_of(name), places, [_number(one["effect"].get(name)) for one in windows], kind, dots=len(names) < 40)
        for name, kind in zip(ranked, _KINDS, strict=False)
    ]
    yield Chart("psi", visit.say("over_psi"), _lines(visit, "over_psi", drawn, names, visit.write.number, zero=True))
    for key, write in (
        ("act_rate", lambda value: visit.write.share(value, 0)),
        ("cost_per_thousand", visit.write.count),
    ):
        line = Line("", places, [_number(one.get(key)) for one in windows], "a", dots=len(names) < 40)
        if any(math.isfinite(value) for value in line.y):
            title = f"over_{key}"
            yield Chart(key, visit.say(title), _lines(visit, title, [line], names, write))


def followed(visit: Visit, told: Told, currency: str) -> Followed | None:
    """Performance as `riskloop performance` wrote it; None if another release wrote it and it cannot be read."""
    raw = told.said
    try:
        whole = [one for one in raw["cohorts"] if one["segment"] is None]
        newest = max((one["version"] for one in whole), default=None)
        mine = [one for one in whole if one["version"] == newest][-_MOST_WINDOWS:]
        promised = raw["promised"].get(str(newest), {})
        names = [window_name(one, raw["period"]) for one in mine]
        return Followed(
            told=told,
            words=list(sentences(raw, Pen(visit.language, currency))),
            worse=bool(raw["worse"]),
            charts=[
                Chart(metric, visit.say("over_performance", metric=visit.say(f"metric_{metric}")), drawn)
                for metric in _DRAWN
                if (drawn := metric_chart(visit, metric, names, _ends(mine, promised, metric)))
            ],
            windows=[
                {
                    **one,
                    "name": window_name(one, raw["period"]),
                    "state": state(one),
                    "best": best_estimate(one),
                    "found": (one["realised"] or {}).get("metrics", {}),
                }
                for one in whole[: -_MOST_WINDOWS - 1 : -1]
            ],
        )
    except (KeyError, TypeError, AttributeError):
        return None


def _ends(mine: Sequence[Mapping[str, Any]], promised: Mapping[str, Any], metric: str) -> dict[str, list[Ends]]:
    realised = [_three((one["realised"] or {}).get("metrics"), metric) for one in mine]
    return {
        "estimated": [_three(best_estimate(one), metric) for one in mine],
        "realised": [told if one["mature"] else _NOTHING for one, told in zip(mine, realised, strict=True)],
        "early": [_NOTHING if one["mature"] else told for one, told in zip(mine, realised, strict=True)],
        "promised": [_three(promised, metric)] * len(mine),
    }


def by_report(visit: Visit, reports: Sequence[Report]) -> list[Chart]:
    """Estimated and realised, by report, beside what was promised."""
    names = [one.name for one in reports]
    charts = []
    for metric in _DRAWN:
        ends = {
            "estimated": [_three((one.said.get("estimated") or {}).get("metrics"), metric) for one in reports],
            "realised": [_three((one.said.get("realised") or {}).get("metrics"), metric) for one in reports],
            "promised": [_three(one.said.get("promised"), metric) for one in reports],
        }
        drawn = metric_chart(visit, metric, names, ends)
        if drawn:
            charts.append(Chart(metric, visit.say("performance_title", metric=visit.say(f"metric_{metric}")), drawn))
    return charts


def metric_chart(visit: Visit, metric: str, names: Sequence[str], ends: Mapping[str, Sequence[Ends]]) -> Markup | None:
    """Values with their intervals over named places: what is estimated, realised, early and promised."""
    series = []
    for word, told in ends.items():
        held = [(float(at), *one) for at, one in enumerate(told) if math.isfinite(one[0])]
        if not held:
            continue
        places, value, low, high = (list(part) for part in zip(*held, strict=True))
        banded = word not in ("promised", "early")
        series.append(
            Line(
                visit.say(f"performance_{word}"),
                places,
                value,
                _SERIES[word],
                dashed=not banded,
                low=low if banded else (),
                high=high if banded else (),
                dots=True,
            )
        )
    if not series:
        return None
    write = visit.write.count if metric == "cost_per_thousand" else visit.write.three
    said = visit.say("performance_said", metric=visit.say(f"metric_{metric}"), count=len(names))
    return _drawn(series, names, write, said)


def _lines(
    visit: Visit,
    title: str,
    series: Sequence[Line],
    names: Sequence[str],
    write: Callable[[float | None], str],
    *,
    zero: bool = False,
) -> Markup:
    last = series[0].y[-1] if series else math.nan
    said = visit.say("over_said", title=visit.say(title), count=len(names), last=write(last))
    return _drawn(series, names, write, said, zero=zero)


def _drawn(
    series: Sequence[Line],
    names: Sequence[str],
    write: Callable[[float | None], str],
    said: str,
    *,
    zero: bool = False,
) -> Markup:
    values = [each for one in series for ends in (one.y, one.low, one.high) for each in ends if math.isfinite(each)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = ((high - low) or abs(high) or 1.0) * 0.1
    return lines(series, steps(names), Axis("", 0.0 if zero else low - room, high + room, write), said)


def _three(metrics: Any, name: str) -> Ends:
    value, low, high = (value_of(metrics, name, end) for end in ("value", "low", "high"))
    if value is None:
        return _NOTHING
    return value, value if low is None else low, value if high is None else high


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
