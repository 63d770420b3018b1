from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import numpy as np
import polars as pl
import pytest

from riskloop.data.source import Source
from riskloop.errors import NotFound, UsageError
from riskloop.keep.outcomes import Outcome
from riskloop.loop.project import Project
from riskloop.loop.watching.cohorts import cohorts
from riskloop.loop.watching.estimating import Estimator
from riskloop.loop.watching.reference import Reference, reference_rows
from riskloop.loop.workflows.monitor import monitor_ledger
from riskloop.loop.workflows.performance import keep_estimates, performance, write_performance_report
from riskloop.loop.workflows.score import score
from riskloop.report.documents.schema import document_schema
from riskloop.wiring import open_project

JUNE = datetime(2026, 6, 15, tzinfo=UTC)
MONTHS = tuple(datetime(2026, month, 10, tzinfo=UTC) for month in (1, 2, 3, 4, 5))
POSITIVES_ONLY = {"RISKLOOP__PROBLEM__MATURITY": "60d", "RISKLOOP__PROBLEM__UNREPORTED": "negative"}


def _customers(project: Project) -> pl.DataFrame:
    return pl.read_csv(project.source.path, infer_schema=False)


def _at(folder: Path, now: datetime, **environ: str) -> Project:
    return replace(open_project(folder, {"RISKLOOP_ACTOR": "ada", **environ}), clock=lambda: now)


