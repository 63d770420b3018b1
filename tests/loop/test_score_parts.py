from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from riskloop.data.source import Source, read, read_in_parts
from riskloop.errors import DataError, UsageError
from riskloop.loop.project import Project
from riskloop.loop.workflows import score_parts
from riskloop.loop.workflows.score import score
from riskloop.loop.workflows.score_parts import is_large, score_in_parts


@pytest.fixture
def january(simulated: Path) -> Source:
    return Source(str(simulated / "batches" / "january.csv"))


def parts_beside(out: Path) -> list[str]:
    return [path.name for path in out.parent.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("rows", [70, 300, 1_000])
def test_parts_say_what_the_whole_says(
    trained: Project, january: Source, tmp_path: Path, suffix: str, rows: int
) -> None:
    whole = score(trained, january, tmp_path / f"whole{suffix}", log=False, reasons=True)
    told: list[int] = []
    parts = score_in_parts(
        trained, january, tmp_path / f"parts{suffix}", log=False, reasons=True, rows=rows, progress=told.append
    )
    assert (tmp_path / f"parts{suffix}").read_bytes() == (tmp_path / f"whole{suffix}").read_bytes() or suffix != ".csv"
    frames = [
        (pl.read_csv if suffix == ".csv" else pl.read_parquet)(tmp_path / f"{name}{suffix}")
        for name in ("whole", "parts")
    ]
    assert frames[0].equals(frames[1])
    assert (parts.rows, parts.scored, parts.acted) == (whole.rows, whole.scored, whole.acted)
    assert parts.expected_cost == pytest.approx(whole.expected_cost)
    assert parts.expected_gain == pytest.approx(whole.expected_gain)
    assert told[0] == 0
    assert told[-1] == 300
    assert parts_beside(tmp_path / "x") == []


def test_every_decision_is_kept_once(trained: Project, january: Source, tmp_path: Path) -> None:
    done = score_in_parts(trained, january, tmp_path / "out.csv", rows=64)
    assert done.logged == 300
    assert trained.ledger.count() == 300
    (kept,) = trained.ledger.predictions("january-0000003")
    row = pl.read_csv(done.out).filter(pl.col("customer_id") == "january-0000003")
    assert row["probability"].item() == kept.probability


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("after", [1, 3])
@pytest.mark.parametrize("place", ["before the part is kept", "half kept", "kept, not written", "written"])
def test_what_is_interrupted_goes_on_where_it_was(
    trained: Project, january: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, place: str
) -> None:
    whole = score(trained, january, tmp_path / "whole.csv", log=False)
    out, parts = tmp_path / "out.csv", []
    real_log, real_add = score_parts.log_decisions, score_parts._Parts.add

    def log(project, record, decided, new_id):
        parts.append(decided)
        if len(parts) > after and place == "before the part is kept":
            raise Interrupted
        if len(parts) > after and place == "half kept":
            half = score_parts.replace(
                decided, answer=decided.answer[:20], features=decided.features[:20], ids=decided.ids[:20]
            )
            real_log(project, record, half, new_id)
            raise Interrupted
        return real_log(project, record, decided, new_id)

    def add(self, output, scored):
        if len(parts) > after and place == "kept, not written":
            raise Interrupted
        real_add(self, output, scored)
        if len(parts) > after:
            raise Interrupted

    monkeypatch.setattr(score_parts, "log_decisions", log)
    monkeypatch.setattr(score_parts._Parts, "add", add)
    with pytest.raises(Interrupted):
        score_in_parts(trained, january, out, rows=64)
    assert not out.exists()
    monkeypatch.undo()
    told: list[int] = []
    done = score_in_parts(trained, january, out, rows=64, progress=told.append)
    assert told[0] == (after + (place == "written")) * 64
    assert out.read_bytes() == whole.out.read_bytes()
    assert (done.rows, done.logged, trained.ledger.count()) == (300, 300, 300)
    assert len({one.prediction_id for one in trained.ledger.recent(1_000)}) == 300
    assert parts_beside(out) == []


def test_another_input_starts_anew(trained: Project, january: Source, tmp_path: Path) -> None:
    folder = tmp_path / ".out.csv.parts"
    folder.mkdir()
    (folder / "run.json").write_text('{"key": "other", "run": "x"}')
    (folder / "000000.json").write_text("{}")
    assert score_in_parts(trained, january, tmp_path / "out.csv").rows == 300


def test_a_file_that_lacks_a_column_is_refused_and_an_earlier_output_survives(
    trained: Project, january: Source, tmp_path: Path
) -> None:
    pl.read_csv(january.path).drop("age").write_csv(tmp_path / "bad.csv")
    (tmp_path / "out.csv").write_text("last month")
    with pytest.raises(DataError, match="contract expects"):
        score_in_parts(trained, Source(str(tmp_path / "bad.csv")), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "last month"
    with pytest.raises(UsageError, match="replace the input"):
        score_in_parts(trained, january, Path(january.path))


def test_rows_without_an_id_are_numbered_through(trained: Project, january: Source, tmp_path: Path) -> None:
    pl.read_csv(january.path).drop("customer_id").write_csv(tmp_path / "in.csv")
    done = score_in_parts(trained, Source(str(tmp_path / "in.csv")), tmp_path / "out.csv", rows=64)
    assert pl.read_csv(done.out)["row"].to_list() == list(range(1, 301))


def test_large_files_are_told_by_their_size(january: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_large(january)
    monkeypatch.setattr(score_parts, "LARGE_BYTES", 100)
    assert is_large(january)


@pytest.mark.parametrize("name", ["in.csv", "in.parquet", "latin.csv"])
def test_a_table_in_parts_is_the_table(january: Source, tmp_path: Path, name: str) -> None:
    frame = pl.read_csv(january.path)
    if name == "in.parquet":
        frame.write_parquet(tmp_path / name)
    else:
        text = frame.write_csv(separator=";").replace("basic", "bésic")
        (tmp_path / name).write_bytes(text.encode("utf-8" if name == "in.csv" else "latin-1"))
    source = Source(str(tmp_path / name))
    parts = list(read_in_parts(source, 77))
    assert max(part.height for part in parts) <= 300
    assert pl.concat(parts).equals(read(source)[0])
