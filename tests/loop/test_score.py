from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from riskloop.data.source import Source
from riskloop.errors import DataError, NotFound, RiskloopError, UsageError
from riskloop.loop.project import Project
from riskloop.loop.workflows.score import score

Batch = Callable[..., Source]


@pytest.fixture
def batch(simulated: Path, tmp_path: Path) -> Batch:
    """The production batch, some cells changed: ``{row: {column: text}}``."""

    def write(changes: dict[int, dict[str, str]] | None = None, without: str | None = None) -> Source:
        with (simulated / "batches" / "january.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        for row, cells in (changes or {}).items():
            rows[row] |= cells
        names = [name for name in rows[0] if name != without]
        with (tmp_path / "batch.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, names, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
        return Source(str(tmp_path / "batch.csv"))

    return write


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_customer_gets_the_decision_of_the_bundle_in_the_order_of_the_file(
    trained: Project, batch: Batch, tmp_path: Path
) -> None:
    source = batch()
    done = score(trained, source, tmp_path / "out.csv")
    customers, answers = _read(Path(source.path)), _read(done.out)
    assert [row["customer_id"] for row in answers] == [row["customer_id"] for row in customers]
    _, bundle = trained.bundle()
    wanted = [{name: row[name] or None for name in bundle.contract.features} for row in customers]
    probability, _ = bundle.score(wanted, typed=False)
    assert [float(row["probability"]) for row in answers] == probability.tolist()
    low, high = bundle.scorer.interval.of_many(probability)
    assert [float(row["probability_low"]) for row in answers] == low.tolist()
    assert [float(row["probability_high"]) for row in answers] == high.tolist()
    assert [row["decision"] for row in answers] == bundle.policy.decide_many(
        probability, bundle.policy.costs.of({})
    ).decision.tolist()
    assert (done.rows, done.scored, done.version) == (300, 300, 1)
    assert done.acted == sum(row["decision"] == "act" for row in answers)
    assert done.expected_cost == pytest.approx(sum(float(row["expected_cost"]) for row in answers))
    assert {row["error"] for row in answers} == {""}


def test_a_worklist_is_those_to_act_on_where_it_gains_most_first(
    trained: Project, batch: Batch, tmp_path: Path
) -> None:
    source = batch({5: {"plan": "gold"}})
    everyone = score(trained, source, tmp_path / "all.csv", log=False)
    listed = score(trained, source, tmp_path / "list.csv", log=False, worklist=True)
    rows, wanted = _read(listed.out), [row for row in _read(everyone.out) if row["decision"] == "act"]
    gains = [float(row["expected_gain"]) for row in rows]
    assert [row["rank"] for row in rows] == [str(number) for number in range(1, len(wanted) + 1)]
    assert {row["customer_id"] for row in rows} == {row["customer_id"] for row in wanted}
    assert gains == sorted(gains, reverse=True)
    assert min(gains) >= 0
    assert listed.expected_gain == pytest.approx(sum(gains))


def test_a_capacity_is_kept_in_the_file_and_in_the_ledger(trained: Project, batch: Batch, tmp_path: Path) -> None:
    source = batch()
    free = score(trained, source, tmp_path / "free.csv", log=False)
    done = score(trained, source, tmp_path / "out.csv", capacity=7)
    rows = _read(done.out)
    acted = [row for row in rows if row["decision"] == "act"]
    assert (len(rows), len(acted), done.acted, done.turned_away) == (300, 7, 7, free.acted - 7)
    worthwhile = sorted(
        (float(row["expected_gain"]) for row in _read(free.out) if row["decision"] == "act"), reverse=True
    )
    assert sorted((float(row["expected_gain"]) for row in acted), reverse=True) == worthwhile[:7]
    assert done.forgone == pytest.approx(sum(worthwhile[7:]))
    assert done.expected_cost == pytest.approx(free.expected_cost + done.forgone)
    assert trained.ledger.predictions(acted[0]["customer_id"])[0].decision == "act"
    turned_away = next(
        row["customer_id"]
        for row, other in zip(_read(free.out), rows, strict=True)
        if row["decision"] != other["decision"]
    )
    assert trained.ledger.predictions(turned_away)[0].decision == "pass"


def test_room_for_nobody_is_no_capacity(trained: Project, batch: Batch, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="room for nobody"):
        score(trained, batch(), tmp_path / "out.csv", capacity=0)


def test_a_row_that_breaks_the_contract_keeps_its_place_with_the_reason_and_no_decision(
    trained: Project, batch: Batch, tmp_path: Path
) -> None:
    done = score(trained, batch({5: {"plan": "gold"}, 9: {"age": "young"}}), tmp_path / "out.csv")
    answers = _read(done.out)
    assert (done.rows, done.scored, done.logged) == (300, 298, 298)
    for row, word in ((5, "gold"), (9, "young")):
        answered = {name for name, cell in answers[row].items() if cell}
        assert answered == {"customer_id", "version", "error"}
        assert word in answers[row]["error"]
    assert trained.ledger.count() == 298
    assert trained.ledger.predictions(answers[5]["customer_id"]) == ()


def test_decisions_are_in_the_ledger_with_all_that_is_needed_to_replay_them(
    trained: Project, batch: Batch, tmp_path: Path
) -> None:
    numbers = iter(range(1_000))
    score(trained, batch(), tmp_path / "out.csv", new_id=lambda: f"p{next(numbers)}")
    (kept,) = trained.ledger.predictions("january-0000003")
    answer = _read(tmp_path / "out.csv")[2]
    assert (kept.prediction_id, kept.version, kept.arm) == ("p2", 1, "batch")
    assert kept.digest == trained.versions.get(1).digest
    assert kept.probability == float(answer["probability"])
    _, bundle = trained.bundle()
    replayed, _ = bundle.score([kept.features], typed=False)
    assert replayed[0] == kept.probability


def test_nothing_is_logged_when_asked_not_to(trained: Project, batch: Batch, tmp_path: Path) -> None:
    assert score(trained, batch(), tmp_path / "out.csv", log=False).logged == 0
    assert trained.ledger.count() == 0


def test_parquet_in_and_out_says_the_same(trained: Project, batch: Batch, tmp_path: Path) -> None:
    source = batch({4: {"plan": "gold"}})
    score(trained, source, tmp_path / "out.csv")
    frame = pl.read_csv(source.path).with_columns(pl.col("snapshot_date").str.to_date())
    frame.write_parquet(tmp_path / "in.parquet")
    done = score(trained, Source(str(tmp_path / "in.parquet")), tmp_path / "deep" / "out.parquet")
    from_csv, from_parquet = pl.read_csv(tmp_path / "out.csv"), pl.read_parquet(done.out)
    assert from_parquet["probability"].to_list() == from_csv["probability"].to_list()
    assert from_parquet["error"].null_count() == 299


def test_an_id_that_looks_missing_stays_an_id(trained: Project, batch: Batch, tmp_path: Path) -> None:
    done = score(trained, batch({0: {"customer_id": "NA"}, 1: {"customer_id": "007"}}), tmp_path / "out.csv")
    assert [row["customer_id"] for row in _read(done.out)[:2]] == ["NA", "007"]
    assert len(trained.ledger.predictions("NA")) == 1


def test_without_an_id_rows_are_numbered(trained: Project, batch: Batch, tmp_path: Path) -> None:
    done = score(trained, batch(without="customer_id"), tmp_path / "out.csv")
    assert [row["row"] for row in _read(done.out)[:3]] == ["1", "2", "3"]


def test_a_named_version_decides_instead_of_the_champion(trained: Project, batch: Batch, tmp_path: Path) -> None:
    assert score(trained, batch(), tmp_path / "out.csv", version=2).version == 2


def test_a_table_without_a_column_of_the_contract_is_refused_and_nothing_is_written(
    trained: Project, batch: Batch, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="contract expects") as refused:
        score(trained, batch(without="age"), tmp_path / "out.csv")
    assert "age" in str(refused.value.where)
    assert not (tmp_path / "out.csv").exists()


def test_when_the_ledger_is_away_there_is_no_output_and_no_litter(
    trained: Project, batch: Batch, tmp_path: Path
) -> None:
    source, out = batch(), tmp_path / "decisions" / "out.csv"
    with trained.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE predictions")
    with pytest.raises(RiskloopError):
        score(trained, source, out)
    assert not list(out.parent.iterdir())


def test_an_earlier_output_survives_a_failure(trained: Project, batch: Batch, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("last month")
    with pytest.raises(DataError):
        score(trained, batch(without="age"), out)
    assert out.read_text() == "last month"


def test_the_output_may_not_replace_the_input(trained: Project, batch: Batch) -> None:
    source = batch()
    before = Path(source.path).read_bytes()
    with pytest.raises(UsageError, match="replace the input"):
        score(trained, source, Path(source.path))
    assert Path(source.path).read_bytes() == before


def test_an_output_of_another_kind_is_refused(trained: Project, batch: Batch, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.csv or \.parquet"):
        score(trained, batch(), tmp_path / "out.xlsx")


def test_without_a_champion_nobody_decides(new_project: Project, batch: Batch, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="No version leads"):
        score(new_project, batch(), tmp_path / "out.csv")