@pytest.fixture(scope="module")
def scored_folder(trained_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 customers scored on the tenth of each of five months; nobody knows what became of them."""
    import shutil

    folder = tmp_path_factory.mktemp("scored") / "p"
    shutil.copytree(trained_folder, folder)
    for place, when in enumerate(MONTHS):
        project = _at(folder, when)
        part = _customers(project)[place * 500 : (place + 1) * 500]
        part.drop("churned").write_csv(folder / "part.csv")
        score(project, Source(str(folder / "part.csv")), folder / "out.csv")
        project.engine.dispose()
    return folder


@pytest.fixture
def scored(scored_folder: Path, tmp_path: Path) -> Iterator[Project]:
    import shutil

    shutil.copytree(scored_folder, tmp_path / "p")
    project = _at(tmp_path / "p", JUNE)
    yield project
    project.engine.dispose()


def _tell(
    project: Project, *, only: bool | None = None, days: int = 20, turned: bool = False, most: int = 2_500
) -> None:
    """What became of the customers, some days after they were scored."""
    came = dict(_customers(project).select("customer_id", pl.col("churned") == "yes").iter_rows())
    made = list(project.ledger.within(1))
    said = [(one.prediction_id, one.at, came[one.entity_id] != turned) for one in made]
    project.ledger.record_outcomes(
        [
            Outcome("x", happened, at + timedelta(days=20), JUNE, prediction_id=named)
            for named, at, happened in said[:most]
        ]
    )


def _tell_by_customer(project: Project, *, days: int = 20) -> None:
    """The positives alone, by the customer's id."""
    came = _customers(project).select("customer_id", pl.col("churned") == "yes").rows()
    project.ledger.record_outcomes(
        [
            Outcome(who, True, MONTHS[place // 500] + timedelta(days=days), JUNE)
            for place, (who, happened) in enumerate(came)
            if happened
        ]
    )


def test_each_month_stands_by_itself_with_its_share_of_known_outcomes(scored: Project) -> None:
    _tell(scored, most=700)
    found = performance(scored)
    assert [one.window.start.month for one in found.cohorts] == [1, 2, 3, 4, 5]
    assert [one.rows for one in found.cohorts] == [500] * 5
    assert [one.completeness for one in found.cohorts] == [1.0, 0.4, 0.0, 0.0, 0.0]
    assert found.cohorts[0].realised is not None
    assert found.cohorts[2].realised is None


def test_what_came_true_is_that_of_the_table(scored: Project) -> None:
    _tell(scored)
    found = performance(scored)
    first = found.cohorts[0].realised
    assert first is not None
    assert first.positives == (_customers(scored)[:500]["churned"] == "yes").sum()
    assert first.metrics["roc_auc"].value > 0.6
    assert found.overall[1].n == 2_500


def test_silence_is_a_negative_once_the_time_is_over_and_not_before(scored: Project) -> None:
    project = _at(scored.folder, JUNE, **POSITIVES_ONLY)
    _tell_by_customer(project)
    found = performance(project)
    assert [one.mature for one in found.cohorts] == [True, True, True, False, False]
    assert [one.completeness for one in found.cohorts[:3]] == [1.0] * 3
    first, last = found.cohorts[0], found.cohorts[-1]
    assert first.realised is not None
    assert first.silent == 500 - first.realised.positives
    assert last.realised is not None
    assert (last.silent, last.realised.positives) == (0, last.realised.n)
    assert not last.judged
    project.engine.dispose()


def test_without_that_setting_silence_stays_silence_and_the_report_says_so(scored: Project) -> None:
    _tell_by_customer(scored)
    found = performance(scored)
    assert not any(one.judged for one in found.cohorts)
    assert all(one.completeness < 0.5 for one in found.cohorts)
    page = write_performance_report(scored, found).files["html"].read_text()
    assert "Only positives have been told" in page


def test_a_positive_that_came_too_late_says_that_there_was_none_in_time(scored: Project) -> None:
    project = _at(scored.folder, JUNE, **POSITIVES_ONLY)
    _tell_by_customer(project, days=61)
    first = performance(project).cohorts[0]
    assert first.realised is not None
    assert (first.realised.positives, first.silent) == (0, 500)
    project.engine.dispose()


def test_a_cohort_that_is_not_final_is_shown_and_never_judged(scored: Project) -> None:
    project = _at(scored.folder, JUNE, RISKLOOP__PROBLEM__MATURITY="60d")
    _tell(project, turned=True)
    found = performance(project)
    assert [one.judged for one in found.cohorts] == [True, True, True, False, False]
    assert [bool(one.reasons) for one in found.cohorts] == [True, True, True, False, False]
    assert found.cohorts[-1].realised is not None
    assert found.overall[1].n == 1_500
    assert found.newest == found.cohorts[2]
    assert found.worse
    project.engine.dispose()


def test_watching_the_ledger_leaves_out_what_is_not_final(scored: Project) -> None:
    project = _at(scored.folder, JUNE, RISKLOOP__PROBLEM__MATURITY="60d")
    _tell(project)
    found = monitor_ledger(project)
    assert found.realised is not None
    assert (found.estimated.n, found.realised.n) == (2_500, 2_000)  # the tenth of April is more than 60 days ago
    project.engine.dispose()


def test_weeks_arms_and_segments(scored: Project) -> None:
    _tell(scored)
    found = performance(scored, by="week", segment="plan", arm="batch", since=MONTHS[3])
    assert {one.window.end - one.window.start for one in found.cohorts} == {timedelta(days=7)}
    whole = [one for one in found.cohorts if one.segment is None]
    parts = [one for one in found.cohorts if one.segment is not None]
    assert len(whole) == 2
    assert sum(one.rows for one in parts) == sum(one.rows for one in whole) == 1_000
    assert {one.segment for one in parts} == set(_customers(scored)["plan"].unique().to_list())
    assert {one.segment for one in performance(scored, segment="risk_band").cohorts} >= {None, "low", "high"}
    with pytest.raises(UsageError, match="no category column"):
        performance(scored, segment="age")
    with pytest.raises(NotFound):
        performance(scored, arm="challenger")


# Estimates, and how good they were


def test_the_reference_rows_are_the_untouched_test_block(scored: Project) -> None:
    record, bundle = scored.bundle()
    rows = reference_rows(scored, record, bundle)
    assert isinstance(rows, Reference)
    assert len(rows.outcome) == record.metrics["n"]
    assert rows.outcome.sum() == record.metrics["positives"]
    _customers(scored).head(2_000).write_csv(scored.folder / "others.csv")
    for path, why in (("others.csv", "other_table"), ("nowhere.csv", "no_table")):
        settings = record.summary["plan"]["settings"]
        there = {**settings, "data": {**settings["data"], "path": path}}
        assert reference_rows(scored, replace(record, summary={"plan": {"settings": there}}), bundle) == why
    assert reference_rows(scored, replace(record, summary={}), bundle) == "no_record"


def test_estimates_are_kept_once_for_windows_that_are_over_and_never_altered(scored: Project) -> None:
    may = replace(scored, clock=lambda: MONTHS[4] + timedelta(days=1))
    assert keep_estimates(may) > 0
    before = may.estimates.of()
    assert {one.start.month for one in before} == {1, 2, 3, 4}
    assert keep_estimates(may) == 0
    _tell(scored, turned=True)
    assert keep_estimates(scored) > 0
    after = scored.estimates.of()
    assert after[: len(before)] == before
    assert {one.start.month for one in after} == {1, 2, 3, 4, 5}
    assert {one.method for one in after} == {"plain", "weighted"}
    assert after[0].basis["why"] in {"moved", "alike"}
    assert after[0].basis["effective_rows"] > 200


def test_the_scoreboard_holds_them_against_what_is_final(scored: Project) -> None:
    assert performance(scored).scoreboard == ()
    keep_estimates(scored)
    assert performance(scored).scoreboard == ()
    _tell(scored)
    board = {(one.method, one.metric): one for one in performance(scored).scoreboard}
    assert {method for method, _ in board} == {"plain", "weighted", "promised"}
    score_of = board["plain", "roc_auc"]
    assert score_of.windows == 5
    assert score_of.absolute_error < 0.1
    assert 0 <= score_of.covered.low <= score_of.covered.value <= 1


def test_an_estimate_of_more_rows_than_are_known_is_not_held(scored: Project) -> None:
    keep_estimates(scored)
    _tell(scored, most=700)
    assert {one.windows for one in performance(scored).scoreboard} == {1}


def test_without_reference_rows_the_plain_estimate_stands_and_says_why(scored: Project) -> None:
    project = _at(scored.folder, JUNE, RISKLOOP__PERFORMANCE__WEIGHTED="false")
    keep_estimates(project)
    kept = project.estimates.of()
    assert {one.method for one in kept} == {"plain"}
    assert {one.basis["why"] for one in kept} == {"not_asked"}
    project.engine.dispose()


def test_an_estimate_follows_customers_to_where_the_calibration_is_off(scored: Project) -> None:
    """Reference rows of one half turn positive far more often than the version says; the cohort is that half."""
    cohort = next(cohorts(scored, "month", draw=True))
    columns = cohort.features()
    name = next(one for one, values in columns.items() if values.dtype.kind == "f" and len(np.unique(values)) > 50)
    rng, n = np.random.default_rng(0), 4_000
    drawn = rng.integers(0, cohort.tally.rows, n)
    reference = {one: values[drawn].copy() for one, values in columns.items()}
    there = rng.random(n) < 0.5
    reference[name] = np.where(there, reference[name] * 1.0, reference[name] + 10 * np.nanstd(reference[name]))
    p = np.array([one.probability for one in cohort.rows])[drawn]
    truth = np.where(there, np.clip(3 * p, 0, 0.9), p)

    def found(*_: Any) -> Reference:
        return Reference(reference, p, rng.random(n) < truth)

    moved = Estimator(scored, find=found).weighted(cohort)
    assert moved.why == "moved"
    assert moved.rows is not None
    assert moved.rows < 0.75 * n
    assert moved.estimated is not None
    expected = np.clip(3 * np.array([one.probability for one in cohort.rows]), 0, 0.9).mean()
    prevalence = moved.estimated.metrics["prevalence"]
    plain = Estimator(scored).plain(cohort).metrics["prevalence"]
    assert abs(prevalence.value - expected) < 0.25 * abs(plain.value - expected)


# The report


def test_the_report_is_one_small_page_and_json_that_fits_its_schema(scored: Project) -> None:
    keep_estimates(scored)
    _tell(scored)
    found = performance(scored, segment="plan")
    files = write_performance_report(scored, found).files
    french = write_performance_report(scored, found, "fr").files
    assert all(path.stat().st_size < 1_000_000 for path in (*files.values(), *french.values()))
    document = json.loads(files["json"].read_text())
    schema = jsonschema_rs.validator_for(document_schema("performance-report"))
    assert not [str(error) for error in schema.iter_errors(document)]
    assert set(document) == set(document_schema("performance-report")["required"])
    page = files["html"].read_text()
    assert 'class="band"' in page
    assert "ROC curve" in page
    assert "Scoreboard" in page
    assert "Tableau des scores" in french["html"].read_text()
