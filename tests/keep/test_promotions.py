from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from riskloop.errors import BundleRefused, Conflict, GateRefused, NotFound, Unavailable, UsageError
from riskloop.keep.chain import Event, Promotion
from riskloop.keep.database import open_database, writing
from riskloop.keep.promotions import Promotions
from riskloop.keep.versions import Status, Version, Versions

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
WHY: dict[str, Any] = {"actor": "ana", "reason": "cheaper by 12 per 1,000"}


def version(number: int, status: Status = "accepted") -> Version:
    gate = [{"name": "beats-trivial", "passed": status == "accepted"}]
    return Version(number, "churn", f"digest-{number}", f"{number}", NOON, status, gate=gate)


@pytest.fixture
def log(engine: Engine) -> Promotions:
    """A log beside versions 1 to 4, of which the gate refused version 4."""
    for number in (1, 2, 3):
        Versions(engine).add(version(number))
    Versions(engine).add(version(4, "refused"))
    return Promotions(engine)


@pytest.fixture
def lead(log: Promotions) -> Callable[..., Promotion]:
    return lambda number, hour=0: log.promote(number, f"digest-{number}", at=NOON + timedelta(hours=hour), **WHY)


Lead = Callable[..., Promotion]


def test_a_promoted_version_leads_and_the_one_before_is_previous(log: Promotions, lead: Lead) -> None:
    lead(1)
    event = lead(2)
    state = log.state()
    assert (state.champion, state.previous, state.head_seq) == (2, 1, 2)
    assert (event.kind, event.previous_version, event.actor, event.at) == ("promoted", 1, "ana", NOON)
    assert log.head_seq() == 2


def test_an_empty_log_has_nobody_in_charge(log: Promotions) -> None:
    assert (log.state().champion, log.head_seq(), log.head().seq, log.verify().ok) == (None, 0, 0, True)


def test_promoting_the_champion_again_is_a_conflict(log: Promotions, lead: Lead) -> None:
    lead(1)
    with pytest.raises(Conflict, match="champion already"):
        lead(1)


def test_a_refused_version_does_not_lead(log: Promotions, lead: Lead) -> None:
    with pytest.raises(GateRefused, match="version 4") as refusal:
        lead(4)
    assert refusal.value.details["failed"] == [{"name": "beats-trivial", "passed": False}]
    assert log.events() == ()


def test_a_refused_version_leads_by_a_logged_override_with_a_reason(log: Promotions) -> None:
    with pytest.raises(UsageError, match="reason"):
        log.promote(4, "digest-4", actor="ana", reason="  ", at=NOON, override=True)
    event = log.promote(4, "digest-4", at=NOON, override=True, **WHY)
    assert (event.kind, log.state().champion) == ("overridden", 4)


def test_an_override_that_was_not_needed_is_an_ordinary_promotion(log: Promotions) -> None:
    assert log.promote(1, "digest-1", at=NOON, override=True, **WHY).kind == "promoted"


def test_an_unknown_version_and_an_altered_bundle_do_not_lead(log: Promotions) -> None:
    with pytest.raises(NotFound, match="1, 2, 3, 4"):
        log.promote(9, "digest-9", at=NOON, **WHY)
    with pytest.raises(BundleRefused):
        log.promote(1, "digest-altered", at=NOON, **WHY)


def test_each_rollback_goes_one_champion_further_back(log: Promotions, lead: Lead) -> None:
    for number in (1, 2, 3):
        lead(number)
    assert log.rollback(at=NOON, **WHY).version == 2
    assert log.rollback(at=NOON, **WHY).version == 1
    with pytest.raises(NotFound, match="no previous"):
        log.rollback(at=NOON, **WHY)
    assert log.state().champion == 1


def test_rollback_to_a_named_version_goes_straight_there(log: Promotions, lead: Lead) -> None:
    for number in (1, 2, 3):
        lead(number)
    event = log.rollback(1, at=NOON, **WHY)
    assert (event.kind, event.digest, event.previous_version) == ("rolled_back", "digest-1", 3)
    assert (log.state().champion, log.state().previous) == (1, None)


