from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from riskloop.data.source import Source
from riskloop.errors import DataError
from riskloop.keep.tables import outcomes
from riskloop.loop.project import Project
from riskloop.loop.watching.final import final_outcomes
from riskloop.loop.workflows.outcomes import record_outcomes
from riskloop.loop.workflows.score import score
from riskloop.wiring import open_project


def _file(folder: Path, *lines: str) -> Source:
    path = folder / "outcomes.csv"
    path.write_text("\n".join(lines) + "\n")
    return Source(str(path))


def _stored(project: Project) -> dict[str, bool]:
    with project.engine.connect() as connection:
        return {row.entity_id: row.outcome for row in connection.execute(select(outcomes))}


def test_simulated_outcomes_are_recorded_once_however_often_they_are_sent(
    trained: Project, simulated: Path, tmp_path: Path
) -> None:
    score(trained, Source(str(simulated / "batches" / "january.csv")), tmp_path / "out.csv")
    source = Source(str(simulated / "batches" / "january.outcomes.csv"))
    first, second = record_outcomes(trained, source), record_outcomes(trained, source)
    assert (first.accepted, first.duplicates, first.unknown_customers) == (300, 0, 0)
    assert (second.accepted, second.duplicates) == (0, 300)
    words = dict(line.split(",")[:2] for line in Path(source.path).read_text().splitlines()[1:])
    assert _stored(trained) == {customer: word == "yes" for customer, word in words.items()}


@pytest.mark.parametrize(("yes", "no"), [("1", "0"), ("true", "False"), ("Yes", "NO"), ("yes", "no"), ("y", "n")])
def test_plain_words_are_understood_beside_the_words_of_the_target(
    trained: Project, tmp_path: Path, yes: str, no: str
) -> None:
    record_outcomes(trained, _file(tmp_path, "id,outcome", f"a,{yes}", f"b,{no}"))
    assert _stored(trained) == {"a": True, "b": False}


def test_a_file_of_negatives_alone_is_read_as_such(trained: Project, tmp_path: Path) -> None:
    record_outcomes(trained, _file(tmp_path, "id,churned", "a,no", "b,no"))
    assert _stored(trained) == {"a": False, "b": False}


def test_words_that_nobody_understands_are_refused(trained: Project, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'left', 'stayed'") as refused:
        record_outcomes(trained, _file(tmp_path, "id,outcome", "a,left", "b,stayed"))
    assert "1 and 0" in str(refused.value.next_step)
    assert _stored(trained) == {}


def test_a_target_by_comparison_is_compared_in_its_own_column_and_plain_in_another(
    trained: Project, tmp_path: Path
) -> None:
    project = open_project(trained.folder, {"RISKLOOP__PROBLEM__TARGET": "claims > 1"})
    record_outcomes(project, _file(tmp_path, "id,claims", "a,1", "b,2"))
    assert _stored(project) == {"a": False, "b": True}
    record_outcomes(project, _file(tmp_path, "id,outcome", "c,1", "d,0"))
    assert _stored(project) == {"a": False, "b": True, "c": True, "d": False}


def test_rows_without_an_id_or_an_outcome_are_left_out(trained: Project, tmp_path: Path) -> None:
    receipt = record_outcomes(trained, _file(tmp_path, "id,outcome", "a,yes", ",yes", "c,"))
    assert receipt.accepted == 1


def test_outcomes_without_a_time_are_recorded_once_too(trained: Project, tmp_path: Path) -> None:
    source = _file(tmp_path, "id,outcome", "a,yes", "b,no")
    record_outcomes(trained, source)
    assert record_outcomes(trained, source).duplicates == 2


def test_a_corrected_outcome_is_a_correction(trained: Project, tmp_path: Path) -> None:
    record_outcomes(trained, _file(tmp_path, "id,outcome,observed_at", "a,yes,2026-05-01"))
    receipt = record_outcomes(trained, _file(tmp_path, "id,outcome,observed_at", "a,no,2026-05-01"))
    assert receipt.corrections == 1


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("who,outcome", "a,yes"), "column for the id"),
        (("id,churn", "a,yes"), "column for the outcome"),
        (("id,outcome,observed_at", "a,yes,yesterday"), "cannot be read"),
        (("id,outcome,observed_at", "a,yes,"), "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(
    trained: Project, tmp_path: Path, lines: tuple[str, ...], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        record_outcomes(trained, _file(tmp_path, *lines))
    assert _stored(trained) == {}


def test_columns_may_be_named(trained: Project, tmp_path: Path) -> None:
    source = _file(tmp_path, "who,what,when", "a,yes,2026-05-01 12:00:00")
    record_outcomes(trained, source, id_column="who", outcome_column="what", time_column="when")
    with trained.engine.connect() as connection:
        (stored,) = connection.execute(select(outcomes))
    assert (stored.entity_id, stored.outcome) == ("a", True)
    assert stored.observed_at == datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("written", ["2026-05-01", "2026-05-01T00:00:00Z", "2026-05-01 02:00:00+02:00"])
def test_times_are_read_in_any_iso_form(trained: Project, tmp_path: Path, written: str) -> None:
    record_outcomes(trained, _file(tmp_path, "id,outcome,observed_at", f"a,yes,{written}"))
    with trained.engine.connect() as connection:
        (stored,) = connection.execute(select(outcomes))
    assert stored.observed_at == datetime(2026, 5, 1, tzinfo=UTC)


def _judged(project: Project) -> dict[str | None, bool | None]:
    return {one.entity_id: said.outcome if said else None for one, said in final_outcomes(project)}


def test_files_may_come_late_in_part_and_out_of_order(trained: Project, simulated: Path, tmp_path: Path) -> None:
    """What is judged hangs on what was observed when, not on which file came first."""
    score(trained, Source(str(simulated / "batches" / "january.csv")), tmp_path / "out.csv")
    first, second, third = (str(one.entity_id) for one in trained.ledger.recent(3))
    head = "id,outcome,observed_at"
    record_outcomes(trained, _file(tmp_path, head, f"{first},no,2099-02-05", f"{second},yes,2099-02-05"))
    receipt = record_outcomes(trained, _file(tmp_path, head, f"{first},yes,2099-01-05", f"{second},yes,2099-02-05"))
    assert (receipt.accepted, receipt.duplicates) == (1, 1)
    found = _judged(trained)
    assert (found[first], found[second], found[third]) == (True, True, None)


def test_an_old_file_sent_again_does_not_undo_its_correction(trained: Project, simulated: Path, tmp_path: Path) -> None:
    score(trained, Source(str(simulated / "batches" / "january.csv")), tmp_path / "out.csv")
    who = str(trained.ledger.recent(1)[0].entity_id)
    head, corrected = "id,outcome,observed_at", 0
    for word in ("yes", "no", "yes"):
        corrected += record_outcomes(trained, _file(tmp_path, head, f"{who},{word},2099-01-05")).corrections
    assert corrected == 1
    assert _judged(trained)[who] is False
