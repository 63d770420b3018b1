from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from riskloop.data.source import Source
from riskloop.errors import Conflict
from riskloop.keep.locks import holding
from riskloop.loop.project import Project
from riskloop.loop.retraining.looking import look
from riskloop.loop.watching.cohorts import cohorts
from riskloop.loop.workflows.outcomes import record_outcomes
from riskloop.loop.workflows.reproduce import reproduce
from riskloop.loop.workflows.retrain import LOCK, history, retrain
from riskloop.loop.workflows.score import score

FAMILY = ("logistic_regression",)
RECENT = "recent:60d"


def change_outcomes(project: Project, change: Callable[[list[Any]], list[Any]], before: datetime | None = None) -> None:
    """Change what is known of customers, behind the back of the store."""
    path = project.locations.database_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        query = "SELECT o.seq, o.outcome FROM outcomes o JOIN predictions p ON p.entity_id = o.entity_id"
        rows = connection.execute(f"{query} WHERE p.at < ?", ((before or datetime.now(UTC)).isoformat(),)).fetchall()
        changed = change([outcome for _, outcome in rows])
        pairs = [(outcome, seq) for (seq, _), outcome in zip(rows, changed, strict=True)]
        connection.executemany("UPDATE outcomes SET outcome = ? WHERE seq = ?", pairs)


def test_what_changed_is_learnt_leads_is_on_record_and_can_be_made_again(lived: Project) -> None:
    before = lived.promotions.state()
    done = retrain(lived, if_needed=True, window=RECENT, candidates=FAMILY)
    assert done.need is not None
    assert [ground.name for ground in done.need.grounds if ground.holds] == ["performance"]
    assert "ROC-AUC" in done.need.reasons[0]
    assert done.record is not None
    assert done.record.result == "promoted"
    assert done.difference is not None
    assert done.difference.high < 0
    assert (before.champion, lived.promotions.state().champion) == (1, 2)

    data, event = done.record.data, lived.promotions.events()[-1]
    assert data["held"] == round(0.4 * data["labelled"])
    assert data["rows"] == data["old"] + data["new"] + data["held"]
    assert event.reason.startswith("retrained: Performance fell")
    assert event.details["retraining"]["data"] == data["sha256"]
    assert history(lived) == (done.record,)
    assert done.record.version == 2
    assert reproduce(lived, 2).equal

    table = pl.read_parquet(lived.folder / data["path"])
    assert table["customer_id"].is_duplicated().sum() == 0
    assert table["snapshot_date"].max() - table["snapshot_date"].min() <= timedelta(days=60)

    again = retrain(lived, if_needed=True, candidates=FAMILY)
    assert again.record is None  # the successor has learnt from the older of those outcomes


def test_a_worklist_that_takes_few_is_no_reason_for_a_new_version(
    trained: Project, simulated: Path, tmp_path: Path
) -> None:
    january = simulated / "batches" / "january.csv"
    score(trained, Source(str(january)), tmp_path / "list.csv", worklist=True, capacity=5)
    pl.read_csv(january.with_suffix(".outcomes.csv")).drop("observed_at").write_csv(tmp_path / "today.csv")
    record_outcomes(trained, Source(str(tmp_path / "today.csv")))
    looked = look(trained)
    assert looked.watched is not None
    assert looked.watched.drift is not None
    assert looked.watched.drift.verdict == "stable"
    assert not looked.watched.drift.relative_harm.low > 0
    assert looked.watched.realised is not None
    assert looked.watched.realised.to_dict()["metrics"]["act_rate"]["value"] < 0.05  # what was done is told as it was
    assert looked.need.state == "not_needed"
    assert any("300 outcomes" in ground.words for ground in looked.need.grounds)
    (cohort,) = cohorts(trained, "month")
    assert cohort.otherwise > 150


def test_a_worse_version_is_refused_and_not_trained_again_until_more_is_known(lived: Project) -> None:
    """What it learns from is shuffled; what it is judged on is not."""
    cut = look(lived).division.since
    rng = np.random.default_rng(1)
    change_outcomes(lived, lambda known: rng.permutation(known).tolist(), before=cut)
    done = retrain(lived, window="sliding:3600", candidates=FAMILY)
    assert done.refused
    assert done.record is not None
    assert "refused" in done.record.told
    failed = {check["name"] for check in done.record.gate if not check["passed"]}
    assert failed & {"roc_auc", "not_worse_than_champion", "beats_act_on_all"}
    assert lived.promotions.state().champion == 1

    hourly = retrain(lived, if_needed=True, candidates=FAMILY)
    assert hourly.need is not None
    assert hourly.need.state == "waiting"
    assert "4,500" in hourly.words
    assert len(history(lived)) == 1


def test_what_is_too_young_is_not_learnt_from(lived_folder: Any, tmp_path: Path) -> None:
    project = lived_folder.copy(tmp_path / "p", PROBLEM__MATURITY="3650d")
    done = retrain(project)
    assert done.need is not None
    assert (done.need.state, done.record) == ("waiting", None)
    assert "Of 0 new outcomes" in done.words
    project.engine.dispose()


def test_a_version_that_was_judged_when_its_process_died_is_settled_by_the_next(lived: Project) -> None:
    table = lived.folder / "table.parquet"
    table.touch()
    data = {"path": "table.parquet", "sha256": "0" * 64, "rows": 9, "old": 4, "new": 3, "held": 2, "test_share": 0.2}
    data |= {"window": "all", "held_since": None, "trained_until": None, "left_out": {}, "warnings": ["Beware."]}
    seq = lived.retrainings.begin(at=datetime.now(UTC), actor="ada", reasons=["It fell."], champion=1)
    version = replace(lived.versions.get(1), version=2)
    lived.versions.add(version)
    difference = {"mean": 5.0, "low": -4.0, "high": 9.0, "p_value": 0.4}
    lived.retrainings.note(seq, data=data, version=2, difference=difference)
    done = retrain(lived, if_needed=True)
    assert done.record is not None
    assert (done.record.seq, done.record.result, done.training) == (seq, "proposed", None)
    assert done.warnings == ("Beware.",)
    assert "+5 [-4, +9]" in done.words


def test_two_retrainings_never_run_at_once(lived: Project) -> None:
    with holding(lived.locks, LOCK, "elsewhere:1"), pytest.raises(Conflict, match="elsewhere:1"):
        retrain(lived, candidates=FAMILY)
    assert history(lived) == ()


def test_a_retraining_that_fails_says_so_in_the_record(lived: Project) -> None:
    with pytest.raises(Exception, match="no_such_family"):
        retrain(lived, candidates=("no_such_family",))
    (record,) = history(lived)
    assert record.result == "failed"
    assert "no_such_family" in record.told
