"""The drift report: what has moved since training, what it costs, and how good decisions are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from riskloop.report.documents.drawing import Series, Tick, lines, nice
from riskloop.report.documents.drift_over_time import beside, over_time
from riskloop.report.documents.moved import change_of, headline, moved_in_words, pair, sentences, short, signed
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.tree import (
    Block,
    Column,
    Completeness,
    Document,
    Facts,
    Figure,
    Said,
    Section,
    Source,
    Table,
    Value,
)
from riskloop.report.words import Language
from riskloop.watch.column import ColumnProfile
from riskloop.watch.column_drift import ColumnDrift
from riskloop.watch.drift import Drift
from riskloop.watch.profile import Profile

SCHEMA = "riskloop/drift-report/1"
_MOST_LISTED = 200
_MOST_DRAWN = 12
_MOST_CELLS = 30
_METRICS = ("roc_auc", "accuracy", "precision", "recall", "f1", "prevalence", "act_rate", "cost_per_thousand")
_REALISED_ONLY = ("pr_auc", "brier", "log_loss", "calibration_error", "calibration_slope", "calibration_intercept")


@dataclass(frozen=True)
class Watched:
    """What a drift report is about.

    Attributes
    ----------
    title, name : str
        The project; the batch, or the ledger since when.
    version : int
    digest, profile : str
        SHA-256 of the bundle, and of the profile of the rows seen.
    currency : str
    generated : datetime
    drift : Drift
    reference, current : Profile
    estimated, promised : mapping
        Performance from the probabilities alone; metrics of the test block.
    realised : mapping or None
        Where outcomes are known.
    not_judged : tuple of str
    personal : frozenset of str
        Columns of which no value is quoted.
    raw : mapping
        Everything, as plain JSON values.
    """

    title: str
    name: str
    version: int
    digest: str
    profile: str
    currency: str
    generated: datetime
    drift: Drift
    reference: Profile
    current: Profile
    estimated: Mapping[str, Any]
    realised: Mapping[str, Any] | None
    promised: Mapping[str, Any]
    not_judged: tuple[str, ...]
    personal: frozenset[str]
    raw: Mapping[str, Any]

    @property
    def source(self) -> Source:
        return Source({"bundle": self.digest, "profile": self.profile})


def drift_report(watched: Watched, language: Language = "en") -> Document:
    """Everything `riskloop monitor` found, the verdict first."""
    pen = Pen(language, watched.currency)
    when = pen.moment(watched.generated).text
    parts = (
        _verdict(watched, pen),
        *over_time(watched.raw, watched.source, pen),
        _columns(watched, pen),
        *beside(watched.raw, watched.source, pen),
        _scores(watched, pen),
        _performance(watched, pen),
    )
    moved = [one.name for one in watched.drift.moved]
    return Document(
        schema=SCHEMA,
        title=pen.say("drift_report_title", name=watched.title, version=watched.version),
        subtitle=pen.say("drift_subtitle", what=watched.name, when=when),
        language=language,
        generated=watched.generated,
        version=watched.version,
        digest=watched.digest,
        sections=(*parts, _limits(watched, pen)),
        completeness=Completeness(0, 0, {}),
        notice=pen.say("drift_notice"),
        front={
            "kind": "drift-report",
            "language": language,
            "created": watched.generated.isoformat(),
            "version": watched.version,
            "verdict": watched.drift.verdict,
        },
        more={
            "data_stability": watched.drift.verdict,
            "dataset_drift": watched.drift.drifted,
            "drifted_features": moved,
            "column_drift": {one.name: one.drifted for one in watched.drift.columns},
            "drift": dict(watched.raw),
        },
    )


def _verdict(watched: Watched, pen: Pen) -> Section:
    drift, source = watched.drift, watched.source
    facts = [
        pen.fact("drift_verdict", pen.words(f"verdict_{drift.verdict}")),
        pen.fact("moved_columns", Value(f"{len(drift.moved)} / {len(drift.columns)}", len(drift.moved))),
        pen.fact("cost_change", Value(change_of(drift.relative_harm, pen) or "–", drift.relative_harm.to_dict())),
        pen.fact("act_before_now", pair(*drift.act_rate, pen)),
    ]
    counts = [
        pen.fact("rows_now", pen.count(drift.rows)),
        pen.fact("rows_broken", pen.count(drift.broken)),
        pen.fact("rows_before", pen.count(drift.reference_rows)),
    ]
    if watched.not_judged:
        counts.append(pen.fact("not_judged", pen.text(", ".join(watched.not_judged))))
    told = dict.fromkeys((headline(drift, pen), *sentences(drift, pen)))
    if drift.days:
        told[pen.say("drift_by_day", days=pen.count(drift.days).text)] = None
    said = tuple(pen.sentence(text) for text in told)
    blocks = (Facts(tuple(facts), source, large=True), Said(said, source), Facts(tuple(counts), source))
    return Section("verdict", pen.say("drift_verdict_title"), blocks)


def _columns(watched: Watched, pen: Pen) -> Section:
    listed = watched.drift.columns[:_MOST_LISTED]
    heads = ("col_column", "col_verdict", "col_what", "col_psi", "col_adjusted", "col_missing_now", "col_harm")
    right = ("col_psi", "col_adjusted", "col_missing_now", "col_harm")
    spare = ("col_psi", "col_adjusted", "col_missing_now")
    rows = tuple(
        (
            pen.text(one.name, 60),
            pen.words(f"verdict_{one.verdict}"),
            pen.sentence(moved_in_words(one, pen)),
            pen.fixed(one.psi),
            pen.fixed(one.adjusted),
            pair(*one.missing, pen),
            Value("–") if one.harm is None else Value(signed(one.harm, pen), one.harm.to_dict()),
        )
        for one in listed
    )
    table = Table(
        "columns",
        pen.say("drift_columns_table", count=pen.count(len(watched.drift.columns)).text),
        tuple(Column(pen.say(key), key in right, key in spare) for key in heads),
        rows,
        watched.source,
    )
    moved = [one for one in watched.drift.columns if one.verdict != "stable" and one.name not in watched.personal]
    drawn = [block for one in moved[:_MOST_DRAWN] for block in _drawn(one.name, one.name, watched, pen)]
    blocks: tuple[Block, ...] = (table, *_pairs(watched, pen), _statistics(listed, watched, pen), *drawn)
    return Section("columns", pen.say("drift_columns_title"), blocks, note=pen.say("drift_columns_note"))


def _pairs(watched: Watched, pen: Pen) -> Iterator[Table]:
    """The pairs of columns that hang together otherwise than before."""
    moved = watched.drift.moved_pairs[:_MOST_CELLS]
    if not moved:
        return
    heads = ("col_pair", "col_pair_effect", "col_adjusted", "col_correlation")
    rows = tuple(
        (
            pen.text(" × ".join(one.names), 80),
            pen.fixed(one.effect),
            pen.fixed(one.adjusted),
            Value(f"{pen.fixed(one.before, 2).text} → {pen.fixed(one.now, 2).text}"),
        )
        for one in moved
    )
    columns = tuple(Column(pen.say(key), key != "col_pair") for key in heads)
    yield Table("pairs", pen.say("drift_pairs_table"), columns, rows, watched.source)


def _statistics(listed: tuple[ColumnDrift, ...], watched: Watched, pen: Pen) -> Table:
    heads = (
        *("col_column", "col_psi", "col_psi_chance", "col_p", "col_ks", "col_js", "col_chi_square"),
        *("col_wasserstein", "col_z", "col_variance_ratio"),
    )
    rows = tuple(
        (
            pen.text(one.name, 60),
            pen.fixed(one.psi),
            pen.fixed(one.psi_by_chance),
            pen.fixed(one.p_value),
            pen.fixed(one.ks),
            pen.fixed(one.jensen_shannon),
            pen.fixed(one.chi_square, 1),
            pen.number(one.wasserstein),
            pen.fixed(one.z_of_mean, 2),
            pen.fixed(one.variance_ratio, 2),
        )
        for one in listed
    )
    columns = tuple(Column(pen.say(key), key != "col_column") for key in heads)
    return Table("statistics", pen.say("drift_statistics_table"), columns, rows, watched.source, folded=True)


def _drawn(key: str, name: str, watched: Watched, pen: Pen) -> Iterator[Block]:
    """A column before and now: drawn if it is a number with bins to draw, and as a table."""
    before, now = watched.reference.columns[key], watched.current.columns[key]
    if before.type == "number" and len(before.counts) > 2 and now.present:
        yield _bins(f"bins_{key}", name, before, now, watched.source, pen)
    yield _cells(f"cells_{key}", name, before, now, watched.source, pen)


def _bins(key: str, name: str, before: ColumnProfile, now: ColumnProfile, source: Source, pen: Pen) -> Figure:
    shares = [[count / max(1, one.present) for count in one.counts.tolist()] for one in (before, now)]
    last = len(before.counts) - 1
    marks = sorted({0, last // 4, last // 2, 3 * last // 4, last})
    ends = [*before.edges.tolist(), before.maximum]
    series = [
        Series(pen.say("col_before"), "act_on_none", list(enumerate(shares[0]))),
        Series(pen.say("col_now"), "kept", list(enumerate(shares[1]))),
    ]
    shown = pen.text(name, 40).text
    return Figure(
        key,
        pen.say("drift_bins_title", name=shown),
        pen.say("drift_bins_says", name=shown, count=len(before.counts)),
        source,
        lines(
            series,
            [Tick(place, pen.number(short(ends[place])).text) for place in marks],
            [Tick(at, pen.plain(at, "whole")) for at in nice(0.0, max(map(max, shares)))],
            titles=(pen.say("drift_bins_across"), pen.say("drift_bins_up")),
        ),
    )


def _cells(key: str, name: str, before: ColumnProfile, now: ColumnProfile, source: Source, pen: Pen) -> Table:
    """The cells with their shares; of many levels, those that moved most."""
    names = [*_names(before, pen), pen.say("cell_unknown"), pen.say("cell_missing")]
    pairs = list(zip(names, before.cells.tolist(), now.cells.tolist(), strict=True))
    told = [(cell, a / max(1, before.rows), b / max(1, now.rows)) for cell, a, b in pairs if a or b]
    if len(told) > _MOST_CELLS:
        told = sorted(told, key=lambda one: -abs(one[2] - one[1]))[:_MOST_CELLS]
    return Table(
        key,
        pen.say("drift_cells_title", name=pen.text(name, 40).text),
        (Column(pen.say("col_cell")), Column(pen.say("col_before"), True), Column(pen.say("col_now"), True)),
        tuple((pen.sentence(cell), pen.percent(a), pen.percent(b)) for cell, a, b in told),
        source,
        folded=True,
    )


def _names(column: ColumnProfile, pen: Pen) -> list[str]:
    if column.type == "category":
        return [pen.text(level, 60).text for level in column.levels]
    edges = [pen.number(short(edge)).text for edge in column.edges.tolist()]
    last = [pen.say("cell_above", low=edges[-1])] if edges else [pen.say("moved_not")]
    return [pen.say("cell_up_to", high=edge) for edge in edges] + last


def _scores(watched: Watched, pen: Pen) -> Section:
    before, now, name = watched.reference.score, watched.current.score, pen.say("drift_score_name")
    blocks: list[Block] = []
    if len(before.counts) > 2 and now.present:
        blocks.append(_bins("bins_score", name, before, now, watched.source, pen))
    blocks.append(_cells("cells_score", name, before, now, watched.source, pen))
    return Section("scores", pen.say("drift_scores_title"), tuple(blocks))


def _performance(watched: Watched, pen: Pen) -> Section:
    realised, estimated = watched.realised, watched.estimated
    known = 0 if realised is None else realised["n"]
    names = [*_METRICS, *(() if realised is None else _REALISED_ONLY)]
    table = Table(
        "performance",
        pen.say("drift_performance_table"),
        (
            Column(pen.say("col_metric")),
            *(Column(pen.say(key), numeric=True) for key in ("col_promised", "col_estimated", "col_realised")),
        ),
        tuple(
            (
                pen.words(f"metric_{name}", name),
                pen.metric(name, watched.promised),
                pen.metric(name, estimated["metrics"]),
                pen.metric(name, _with_prevalence(realised)),
            )
            for name in names
        ),
        watched.source,
    )
    said = Said((pen.sentence(_calibration(watched, pen)),), watched.source)
    note = pen.say("drift_performance_note", known=pen.count(known).text)
    blocks = (said, table, _confusion(watched, pen))
    return Section("performance", pen.say("drift_performance_title"), blocks, note=note)


def _with_prevalence(realised: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if realised is None:
        return {}
    share = {"value": realised["prevalence"], "low": None, "high": None}
    return {**realised["metrics"], "prevalence": share}


def _calibration(watched: Watched, pen: Pen) -> str:
    """Whether what came true lies where it was estimated."""
    if watched.realised is None:
        return pen.say("drift_no_outcomes")
    for name in ("roc_auc", "cost_per_thousand"):
        seen, told = watched.realised["metrics"][name], watched.estimated["metrics"][name]
        ends = (seen["low"], seen["high"], told["low"], told["high"])
        if None not in ends and (seen["high"] < told["low"] or seen["low"] > told["high"]):
            return pen.say("drift_calibration_broken")
    return pen.say("drift_calibration_holds")


def _confusion(watched: Watched, pen: Pen) -> Table:
    estimated = watched.estimated["confusion"]
    realised = {} if watched.realised is None else watched.realised["confusion"]
    return Table(
        "confusion",
        pen.say("drift_confusion_table"),
        (
            Column(pen.say("col_rows_decided")),
            Column(pen.say("col_estimated"), numeric=True),
            Column(pen.say("col_realised"), numeric=True),
        ),
        tuple(
            (pen.words(f"fact_confusion_{name}"), pen.count(estimated[name]), pen.count(realised.get(name)))
            for name in ("tp", "fp", "fn", "tn")
        ),
        watched.source,
    )


def _limits(watched: Watched, pen: Pen) -> Section:
    said = tuple(pen.words(key) for key in ("drift_not_joint", "drift_not_concept", "drift_out_of_fold"))
    table = Table(
        "thresholds",
        pen.say("drift_thresholds_table"),
        (
            Column(pen.say("col_threshold_name")),
            Column(pen.say("col_limit"), True),
            Column(pen.say("col_why_threshold")),
        ),
        tuple(
            (pen.code(name), pen.number(value), pen.words(f"why_{name}"))
            for name, value in watched.drift.thresholds.to_dict().items()
        ),
        watched.source,
        folded=True,
    )
    return Section("limits", pen.say("drift_limits_title"), (Said(said, watched.source), table))
