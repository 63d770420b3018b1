"""Evidently's own report, from one run in a process whose sockets reach nobody."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from riskloop.data.contract import Column, Contract
from riskloop.data.source import Source
from riskloop.engines import evidently as module
from riskloop.errors import DataError, MissingExtra
from riskloop.loop.project import Project
from riskloop.loop.workflows import engines
from riskloop.loop.workflows.monitor import monitor_batch, predictions_of
from riskloop.loop.workflows.score import score

# Also of the processes that a process starts: Evidently sends from one. Written down before it is refused.
TRAP = """
import os, sys
def trap(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        address = arguments[1] if event == "socket.connect" else arguments
        host = address[0] if isinstance(address, tuple) else ""
        if host and str(host) not in ("127.0.0.1", "::1", "localhost"):
            with open(os.environ["TRAPPED"], "a") as seen:
                print(event, host, file=seen)
            raise OSError("nobody is reached from here")
sys.addaudithook(trap)
"""
RUN = """
import os, sys
from riskloop.cli.app import main
assert "evidently" not in sys.modules
code = main(["monitor", "--batch", sys.argv[1], "--engine", "evidently", "--project", sys.argv[2], "--json"])
from riskloop.engines.evidently import SILENCE
from evidently.telemetry import event_logger
event_logger.send({"interface": "test", "action": "silenced"}, use_daemon=False)
seen = os.path.exists(os.environ["TRAPPED"])
for name in SILENCE:
    del os.environ[name]
event_logger.send({"interface": "test", "action": "aloud"}, use_daemon=False)
print("reached out" if seen else "silent", file=sys.stderr)
sys.exit(code)
"""


@dataclass(frozen=True)
class Ran:
    code: int
    told: dict[str, Any]
    silent: bool
    trapped: str
    page: str
    document: dict[str, Any]


@pytest.fixture(scope="module")
def ran(trained_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """`riskloop monitor --engine evidently` on a batch of which one column moved and one is empty."""
    folder = tmp_path_factory.mktemp("evidently")
    project, traps, trapped = folder / "project", folder / "traps", folder / "trapped"
    shutil.copytree(trained_folder, project)
    traps.mkdir()
    (traps / "sitecustomize.py").write_text(TRAP)
    training = next(line for line in (project / "riskloop.yaml").read_text().splitlines() if "customers.csv" in line)
    customers = pl.read_csv(training.split(": ", 1)[1].strip(), infer_schema=False)
    moved = customers.tail(700).with_columns(pl.col("monthly_charge").cast(pl.Float64) * 1.5)
    moved.write_csv(folder / "batch-2026-11-01.csv")
    path = os.pathsep.join([str(traps), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(folder / "batch-2026-11-01.csv"), str(project)],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path, "TRAPPED": str(trapped), "HOME": str(folder), "RISKLOOP_ACTOR": "ada"},
    )
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    files = {kind: Path(name).read_text() for kind, name in told["evidently"]["files"].items()}
    return Ran(
        done.returncode,
        told,
        "silent" in done.stderr,
        trapped.read_text() if trapped.exists() else "",
        files["html"],
        json.loads(files["json"], parse_constant=_no_such_constant),
    )


def _no_such_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def test_its_report_lies_beside_ours_and_ours_gives_the_verdict(ran: Ran) -> None:
    assert ran.code == 3
    assert ran.told["verdict"] == "drifted"
    ours, theirs = ran.told["files"]["html"], ran.told["evidently"]["files"]["html"]
    assert Path(theirs).parent == Path(ours).parent
    assert Path(theirs).name == "evidently-batch-2026-11-01.html"
    assert (ran.told["evidently"]["reference_rows"], ran.told["evidently"]["rows"]) == (2_500, 700)


def test_it_says_in_its_own_way_which_column_moved(ran: Ran) -> None:
    values = {one["config"].get("column"): one for one in ran.document["metrics"]}
    charge = values["monthly_charge"]
    assert charge["value"] > charge["config"]["threshold"]
    assert "Dataset Drift" in ran.page


def test_nothing_is_sent_and_the_trap_would_have_seen_it(ran: Ran) -> None:
    assert ran.silent
    assert "socket." in ran.trapped  # once what silences it was taken away


class _Loads(HTMLParser):
    """Addresses that a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag in ("script", "img", "iframe", "link", "source"):
            self.found += [value for name in ("src", "href") if (value := told.get(name))]
        if tag == "meta" and told.get("http-equiv") == "Content-Security-Policy":
            self.policy = told.get("content") or ""


def test_its_page_loads_nothing_and_is_not_allowed_to(ran: Ran) -> None:
    page = _Loads()
    page.feed(ran.page)
    assert [one for one in page.found if not one.startswith("data:")] == []
    assert page.policy.startswith("default-src 'none'")
    assert "http" not in page.policy


def test_without_the_extra_there_is_one_error_with_the_line_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "evidently", None)
    with pytest.raises(MissingExtra) as caught:
        module.require_evidently()
    assert "pip install 'riskloop[evidently]'" in str(caught.value)


