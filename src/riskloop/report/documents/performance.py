"""The performance report: decisions window by window, promised, estimated and realised; and the scoreboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from riskloop.report.documents.drawing import Series, Tick, lines, nice
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.tree import (
    Block,
    Column,
    Completeness,
    Document,
    Figure,
    Said,
    Section,
    Source,
    Table,
    Value,
)
from riskloop.report.words import Language

SCHEMA = "riskloop/performance-report/1"
_MOST_LISTED = 400
_SHOWN = (("roc_auc", "fixed"), ("cost_per_thousand", "money"))
_METRICS = (
    *("roc_auc", "pr_auc", "accuracy", "precision", "recall", "f1", "prevalence", "act_rate"),
    *("brier", "log_loss", "calibration_in_the_large", "calibration_slope", "calibration_intercept"),
    *("calibration_error", "cost_per_thousand"),
)
_LENGTH = {"hour": 16, "day": 10, "week": 10, "month": 7}  # characters of a time that tell a window from the next

_Cohort = Mapping[str, Any]


@dataclass(frozen=True)
class Performed:
    """What a performance report is about.

    Attributes
    ----------
    title : str
        The project.
    version : int
        Of the newest decisions; ``digest`` is the SHA-256 of its bundle.
    rows : str
        SHA-256 of all that was counted.
    currency : str
    generated : datetime
    period : str
    raw : mapping
        Everything, as plain JSON values.
    """

    title: str
    version: int
    digest: str
    rows: str
    currency: str
    generated: datetime
    period: str
    raw: Mapping[str, Any]

    @property
    def source(self) -> Source:
        return Source({"bundle": self.digest, "record": self.rows})

    def cohorts(self, *, whole: bool) -> list[_Cohort]:
        """Cohorts of whole versions, or their segments."""
        return [one for one in self.raw["cohorts"] if (one["segment"] is None) is whole]


def performance_report(performed: Performed, language: Language = "en") -> Document:
    """Everything `riskloop performance` found, the newest judgement first."""
    pen = Pen(language, performed.currency)
    overall = (
        _overall(int(version), found, performed, pen) for version, found in sorted(performed.raw["overall"].items())
    )
    return Document(
        schema=SCHEMA,
        title=pen.say("performance_report_title", name=performed.title),
        subtitle=pen.say(
            "performance_subtitle",
            period=pen.say(f"period_{performed.period}"),
            when=pen.moment(performed.generated).text,
        ),
        language=language,
        generated=performed.generated,
        version=performed.version,
        digest=performed.digest,
        sections=(_verdict(performed, pen), _over_time(performed, pen), *overall, _scoreboard(performed, pen)),
        completeness=Completeness(0, 0, {}),
        notice=pen.say("performance_notice"),
        front={
            "kind": "performance-report",
            "language": language,
            "created": performed.generated.isoformat(),
            "version": performed.version,
            "worse": performed.raw["worse"],
        },
        more={"worse": performed.raw["worse"], "performance": dict(performed.raw)},
    )


def sentences(raw: Mapping[str, Any], pen: Pen) -> Iterator[str]:
    """The judgement of the newest window that can be judged, and what to know about outcomes."""
    whole = [one for one in raw["cohorts"] if one["segment"] is None]
    judged = [one for one in whole if one["judged"]]
    if not judged:
        yield pen.say("performance_none_judged")
    else:
        newest = judged[-1]
        told = {"window": window_name(newest, raw["period"]), "version": newest["version"]}
        if not newest["worse"]:
            yield pen.say("performance_as_promised", **told)
        for reason in newest["worse"]:
            name = reason["code"].removeprefix("fallen_")
            how = dict(_SHOWN)[name]
            now, promised = (pen.interval(reason[end], how).text for end in ("realised", "promised"))
            yield pen.say("performance_worse", **told, metric=pen.say(f"metric_{name}"), now=now, promised=promised)
    if raw["maturity_days"] is None:
        yield pen.say("performance_no_maturity")
    else:
        days = pen.number(raw["maturity_days"]).text
        yield pen.say("performance_maturity", days=days, unreported=pen.say(f"unreported_{raw['unreported']}"))
    late = sum(one["outcomes"]["late"] for one in whole)
    if late:
        yield pen.say("performance_late", count=pen.count(late).text)
    seen = [one["realised"] for one in whole if one["realised"]]
    if seen and raw["unreported"] == "unknown" and all(one["positives"] == one["n"] for one in seen):
        yield pen.say("performance_only_positives")


def window_name(cohort: _Cohort, period: str) -> str:
    """The window by its beginning, as short as the period allows."""
    return str(cohort["start"])[: _LENGTH[period]]


def state(cohort: _Cohort) -> str:
    """Key of the word for what may be said of a cohort."""
    if cohort["judged"]:
        return "state_worse" if cohort["worse"] else "state_judged"
    return "state_few" if cohort["mature"] else "state_early"


def best_estimate(cohort: _Cohort) -> Mapping[str, Any]:
    """What was kept of it, weighted before plain, else what its probabilities say today."""
    kept = cohort["kept"] or {}
    found: Mapping[str, Any] = kept.get("weighted") or kept.get("plain") or cohort["estimated"]["metrics"]
    return found


def row_of(cohort: _Cohort, period: str, pen: Pen) -> tuple[Value, ...]:
    """The cells of a cohort, after its name."""
    estimated, realised = best_estimate(cohort), (cohort["realised"] or {}).get("metrics", {})
    return (
        pen.text(window_name(cohort, period)),
        pen.count(cohort["version"]),
        pen.count(cohort["rows"]),
        pen.percent(cohort["completeness"]),
        pen.words(state(cohort)),
        *(pen.interval(source.get(name), how) for name, how in _SHOWN for source in (estimated, realised)),
    )


HEADS = (
    *("col_window", "col_version", "col_decisions", "col_outcomes_known", "col_state"),
    *("col_auc_estimated", "col_auc_realised", "col_cost_estimated", "col_cost_realised"),
)


def _verdict(performed: Performed, pen: Pen) -> Section:
    said = tuple(pen.sentence(one) for one in sentences(performed.raw, pen))
    return Section("verdict", pen.say("performance_verdict_title"), (Said(said, performed.source),))


def _over_time(performed: Performed, pen: Pen) -> Section:
    whole, parts = performed.cohorts(whole=True), performed.cohorts(whole=False)
    blocks: list[Block] = [figure for name, how in _SHOWN for figure in _figures(name, how, whole, performed, pen)]
    blocks.append(_table("windows", pen.say("performance_windows_table"), whole, performed, pen))
    if parts:
        title = pen.say("performance_segments_table", name=pen.text(performed.raw["segment"], 40).text)
        blocks.append(_table("segments", title, parts, performed, pen, segmented=True))
    return Section("time", pen.say("performance_time_title"), tuple(blocks))


def _table(
    key: str, title: str, cohorts: Sequence[_Cohort], performed: Performed, pen: Pen, *, segmented: bool = False
) -> Table:
    heads = ("col_segment", *HEADS) if segmented else HEADS
    words = {"col_segment", "col_window", "col_state"}
    spare = {"col_version", "col_cost_estimated"}
    rows = tuple(
        (*((pen.text(one["segment"], 60),) if segmented else ()), *row_of(one, performed.period, pen))
        for one in cohorts[-_MOST_LISTED:]
    )
    columns = tuple(Column(pen.say(head), head not in words, head in spare) for head in heads)
    return Table(key, title, columns, rows, performed.source)


def _figures(name: str, how: str, whole: Sequence[_Cohort], performed: Performed, pen: Pen) -> Iterator[Figure]:
    """A metric over the windows; where versions overlap in time, each has its own."""
    for version in sorted({one["version"] for one in whole}):
        mine = [one for one in whole if one["version"] == version]
        if len(mine) > 1:
            yield _figure(name, how, version, mine, performed, pen)


def _figure(name: str, how: str, version: int, mine: Sequence[_Cohort], performed: Performed, pen: Pen) -> Figure:
    begins = [datetime.fromisoformat(one["start"]).timestamp() for one in mine]
    realised = [_value((one["realised"] or {}).get("metrics", {}), name) for one in mine]
    final = [one["mature"] for one in mine]
    drawn = {
        "act_on_none": ("estimated", [_value(best_estimate(one), name) for one in mine]),
        "kept": ("realised", [value if done else None for value, done in zip(realised, final, strict=True)]),
        "adapted": ("early", [None if done else value for value, done in zip(realised, final, strict=True)]),
    }
    series = [
        Series(pen.say(f"performance_figure_{word}"), kind, points)
        for kind, (word, values) in drawn.items()
        if (points := [(at, value) for at, value in zip(begins, values, strict=True) if value is not None])
    ]
    promised = performed.raw["promised"].get(str(version), {}).get(name) or {}
    low, high = promised.get("low"), promised.get("high")
    heights = [value for one in series for _, value in one.points] + [one for one in (low, high) if one is not None]
    label = f"{pen.say(f'metric_{name}')} · {pen.say('version_of', version=version)}"
    places = sorted({0, len(mine) // 2, len(mine) - 1})
    return Figure(
        f"{name}_{version}",
        pen.say("performance_figure_title", metric=label),
        pen.say("performance_figure_says", metric=label),
        performed.source,
        lines(
            series,
            [Tick(begins[place], window_name(mine[place], performed.period)) for place in places],
            [
                Tick(at, pen.plain(at, "brief" if how == "money" else "plain"))
                for at in nice(min(heights), max(heights))
            ],
            titles=(pen.say("performance_across"), ""),
            dotted=True,
            band=[] if low is None or high is None else [(begins[0], low, high), (begins[-1], low, high)],
        ),
    )


def _value(metrics: Mapping[str, Any], name: str) -> float | None:
    value: float | None = (metrics.get(name) or {}).get("value")
    return value


def _overall(version: int, found: Mapping[str, Any], performed: Performed, pen: Pen) -> Section:
    promised = performed.raw["promised"].get(str(version), {})
    heads = ("col_metric", "col_promised", "col_realised")
    rows = tuple(
        (pen.words(f"metric_{name}", name), pen.metric(name, promised), pen.metric(name, found["metrics"]))
        for name in _METRICS
    )
    table = Table(
        f"overall_{version}",
        pen.say("performance_overall_table"),
        tuple(Column(pen.say(head), head != "col_metric") for head in heads),
        rows,
        performed.source,
    )
    confusion = Table(
        f"confusion_{version}",
        pen.say("drift_confusion_table"),
        (Column(pen.say("col_rows_decided")), Column(pen.say("col_realised"), numeric=True)),
        tuple(
            (pen.words(f"fact_confusion_{name}"), pen.count(found["confusion"][name]))
            for name in ("tp", "fp", "fn", "tn")
        ),
        performed.source,
    )
    calibration = Table(
        f"calibration_{version}",
        pen.say("performance_calibration_table"),
        tuple(Column(pen.say(head), True) for head in ("col_rows_decided", "col_bin_expected", "col_bin_observed")),
        tuple(
            (pen.count(one["rows"]), pen.percent(one["expected"]), pen.interval(one["observed"], "percent"))
            for one in found["calibration"]
        ),
        performed.source,
    )
    title = pen.say("performance_overall_title", version=version)
    blocks: tuple[Block, ...] = (table, *_curves(version, found["roc"], performed, pen), confusion, calibration)
    return Section(f"overall_{version}", title, blocks)


def _curves(version: int, points: Sequence[Sequence[float]], performed: Performed, pen: Pen) -> Iterator[Figure]:
    if not points:
        return
    share = [Tick(at, pen.plain(at, "whole")) for at in (0.0, 0.25, 0.5, 0.75, 1.0)]
    curves = {
        "roc": ([(a, b) for a, b, _ in points], ("performance_roc_across", "performance_roc_up")),
        "pr": ([(b, c) for _, b, c in points], ("metric_recall", "metric_precision")),
    }
    for name, (drawn, titles) in curves.items():
        across, up = (pen.say(key) for key in titles)
        yield Figure(
            f"{name}_{version}",
            pen.say(f"performance_{name}_title"),
            pen.say(f"performance_{name}_says"),
            performed.source,
            lines([Series("", "kept", drawn)], share, share, titles=(across, up)),
        )


def _scoreboard(performed: Performed, pen: Pen) -> Section:
    title, note = pen.say("performance_scoreboard_title"), pen.say("performance_scoreboard_note")
    scores = performed.raw["scoreboard"]
    if not scores:
        said = Said((pen.words("performance_no_scores"),), performed.source)
        return Section("scoreboard", title, (said,), note=note)
    heads = ("col_metric", "col_method", "col_windows", "col_error", "col_absolute_error", "col_covered")
    table = Table(
        "scoreboard",
        pen.say("performance_scoreboard_table"),
        tuple(Column(pen.say(head), head not in ("col_metric", "col_method")) for head in heads),
        tuple(score_row(one, pen) for one in scores),
        performed.source,
    )
    return Section("scoreboard", title, (table,), note=note)


def score_row(score: Mapping[str, Any], pen: Pen) -> tuple[Value, ...]:
    """The cells of a score: metric, method, windows, errors, coverage."""
    write = pen.money if score["metric"] == "cost_per_thousand" else pen.fixed
    return (
        pen.words(f"metric_{score['metric']}"),
        pen.words(f"method_{score['method']}"),
        pen.count(score["windows"]),
        write(score["error"]),
        write(score["absolute_error"]),
        pen.interval(score["covered"], "percent"),
    )
