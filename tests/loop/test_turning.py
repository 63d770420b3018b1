"""The loop, in processes of its own: one leads, a killed one is followed, a stopped one ends well."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from riskloop.errors import NotFound
from riskloop.keep.locks import holding
from riskloop.loop.project import Project
from riskloop.loop.retraining.looking import Looked
from riskloop.loop.workflows.retrain import history
from riskloop.loop.workflows.turning import LEADER, Turn, keep_turning

OPTIONS = ("--candidates", "logistic_regression", "--every", "1h", "--lease", "2s", "--json")
ENVIRON = {"RISKLOOP_ACTOR": "ada", "RISKLOOP__PROBLEM__MATURITY": "130d"}


def until(holds: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)
    return found


def turns(project: Project, **more: Any) -> list[Turn]:
    told: list[Turn] = []
    keep_turning(project, every=3_600, told=told.append, candidates=("logistic_regression",), once=True, **more)
    return told


def test_a_turn_looks_alerts_retrains_and_says_so_in_one_line(lived: Project) -> None:
    alerted: list[Looked] = []
    (turn,) = turns(lived, alert=lambda _, looked: alerted.append(looked))
    assert [looked.need.state for looked in alerted] == ["needed"]
    assert (turn.kind, turn.number, turn.next_at) == ("done", 1, None)
    assert turn.words.startswith("Nothing scored lately. Performance fell")
    assert turn.retrained is not None
    assert turn.retrained.record is not None
    (again,) = turns(lived)
    assert again.retrained is not None
    assert again.retrained.record is None
    assert len(history(lived)) == 1
    assert lived.locks.holder(LEADER) is None


def test_aliases_follow_what_was_promoted_where_there_is_no_mlflow(trained: Project) -> None:
    state = trained.promotions.state()
    assert state.champion == 1
    trained.registry.project_aliases(replace(state, champion=None))
    assert trained.registry.aliases() == {}
    turns(trained, alert=lambda _project, _looked: None)
    assert trained.registry.aliases() == {"champion": 1}


def test_while_another_process_leads_this_one_stands_by(lived: Project) -> None:
    with holding(lived.locks, LEADER, "elsewhere:1"):
        (turn,) = turns(lived)
    assert (turn.kind, turn.words) == ("standby", "elsewhere:1 leads; standing by.")
    assert history(lived) == ()


def test_a_turn_that_fails_is_told_and_the_next_one_comes(new_project: Project) -> None:
    told: list[Turn] = []
    stop = threading.Event()

    def tell(turn: Turn) -> None:
        told.append(turn)
        if len(told) == 3:
            stop.set()

    keep_turning(new_project, every=0.05, told=tell, stop=stop)
    assert [(turn.kind, turn.number) for turn in told] == [("failed", 1), ("failed", 2), ("failed", 3)]
    assert "No version leads yet" in told[0].words
    assert told[0].next_at is not None
    with pytest.raises(NotFound):
        turns(new_project)


@pytest.mark.slow
def test_a_leader_killed_while_it_trains_is_followed_by_another_that_goes_on(lived: Project, start: Any) -> None:
    first = start("loop", "--project", lived.folder, *OPTIONS, **ENVIRON)
    begun = until(lambda: [one for one in history(lived) if one.data])
    second = start("loop", "--project", lived.folder, *OPTIONS, **ENVIRON)
    assert "standing by" in _line(second)["words"]
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert history(lived)[0].result == "running"

    turn = _line(second)
    assert turn["kind"] == "done"
    assert turn["words"].startswith("Nothing scored lately. Went on with what was interrupted.")
    (record,) = history(lived)
    assert record.seq == begun[0].seq
    assert record.data["sha256"] == begun[0].data["sha256"]
    assert record.version == 2
    assert record.finished_at is not None

    second.send_signal(signal.SIGTERM)
    out, errors = second.communicate(timeout=20)
    assert (second.returncode, out) == (0, ""), errors
    assert lived.locks.holder(LEADER) is None


@pytest.mark.slow
def test_a_loop_stopped_while_it_trains_ends_well_and_is_gone_on_with(lived: Project, start: Any) -> None:
    process = start("loop", "--project", lived.folder, *OPTIONS, **ENVIRON)
    until(lambda: [one for one in history(lived) if one.data])
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    (record,) = history(lived)
    assert record.result == "interrupted"
    assert lived.locks.holder(LEADER) is None
    (turn,) = turns(replace(lived))
    assert "Went on with what was interrupted" in turn.words
    assert [one.seq for one in history(lived)] == [record.seq]


def _line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found