CONTRACT = Contract(
    (
        Column("age", nullable=True),
        Column("plan", "category", levels=("basic", "premium"), nullable=True, unknown="bin"),
        Column("name", "category", levels=("ada", "alan"), nullable=True, personal=True),
    ),
    features=("age", "plan", "name"),
)


def test_levels_are_words_and_unknown_and_missing_ones_are_told_apart() -> None:
    columns = {"age": np.array([1.0, np.nan, 3.0, 4.0]), "plan": np.array([0, 1, 2, -1], dtype=np.int32)}
    table = module._table([CONTRACT.columns[0], CONTRACT.columns[1]], columns)
    assert table["plan"].tolist()[:3] == ["basic", "premium", "(unknown)"]
    assert table["plan"].isna().tolist() == [False, False, False, True]
    assert table["age"].isna().tolist() == [False, True, False, False]


def test_personal_and_empty_columns_are_left_out_and_no_column_at_all_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "require_evidently", lambda: None)
    names = np.array([0, 1], dtype=np.int32)
    nothing = {"age": np.array([np.nan, np.nan]), "plan": np.array([-1, -1], dtype=np.int32), "name": names}
    with pytest.raises(DataError, match="No column is left"):
        module.write_evidently(CONTRACT, nothing, nothing, tmp_path, "evidently-x")


@pytest.mark.parametrize("count", [0, 1, 10, 11, 37, 1_000])
def test_a_stream_of_any_length_gives_at_most_so_many_spread_evenly(count: int) -> None:
    held = [int(one) for one in engines._spread(iter(range(count)), 10)]  # type: ignore[arg-type, call-overload]
    assert len(held) == count if count <= 10 else 5 <= len(held) <= 10
    steps = {after - before for before, after in pairwise(held)}
    assert len(steps) <= 1
    assert not held or count - held[-1] <= 2 * max(steps, default=1)


def test_the_training_table_that_is_gone_is_one_clear_error(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "require_evidently", lambda: None)
    batch = tmp_path / "b.csv"
    pl.read_csv(trained.source.path, infer_schema=False).tail(100).write_csv(batch)
    found = monitor_batch(trained, str(batch))
    data = trained.settings.data.model_copy(update={"path": str(tmp_path / "gone.csv")})
    without = replace(trained, settings=trained.settings.model_copy(update={"data": data}))
    with pytest.raises(DataError, match="No such file"):
        engines.write_evidently_report(without, found)


def test_of_the_ledger_it_is_given_what_was_decided_about(trained: Project, simulated: Path, tmp_path: Path) -> None:
    january = str(simulated / "batches" / "january.csv")
    done = score(trained, Source(january), tmp_path / "out.csv")
    record, bundle = trained.bundle()
    columns = engines._of_ledger(bundle, predictions_of(trained, record), 1_000)
    table = engines._of_table(trained, bundle, trained.source.like(january), 1_000)
    assert set(columns) == set(table) == set(bundle.contract.read_names)
    assert {len(values) for values in columns.values()} == {done.scored}
    charge = columns["monthly_charge"]
    assert np.isin(charge[~np.isnan(charge)], table["monthly_charge"]).all()
    assert len(engines._of_ledger(bundle, predictions_of(trained, record), 50)["age"]) <= 50


def test_cells_that_break_the_contract_are_missing(trained: Project, simulated: Path, tmp_path: Path) -> None:
    january = pl.read_csv(simulated / "batches" / "january.csv", infer_schema=False)
    odd = january.with_columns(pl.lit("plenty").alias("monthly_charge"), pl.lit("unheard of").alias("plan"))
    odd.write_csv(tmp_path / "odd.csv")
    _, bundle = trained.bundle()
    columns = engines._of_table(trained, bundle, trained.source.like(str(tmp_path / "odd.csv")), 1_000)
    assert np.isnan(columns["monthly_charge"]).all()
    assert not (columns["plan"] == bundle.contract.by_name["plan"].levels.index("basic")).any()
