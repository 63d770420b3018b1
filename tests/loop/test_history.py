from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from riskloop.data.source import Source
from riskloop.loop.project import Project
from riskloop.loop.workflows.history import SMALLER_IS_BETTER, compare, decisions_about, history, verify_log
from riskloop.loop.workflows.release import promote
from riskloop.loop.workflows.score import score
from riskloop.wiring import open_project


def test_history_lists_versions_events_and_who_leads(trained: Project) -> None:
    promote(trained, 2, reason="cheaper")
    past = history(trained)
    assert [version.version for version in past.versions] == [1, 2, 3]
    assert [(event.kind, event.version) for event in past.events] == [("promoted", 1), ("promoted", 2)]
    assert [past.alias(version) for version in (1, 2, 3)] == ["previous", "champion", None]


@pytest.mark.parametrize("metric", ["cost_per_thousand", "roc_auc", "log_loss"])
def test_candidates_of_all_trainings_are_compared_best_first(trained: Project, metric: str) -> None:
    rows = compare(trained, metric)
    assert {(row.version, row.family) for row in rows} == {
        (1, "logistic_regression"), (1, "decision_tree"), (2, "scorecard"), (3, "decision_tree"),
    }  # fmt: skip
    values = [row.metrics[metric]["value"] or 0 for row in rows]
    assert values == sorted(values, reverse=metric not in SMALLER_IS_BETTER)
    for row in rows:
        low, value, high = (row.metrics[metric][end] or 0 for end in ("low", "value", "high"))
        assert low <= value <= high
        assert row.training_seconds > 0
    assert [row.family for row in rows if row.chosen and row.alias == "champion"] == ["logistic_regression"]


def test_before_the_first_training_there_is_nothing_to_compare(new_project: Project) -> None:
    assert compare(new_project) == []
    assert verify_log(new_project).ok


def test_the_model_that_decided_about_a_customer_on_a_day_is_found(
    trained: Project, simulated: Path, tmp_path: Path
) -> None:
    batch = Source(str(simulated / "batches" / "january.csv"))
    first, second = (datetime(2027, 3, day, 23, 30, tzinfo=UTC) for day in (1, 2))
    score(_at(trained, first), batch, tmp_path / "first.csv")
    promote(_at(trained, first), 2, reason="cheaper")
    score(_at(trained, second), batch, tmp_path / "second.csv")
    decided = decisions_about(trained, "january-0000007")
    assert [one.version.version for one in decided] == [2, 1]
    (then,) = decisions_about(trained, "january-0000007", date(2027, 3, 1))
    assert (then.version.version, then.prediction.digest) == (1, trained.versions.get(1).digest)
    assert decisions_about(trained, "january-0000007", date(2027, 3, 3)) == ()


def _at(project: Project, now: datetime) -> Project:
    return open_project(project.folder, {}, clock=lambda: now)
