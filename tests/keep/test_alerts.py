from __future__ import annotations

import math
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import IntegrityError

from riskloop.errors import Conflict, NotFound, UsageError
from riskloop.keep import tables
from riskloop.keep.alerts import Alerts, Deliveries, Pace, open_by_severity
from riskloop.keep.alerts.deliveries import CLAIM_SECONDS, MOST_ATTEMPTS
from riskloop.keep.alerts.samples import since_before
from riskloop.keep.database import migrate, open_database, writing
from riskloop.watch.alerts import Fact, Judgement, Rule, judge

RULE = Rule("low_f1", "f1", "below", 0.6, "critical")
PACE = Pace(cool_down=3_600, repeat=86_400, channels=("team",))
BAD, GOOD, DOUBTFUL = (0.3, 0.2, 0.4), (0.9, 0.8, 1.0), (0.55, 0.4, 0.7)


@pytest.fixture
def alerts(engine: Engine) -> Alerts:
    return Alerts(engine)


def seen(ends: tuple[float, float, float], rule: Rule = RULE, subject: str = "batches") -> list[Judgement]:
    return [judge(rule, Fact(rule.measure, subject, *ends, n=500, context={"version": 1}))]


def kinds(alerts: Alerts) -> list[str]:
    return [event.kind for event in reversed(alerts.events())]


def hours(many: float) -> timedelta:
    return timedelta(hours=many)


def test_an_alert_is_opened_once_and_resolved_when_it_is_over(alerts: Alerts, noon: datetime) -> None:
    first = alerts.settle(seen(BAD), noon, PACE)
    again = alerts.settle(seen(BAD), noon + hours(1), PACE)
    assert [one.rule for one in first.opened] == ["low_f1"]
    assert (again.opened, again.repeated, again.resolved) == ((), (), ())
    (held,) = alerts.list()
    assert (held.since, held.last_at, held.value, held.low) == (noon, noon + hours(1), 0.3, 0.2)
    assert held.context == {"version": 1, "n": 500}
    over = alerts.settle(seen(GOOD), noon + hours(2), PACE)
    assert [(one.alert_id, one.resolved_at) for one in over.resolved] == [(held.alert_id, noon + hours(2))]
    assert alerts.list() == ()
    assert [one.value for one in alerts.list(resolved=5)] == [0.9]
    assert kinds(alerts) == ["opened", "resolved"]


def test_what_is_not_sure_opens_none_and_ends_none(alerts: Alerts, noon: datetime) -> None:
    assert alerts.settle(seen(DOUBTFUL), noon, PACE).opened == ()
    alerts.settle(seen(BAD), noon, PACE)
    assert alerts.settle(seen(DOUBTFUL), noon + hours(1), PACE).resolved == ()
    silent = [Judgement(RULE, "batches", "not_judged", why="few")]
    assert alerts.settle(silent, noon + hours(2), PACE).resolved == ()
    assert len(alerts.list()) == 1


def test_subjects_have_alerts_of_their_own(alerts: Alerts, noon: datetime) -> None:
    alerts.settle(seen(BAD) + seen(BAD, subject="ledger"), noon, PACE)
    alerts.settle(seen(GOOD), noon, PACE)
    assert [one.subject for one in alerts.list()] == ["ledger"]


def test_a_rule_may_ask_for_several_evaluations_in_a_row(alerts: Alerts, noon: datetime) -> None:
    rule = Rule("low_f1", "f1", "below", 0.6, consecutive=3)
    told = [bool(alerts.settle(seen(BAD, rule), noon, PACE).opened) for _ in range(2)]
    alerts.settle(seen(GOOD, rule), noon, PACE)
    told += [bool(alerts.settle(seen(BAD, rule), noon, PACE).opened) for _ in range(4)]
    assert told == [False, False, False, False, True, False]
    assert len(alerts.list()) == 1


def test_a_rule_may_ask_that_it_lasts(alerts: Alerts, noon: datetime) -> None:
    rule = Rule("low_f1", "f1", "below", 0.6, lasting=1_800)
    at = [noon, noon + hours(0.4), noon + hours(0.5)]
    assert [len(alerts.settle(seen(BAD, rule), when, PACE).opened) for when in at] == [0, 0, 1]


def test_a_rule_that_is_no_more_leaves_no_alert_open(alerts: Alerts, noon: datetime) -> None:
    alerts.settle(seen(BAD), noon, PACE)
    over = alerts.settle((), noon, PACE, rules={"others"})
    assert [one.rule for one in over.resolved] == ["low_f1"]
    assert alerts.events(1)[0].note == "its rule is no more"


