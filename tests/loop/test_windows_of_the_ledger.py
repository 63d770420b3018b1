"""The ledger window by window: stored once, told late arrivals, beside the season; segments, groups, a classifier."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from riskloop.data.frames import decode_frame
from riskloop.errors import UsageError
from riskloop.keep.ledger import Prediction
from riskloop.loop.project import Project
from riskloop.loop.watching.folding import Ledgered
from riskloop.loop.workflows.monitor import monitor_batch, monitor_ledger, write_drift_report
from riskloop.watch.profile import Profile

NOW = datetime(2026, 3, 29, 15, 30, tzinfo=UTC)
"""A Sunday."""
Fill = Callable[..., list[Prediction]]


@pytest.fixture
def project(trained: Project) -> Project:
    return replace(trained, clock=lambda: NOW)


@pytest.fixture
def fill(project: Project) -> Fill:
    """Write predictions about customers drawn from the training table, at one moment."""
    record, bundle = project.bundle()
    frame = pl.read_csv(project.source.path, infer_schema=False)
    names = list(bundle.contract.read_names)
    rng = np.random.default_rng(5)
    numbers = iter(range(10**9))

    def fill(at: datetime, rows: int, arm: str = "champion", **changed: Any) -> list[Prediction]:
        drawn = frame[rng.integers(0, frame.height, rows)].with_columns(
            *(pl.lit(value).alias(name) for name, value in changed.items() if not callable(value)),
            *(
                value(pl.col(name).cast(pl.Float64)).cast(pl.String)
                for name, value in changed.items()
                if callable(value)
            ),
        )
        columns = decode_frame(bundle.contract, drawn).columns
        probability = bundle.scorer.probability(columns)
        act = bundle.policy.act(probability, bundle.policy.costs.of(columns))
        made = [
            Prediction(
                prediction_id=f"p{next(numbers)}",
                at=at + timedelta(seconds=place),
                name=record.name,
                version=record.version,
                digest=record.digest,
                probability=float(probability[place]),
                decision=bundle.policy.labels[0 if act[place] else 1],
                features=_typed(row, bundle.contract),
                arm=arm,
                entity_id=row["customer_id"],
            )
            for place, row in enumerate(drawn.to_dicts())
        ]
        project.ledger.append(made)
        return made

    def _typed(row: dict[str, Any], contract: Any) -> dict[str, Any]:
        kinds = {column.name: column.type for column in contract.read}
        return {
            name: None if row[name] is None else float(row[name]) if kinds.get(name) == "number" else row[name]
            for name in [*names, *(name for name in changed_names if name in row)]
        }

    changed_names: Sequence[str] = ("sex",)
    return fill


def day(back: int, hour: int = 10) -> datetime:
    return NOW.replace(hour=hour, minute=0) - timedelta(days=back)


def of_ledger(project: Project) -> Ledgered:
    record, bundle = project.bundle()
    return Ledgered(project, record.version, bundle, Profile.from_dict(bundle.profile))


def test_windows_that_are_over_are_read_once(project: Project, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    for back in range(5):
        fill(day(back), 40)
    ledgered = of_ledger(project)
    first = ledgered.slices("day")
    read: list[datetime] = []
    within = type(project.ledger).within

    def noted(self: Any, version: int, since: datetime, until: datetime) -> Any:
        read.append(since)
        return within(self, version, since, until)

    monkeypatch.setattr(type(project.ledger), "within", noted)
    again = ledgered.slices("day")
    assert [one.profile.rows for one in first] == [one.profile.rows for one in again] == [40] * 5
    assert first[1].profile.to_dict() == again[1].profile.to_dict()
    assert read == [day(0).replace(hour=0)]  # only the day that is not over


def test_predictions_that_arrive_late_make_their_window_anew(project: Project, fill: Fill) -> None:
    for back in range(1, 4):
        fill(day(back), 40)
    ledgered = of_ledger(project)
    assert [one.profile.rows for one in ledgered.slices("day")] == [40, 40, 40]
    fill(day(2, hour=11), 7)
    assert ledgered.fold("day", day(3)) == 1
    assert [one.profile.rows for one in ledgered.slices("day")] == [40, 47, 40]


def test_pruned_predictions_stay_counted(project: Project, fill: Fill) -> None:
    for back in range(1, 4):
        fill(day(back), 40)
    ledgered = of_ledger(project)
    ledgered.slices("day")
    project.ledger.prune(day(2, hour=12))
    assert [one.profile.rows for one in ledgered.slices("day", day(3, hour=0))] == [40, 40, 40]


def test_monitors_at_once_count_nobody_twice(project: Project, fill: Fill) -> None:
    for back in range(1, 4):
        fill(day(back), 30)
    found: list[list[int]] = []

    def look() -> None:
        found.append([one.profile.rows for one in of_ledger(project).slices("day")])

    threads = [threading.Thread(target=look) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == [[30, 30, 30]] * 4
    assert len(project.profiles.list(1, "day")) == 3


def test_since_cuts_a_window_and_shadows_are_left_out(project: Project, fill: Fill) -> None:
    fill(day(2, hour=8), 20)
    fill(day(2, hour=14), 30)
    fill(day(1), 40)
    fill(day(1), 500, arm="shadow")
    assert [one.profile.rows for one in of_ledger(project).slices("day", day(2, hour=12))] == [30, 40]
    assert monitor_ledger(project, day(2, hour=12)).drift.rows == 70


def test_arms_are_told_apart(project: Project, fill: Fill) -> None:
    fill(day(2), 40)
    fill(day(2), 15, arm="challenger")
    assert [one.profile.rows for one in of_ledger(project).slices("day", arm="challenger")] == [15]
    assert [one.profile.rows for one in of_ledger(project).slices("day")] == [55]


def test_the_newest_window_is_judged_and_the_run_is_told(project: Project, fill: Fill) -> None:
    for back in range(1, 15):
        fill(day(back), 60)
    fill(day(0), 200, monthly_charge=lambda charge: charge * 1.8)
    found = monitor_ledger(project, by="day")
    assert len(found.windows) == 15
    assert found.drift.verdict == "drifted"
    assert found.drift.rows == 200
    assert "monthly_charge" in found.windows[-1].to_dict()["moved"]
    assert sum(one.drift.drifted for one in found.windows[:-1]) <= 1
    weeks = monitor_ledger(project, by="week")
    assert [one.drift.rows for one in weeks.windows] == [60, 60 * 7, 60 * 6 + 200]
    files = write_drift_report(project, found).files
    assert files["html"].stat().st_size < 1_000_000
    assert "Over time" in files["html"].read_text()


def test_what_moves_every_sunday_is_of_the_season(project: Project, fill: Fill) -> None:
    """Young customers come on Sundays, always have since the ledger began, and never were in training like that."""
    for back in range(36):
        sunday = day(back).weekday() == 6
        more = {"age": lambda age: (age * 0.6).clip(18).round()} if sunday else {}
        fill(day(back), 150 if sunday else 40, **more)
    found = monitor_ledger(project, by="day")
    assert {one.name: one.verdict for one in found.drift.columns}["age"] == "season"
    assert not found.drift.drifted
    assert "season" in {one.code for one in found.drift.reasons}
    fill(day(0, hour=12), 150, age=lambda age: age + 25)
    again = monitor_ledger(project, by="day")
    assert {one.name: one.verdict for one in again.drift.columns}["age"] == "drifted" or again.drift.drifted


def test_a_segment_that_moved_is_named_though_the_whole_did_not(project: Project, fill: Fill) -> None:
    fill(day(3), 900)
    fill(day(2), 160, plan="premium", monthly_charge=lambda charge: charge * 1.6)
    found = monitor_ledger(project, segment="plan")
    judged = {one.level: one for one in found.segments}
    assert judged["premium"].drift is not None
    assert judged["premium"].drift.drifted
    assert not judged["basic"].drift.drifted  # type: ignore[union-attr]
    assert "segments_moved" in {one.code for one in found.drift.reasons}
    with pytest.raises(UsageError, match="plan"):
        monitor_ledger(project, segment="plann")


def test_groups_of_a_protected_attribute_are_followed(project: Project, fill: Fill) -> None:
    problem = project.settings.problem.model_copy(update={"sensitive": ("sex",)})
    watched = replace(project, settings=project.settings.model_copy(update={"problem": problem}))
    for back in range(1, 5):
        fill(day(back), 120, sex="f")
        fill(day(back, hour=12), 120, sex="m")
    found = monitor_ledger(watched, by="day")
    assert {(one.attribute, one.level) for one in found.groups} == {("sex", "f"), ("sex", "m")}
    assert len(found.groups) == 8
    assert not any(one.adverse for one in found.groups)


def test_a_classifier_sees_what_moves_jointly_and_says_when_it_cannot(
    project: Project, fill: Fill, tmp_path: Path
) -> None:
    fill(day(2), 400)
    quiet = monitor_ledger(project, classifier=True).classifier
    assert quiet is not None
    assert quiet.told is not None
    assert not quiet.told.different
    fill(day(1), 900, monthly_charge=lambda charge: charge * 1.5)
    told = monitor_ledger(project, day(1, hour=0), classifier=True)
    assert told.classifier is not None
    assert told.classifier.told is not None
    assert told.classifier.told.different
    assert told.classifier.told.columns[0][0] in {"monthly_charge", "margin_per_month"}
    Path(project.source.path).rename(tmp_path / "gone.csv")
    try:
        lost = monitor_ledger(project, day(1, hour=0), classifier=True).classifier
        gone = monitor_ledger(project, classifier=True).classifier
    finally:
        (tmp_path / "gone.csv").rename(project.source.path)
    assert lost is not None
    assert lost.origin == "ledger"
    assert gone is not None
    assert (gone.told, gone.origin) == (None, "unreachable")


def test_a_batch_is_told_by_days_of_its_event_time(project: Project, tmp_path: Path) -> None:
    frame = pl.read_csv(project.source.path, infer_schema=False).tail(900)
    frame.write_csv(tmp_path / "b.csv")
    found = monitor_batch(project, str(tmp_path / "b.csv"), by="month", segment="plan", classifier=True)
    assert found.drift.days >= 5
    assert sum(one.drift.rows for one in found.windows) == 900
    assert {one.level for one in found.segments} >= {"basic", "premium"}
    frame.drop("snapshot_date").write_csv(tmp_path / "c.csv")
    with pytest.raises(UsageError, match="event time"):
        monitor_batch(project, str(tmp_path / "c.csv"), by="month")