def test_rollback_never_activates_a_version_that_the_gate_refused(log: Promotions, lead: Lead) -> None:
    lead(1)
    log.promote(4, "digest-4", at=NOON, override=True, **WHY)
    lead(2)
    for target in (None, 4):
        with pytest.raises(GateRefused):
            log.rollback(target, at=NOON, **WHY)
    assert log.rollback(1, at=NOON, **WHY).version == 1


def test_rollback_to_one_that_never_led_or_leads_is_refused(log: Promotions, lead: Lead) -> None:
    lead(1)
    lead(2)
    with pytest.raises(NotFound, match="never been the champion"):
        log.rollback(3, at=NOON, **WHY)
    with pytest.raises(Conflict):
        log.rollback(2, at=NOON, **WHY)


def test_a_challenger_is_named_and_withdrawn(log: Promotions, lead: Lead) -> None:
    lead(1)
    log.challenge(2, at=NOON, **WHY)
    assert log.state().challenger == 2
    with pytest.raises(GateRefused):
        log.challenge(4, at=NOON, **WHY)
    log.withdraw(at=NOON, **WHY)
    assert log.state().challenger is None
    with pytest.raises(NotFound):
        log.withdraw(at=NOON, **WHY)


@pytest.fixture
def four_eyes(log: Promotions, engine: Engine) -> Promotions:
    return Promotions(engine, require_approval=True)


def test_under_four_eyes_a_promotion_waits_for_a_second_person(four_eyes: Promotions) -> None:
    asked = four_eyes.promote(1, "digest-1", at=NOON, **WHY)
    assert (asked.kind, four_eyes.state().champion) == ("requested", None)
    assert [request.seq for request in four_eyes.pending()] == [asked.seq]
    event = four_eyes.approve(asked.seq, approver="bo", at=NOON)
    assert (event.kind, event.actor, event.approver, event.details["request"]) == ("promoted", "ana", "bo", 1)
    assert (four_eyes.state().champion, four_eyes.pending()) == (1, ())


def test_nobody_approves_their_own_request(four_eyes: Promotions) -> None:
    asked = four_eyes.promote(1, "digest-1", at=NOON, **WHY)
    with pytest.raises(GateRefused):
        four_eyes.approve(asked.seq, approver=" Ana", at=NOON)
    with pytest.raises(GateRefused):
        four_eyes.promote(1, "digest-1", at=NOON, approver="ana", **WHY)
    assert four_eyes.state().champion is None


def test_a_promotion_that_names_its_second_person_leads_at_once(four_eyes: Promotions) -> None:
    assert four_eyes.promote(1, "digest-1", at=NOON, approver="bo", **WHY).kind == "promoted"


def test_a_request_is_settled_once(four_eyes: Promotions) -> None:
    asked = four_eyes.promote(1, "digest-1", at=NOON, **WHY)
    four_eyes.reject(asked.seq, approver="bo", reason="not before the audit", at=NOON)
    with pytest.raises(Conflict, match="settled"):
        four_eyes.approve(asked.seq, approver="bo", at=NOON)
    with pytest.raises(NotFound):
        four_eyes.approve(99, approver="bo", at=NOON)


def test_a_request_does_not_outlive_the_champion_it_was_made_against(four_eyes: Promotions, lead: Lead) -> None:
    asked = four_eyes.promote(1, "digest-1", at=NOON, **WHY)
    lead(2)
    with pytest.raises(Conflict, match="changed since"):
        four_eyes.approve(asked.seq, approver="bo", at=NOON)


def test_a_requested_override_is_an_override_when_approved(four_eyes: Promotions) -> None:
    with pytest.raises(GateRefused):
        four_eyes.promote(4, "digest-4", at=NOON, **WHY)
    asked = four_eyes.promote(4, "digest-4", at=NOON, override=True, **WHY)
    assert four_eyes.approve(asked.seq, approver="bo", at=NOON).kind == "overridden"


def test_history_is_not_written_backwards(log: Promotions, lead: Lead) -> None:
    lead(1)
    lead(2, hour=-0.01)
    with pytest.raises(Conflict, match="dated"):
        lead(3, hour=-1)