# Messages


def sent(engine: Engine) -> list[str]:
    return [delivery.kind for delivery in Deliveries(engine).waiting()]


def arrive(engine: Engine, at: datetime, error: str | None = None) -> int:
    deliveries = Deliveries(engine)
    claimed = deliveries.claim(at)
    for delivery, _ in claimed:
        deliveries.settle(delivery, at, error)
    return len(claimed)


def test_the_cool_down_holds_over_restarts_and_new_alerts_of_the_same(url: str, engine: Engine, noon: datetime) -> None:
    story = [(0.0, BAD), (0.1, GOOD), (0.2, BAD), (0.3, GOOD), (0.4, BAD), (0.9, BAD), (1.0, BAD)]
    told = []
    for after, ends in story:
        fresh = open_database(url)  # as another process would
        Alerts(fresh).settle(seen(ends), noon + hours(after), PACE)
        told.append(sent(fresh))
        arrive(fresh, noon + hours(after))
        fresh.dispose()
    assert told == [["opened"], ["resolved"], [], [], [], [], ["opened"]]
    assert kinds(Alerts(engine)).count("held") == 2


def test_an_open_alert_is_told_again_after_a_day_unless_somebody_looks_after_it(
    engine: Engine, alerts: Alerts, noon: datetime
) -> None:
    alerts.settle(seen(BAD), noon, PACE)
    arrive(engine, noon)
    assert alerts.settle(seen(BAD), noon + hours(23), PACE).repeated == ()
    (told,) = alerts.settle(seen(BAD), noon + hours(24), PACE).repeated
    arrive(engine, noon)
    alerts.acknowledge(told.alert_id, noon, actor="ada", reason="a late file")
    assert alerts.settle(seen(BAD), noon + hours(72), PACE).repeated == ()
    assert kinds(alerts) == ["opened", "notified", "repeated", "notified", "acknowledged"]


def test_a_rule_s_own_cool_down_and_channels_come_first(engine: Engine, alerts: Alerts, noon: datetime) -> None:
    rule = Rule("low_f1", "f1", "below", 0.6, cool_down=60, channels=("boss",))
    for after, ends in ((0, BAD), (1, GOOD), (2, BAD)):
        alerts.settle(seen(ends, rule), noon + timedelta(minutes=after), PACE)
    assert [(one.kind, one.channel) for one in Deliveries(engine).waiting()] == [
        ("opened", "boss"),
        ("resolved", "boss"),
        ("opened", "boss"),
    ]


def test_an_alert_that_nobody_could_be_told_of_is_told_once_there_is_a_channel(
    engine: Engine, alerts: Alerts, noon: datetime
) -> None:
    alerts.settle(seen(BAD), noon, Pace())
    assert sent(engine) == []
    alerts.settle(seen(BAD), noon, PACE)
    assert sent(engine) == ["opened"]


def test_a_silence_keeps_the_alert_and_sends_nothing_until_it_ends(
    engine: Engine, alerts: Alerts, noon: datetime
) -> None:
    alerts.silence("low_f1", noon, 7_200, actor="ada", reason="an upgrade")
    assert len(alerts.settle(seen(BAD), noon, PACE).opened) == 1
    alerts.settle(seen(BAD), noon + hours(1.9), PACE)
    assert sent(engine) == []
    assert [one.reason for one in alerts.silences(noon + hours(1.9))] == ["an upgrade"]
    alerts.settle(seen(BAD), noon + hours(2), PACE)
    assert sent(engine) == ["opened"]
    assert alerts.silences(noon + hours(2)) == ()
    assert kinds(alerts) == ["silenced", "opened", "silenced"]


def test_a_message_that_failed_is_tried_again_and_both_are_told(engine: Engine, alerts: Alerts, noon: datetime) -> None:
    alerts.settle(seen(BAD), noon, PACE)
    assert arrive(engine, noon, "refused") == 1
    (waiting,) = Deliveries(engine).waiting()
    assert (waiting.attempts, waiting.error) == (1, "refused")
    assert arrive(engine, noon) == 1
    assert arrive(engine, noon) == 0
    assert [(e.kind, e.note) for e in reversed(alerts.events())][1:] == [
        ("failed", "team: refused"),
        ("notified", "team: opened"),
    ]


def test_a_receiver_that_is_gone_is_given_up_on_after_many_attempts(
    engine: Engine, alerts: Alerts, noon: datetime
) -> None:
    alerts.settle(seen(BAD), noon, PACE)
    assert [arrive(engine, noon, "gone") for _ in range(MOST_ATTEMPTS + 1)] == [1] * MOST_ATTEMPTS + [0]
    assert kinds(alerts)[-1] == "given_up"