def test_a_caller_who_decided_on_an_older_log_is_refused(log: Promotions, lead: Lead) -> None:
    lead(1)
    with pytest.raises(Conflict, match="moved on"):
        log.promote(2, "digest-2", at=NOON, expected_head=0, **WHY)
    assert log.promote(2, "digest-2", at=NOON, expected_head=1, **WHY).seq == 2


_REPLACING = {"OR": " ON CONFLICT (seq) DO UPDATE SET actor = 'mallory'"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE promotions SET actor = 'mallory'",
        "DELETE FROM promotions WHERE seq = 2",
        "INSERT OR REPLACE INTO promotions SELECT * FROM promotions WHERE seq = 1",
    ],
)
def test_the_database_itself_refuses_to_change_the_log(
    log: Promotions, lead: Lead, engine: Engine, statement: str
) -> None:
    if engine.dialect.name == "postgresql":
        statement = statement.replace("INSERT OR REPLACE", "INSERT") + _REPLACING.get(statement.split()[1], "")
    lead(1)
    lead(2)
    with pytest.raises(IntegrityError, match="append-only"), writing(engine) as connection:
        connection.execute(text(statement))
    assert log.verify().ok


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE promotions SET reason = 'none of your business' WHERE seq = 2", 2),
        ("DELETE FROM promotions WHERE seq = 1", 1),
        ("UPDATE promotions SET details = '{\"x\": 1}' WHERE seq = 3", 3),
    ],
)
def test_what_gets_past_the_triggers_shows_in_the_chain(
    log: Promotions, lead: Lead, engine: Engine, statement: str, broken: int
) -> None:
    for number in (1, 2, 3):
        lead(number)
    _without_triggers(engine, statement)
    result = log.verify()
    assert (result.ok, result.first_broken_seq) == (False, broken)


def test_a_cut_tail_shows_against_the_head_that_was_kept(log: Promotions, lead: Lead, engine: Engine) -> None:
    lead(1)
    lead(2)
    kept = log.head()
    _without_triggers(engine, "DELETE FROM promotions WHERE seq = 2")
    assert log.verify().ok
    assert not log.verify(kept).ok


def test_any_event_can_be_appended_and_comes_back_as_it_was(log: Promotions) -> None:
    details = {"cost": 0.1 + 0.2, "who": "José", "list": [1, None, True]}
    appended = log.append(Event("challenged", 2, "digest-2", "ana", "try it", NOON, details=details))
    assert log.events() == (appended,)
    assert appended.details == details


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_database_without_tables_is_unavailable(url: str) -> None:
    engine = open_database(url)
    with pytest.raises(Unavailable):
        Promotions(engine).head_seq()
    engine.dispose()


_CHILD = """
import os, sys
from datetime import UTC, datetime
from riskloop.errors import Conflict
from riskloop.keep.database import open_database
from riskloop.keep.promotions import Promotions

url, actor = sys.argv[1:]
log = Promotions(open_database(url))
os.write(1, b"ready\\n")
os.read(0, 2)
done = 0
for number in range(100):
    version = number % 3 + 1
    try:
        log.promote(version, f"digest-{version}", actor=actor, reason="race", at=datetime.now(UTC))
        done += 1
    except Conflict as conflict:
        assert "champion already" in conflict.message, conflict
print(done)
"""


def test_two_processes_that_promote_at_once_make_one_unbroken_history(
    log: Promotions, url: str, let_go: Callable[..., None]
) -> None:
    with _child(url, "ana") as ana, _child(url, "bo") as bo:
        let_go(ana, bo)
        done = {"ana": int(ana.communicate(timeout=60)[0]), "bo": int(bo.communicate(timeout=60)[0])}
    events = log.events()
    assert {actor: sum(event.actor == actor for event in events) for actor in done} == done
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert all(after.previous_version == before.version for before, after in pairwise(events))
    assert log.verify().ok


def _child(url: str, actor: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _CHILD, url, actor]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _without_triggers(engine: Engine, statement: str) -> None:
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE promotions DISABLE TRIGGER USER"))
        else:
            for name in ("update", "delete", "replace"):
                connection.execute(text(f"DROP TRIGGER promotions_no_{name}"))
        connection.execute(text(statement))