def test_a_message_whose_sender_died_is_sent_by_the_next(engine: Engine, alerts: Alerts, noon: datetime) -> None:
    alerts.settle(seen(BAD), noon, PACE)
    deliveries = Deliveries(engine)
    assert len(deliveries.claim(noon)) == 1  # and then it dies
    assert deliveries.claim(noon + timedelta(seconds=CLAIM_SECONDS - 1)) == ()
    assert len(deliveries.claim(noon + timedelta(seconds=CLAIM_SECONDS))) == 1
    assert len(deliveries.claim(noon - hours(1))) == 1, "the clock stepped back"


# People


def test_looking_after_an_alert_is_said_once_with_a_reason(alerts: Alerts, noon: datetime) -> None:
    (one,) = alerts.settle(seen(BAD), noon, PACE).opened
    with pytest.raises(UsageError, match="reason"):
        alerts.acknowledge(one.alert_id, noon, actor="ada", reason=" ")
    assert alerts.acknowledge(one.alert_id, noon, actor="ada", reason="mine").acknowledged_by == "ada"
    with pytest.raises(Conflict, match="ada"):
        alerts.acknowledge(one.alert_id, noon, actor="bob", reason="mine")
    with pytest.raises(NotFound, match="no alert 99"):
        alerts.acknowledge(99, noon, actor="ada", reason="?")
    alerts.settle(seen(GOOD), noon, PACE)
    with pytest.raises(Conflict, match="resolved"):
        alerts.acknowledge(one.alert_id, noon, actor="bob", reason="late")
    assert [(e.actor, e.note) for e in alerts.events(alert_id=one.alert_id) if e.kind == "acknowledged"] == [
        ("ada", "mine")
    ]


def test_a_pending_alert_is_none_yet(engine: Engine, alerts: Alerts, noon: datetime) -> None:
    alerts.settle(seen(BAD, Rule("low_f1", "f1", "below", 0.6, consecutive=2)), noon, PACE)
    assert (alerts.list(), set(open_by_severity(engine).values())) == ((), {0})
    with pytest.raises(NotFound):
        alerts.acknowledge(1, noon, actor="ada", reason="early")


def test_the_gravest_comes_first_and_is_counted(engine: Engine, alerts: Alerts, noon: datetime) -> None:
    mild = Rule("mild", "f1", "below", 0.6, "info")
    alerts.settle(seen(BAD, mild) + seen(BAD), noon, PACE)
    assert [one.severity for one in alerts.list()] == ["critical", "info"]
    assert open_by_severity(engine) == {"info": 1, "warning": 0, "critical": 1}


# Time and others

_FRESH = count()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One store for many examples, each with a subject of its own."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('alerts') / 'a.db'}")
    migrate(engine)
    yield engine
    engine.dispose()


@examples(max_examples=40, phases=[Phase.explicit, Phase.generate])
@given(st.lists(st.tuples(st.integers(-200, 200), st.sampled_from([BAD, BAD, GOOD, DOUBTFUL])), max_size=12))
def test_messages_never_come_faster_than_allowed_whatever_the_clock_does(
    store: Engine, steps: list[tuple[int, tuple[float, float, float]]]
) -> None:
    alerts, at = Alerts(store), datetime.fromisoformat("2026-11-21T12:00:00Z")
    passed, subject = math.inf, str(next(_FRESH))
    for minutes, ends in steps:
        at += timedelta(minutes=minutes)
        passed += max(minutes, 0)
        before = {one.seq for one in Deliveries(store).waiting()}
        alerts.settle(seen(ends, subject=subject), at, PACE)
        new = [one for one in Deliveries(store).waiting() if one.seq not in before and one.kind != "resolved"]
        if new:
            assert passed >= 60
            passed = 0.0
        held = [one for one in alerts.list() if one.subject == subject]
        assert len(held) <= 1
        assert all(one.since <= at and (one.notified_at is None or one.notified_at <= at) for one in held)
        arrive(store, at)


def test_a_clock_that_was_years_ahead_silences_nobody_for_years(engine: Engine, alerts: Alerts, noon: datetime) -> None:
    ahead = noon + timedelta(days=3_650)
    alerts.silence("low_f1", ahead, 3_600, actor="ada", reason="an upgrade")
    alerts.settle(seen(BAD), ahead, PACE)
    alerts.settle(seen(BAD), noon, PACE)
    assert sent(engine) == [], "the silence has its hour from now on"
    alerts.settle(seen(BAD), noon + hours(1), PACE)
    assert sent(engine) == ["opened"]
    arrive(engine, noon + hours(1))
    alerts.settle(seen(BAD), ahead, PACE)  # told again, in ten years
    arrive(engine, ahead)
    assert [len(alerts.settle(seen(BAD), noon + hours(h), PACE).repeated) for h in (2, 25, 26)] == [0, 0, 1]


EVALUATORS = """
import random, sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from riskloop.keep.alerts import Alerts, Deliveries, Pace
from riskloop.keep.database import open_database
from riskloop.watch.alerts import Fact, Rule, judge
engine = open_database(sys.argv[1])
alerts, deliveries = Alerts(engine), Deliveries(engine)
at, rule = datetime.fromisoformat("2026-11-21T12:00:00Z"), Rule("low_f1", "f1", "below", 0.6)
def evaluate(seed):
    rng = random.Random(seed)
    for _ in range(6):
        for subject in ("batches", "ledger"):
            value = rng.choice([0.2, 0.2, 0.9])
            alerts.settle([judge(rule, Fact("f1", subject, value))], at, Pace(0, 0, ("team",)))
        for delivery, _alert in deliveries.claim(at):
            print(f"sent {delivery.seq}\\n", end="", flush=True)
            deliveries.settle(delivery, at, None)
print("ready", flush=True)
sys.stdin.read(1)
with ThreadPoolExecutor(4) as pool:
    list(pool.map(evaluate, range(int(sys.argv[2]), int(sys.argv[2]) + 4)))
"""


def test_eight_evaluators_at_once_never_open_two_alerts_of_the_same_nor_send_one_twice(
    url: str, engine: Engine, let_go: Callable[..., None]
) -> None:
    command = [sys.executable, "-c", EVALUATORS, url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    children = [subprocess.Popen([*command, str(seed)], **pipes) for seed in (0, 4)]  # type: ignore[call-overload]
    let_go(*children)
    answers = [child.communicate() for child in children]
    assert [child.returncode for child in children] == [0, 0], answers
    seqs = [line for out, _ in answers for line in out.splitlines() if line.startswith(b"sent")]
    assert len(seqs) == len(set(seqs)) > 0
    a = tables.alerts.c
    unresolved = select(func.count()).where(a.resolved_at.is_(None)).group_by(a.rule, a.subject)
    with engine.connect() as connection:
        assert set(connection.scalars(unresolved)) <= {1}
        events = tables.alert_events.c
        story = connection.execute(
            select(events.subject, events.kind).where(events.kind.in_(("opened", "resolved"))).order_by(events.seq)
        ).all()
    for subject in ("batches", "ledger"):
        told = [kind for where, kind in story if where == subject]
        assert told == ["opened", "resolved"] * (len(told) // 2) + ["opened"] * (len(told) % 2)


def test_the_database_itself_refuses_a_second_one(engine: Engine, alerts: Alerts, noon: datetime) -> None:
    alerts.settle(seen(BAD), noon, PACE)
    with engine.connect() as connection:
        row = connection.execute(select(tables.alerts)).one()._asdict() | {"alert_id": 99}

    def second() -> None:
        with writing(engine) as connection:
            connection.execute(insert(tables.alerts).values(row))

    with pytest.raises(IntegrityError):
        second()


# Counts of a service


def test_counts_are_those_of_about_a_window(engine: Engine, noon: datetime) -> None:
    def at(minutes: float, requests: float) -> float:
        when = noon + timedelta(minutes=minutes)
        return since_before(engine, "a", {"requests": requests}, when, 900)["requests"]

    assert [at(0, 100), at(5, 150), at(10, 200), at(20, 300), at(40, 500)] == [100, 50, 100, 150, 200]
    assert at(45, 30) == 30, "it was started anew"
    assert at(-60, 40) == 40, "the clock stepped back"


def test_services_do_not_mix(engine: Engine, noon: datetime) -> None:
    since_before(engine, "a", {"requests": 100}, noon, 900)
    assert since_before(engine, "b", {"requests": 7}, noon, 900) == {"requests": 7}
    rng = random.Random(0)
    for minute in range(100):
        since_before(engine, "a", {"requests": 100 + minute + rng.random()}, noon + timedelta(minutes=minute), 900)
    with engine.connect() as connection:
        kept = connection.scalar(select(func.count()).select_from(tables.alert_samples))
    assert kept is not None
    assert kept < 20
