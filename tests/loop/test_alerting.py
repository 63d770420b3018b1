from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from aiosmtpd.controller import Controller

from riskloop.errors import ConfigError, NotFound, UsageError
from riskloop.keep.ledger import Prediction
from riskloop.loop.notifying import Channel, Message, channel, secret
from riskloop.loop.project import Project
from riskloop.loop.watching.facts import of_ledger, of_service
from riskloop.loop.watching.monitored import Monitored
from riskloop.loop.watching.service import counts_of
from riskloop.loop.workflows.alerting import (
    acknowledge_alert,
    alert_history,
    alert_monitored,
    evaluate_alerts,
    list_alerts,
    silence_rule,
    try_channels,
)
from riskloop.loop.workflows.monitor import monitor_batch
from riskloop.settings.of_alerts import AlertsSection
from riskloop.watch.alerts import DEFAULTS, Fact, judge_all

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
FALLEN = Fact("roc_auc_change", "batches", -0.09, -0.12, -0.06, 800, {"version": 1, "report": "/r/drift.html"})


class Receiver:
    """A web service that takes what is posted, or refuses it."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.answer, self.told, self.authorization = 200, "", ""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.answer == 200:
                    receiver.taken.append(json.loads(body))
                self.send_response(receiver.answer)
                self.end_headers()
                self.wfile.write(b"ok")

            def do_GET(self) -> None:
                receiver.authorization = self.headers["Authorization"]
                self.send_response(200)
                self.end_headers()
                self.wfile.write(receiver.told.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"json://127.0.0.1:{self._server.server_port}/hook"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Mailbox:
    """What a mail server was given."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - its face
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def mail() -> Iterator[tuple[Mailbox, str]]:
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield box, f"mailto://riskloop@example.org:{port}?smtp=127.0.0.1&mode=insecure&to=team@example.org"
    server.stop()


@pytest.fixture
def watched(trained: Project) -> Callable[..., Project]:
    """The trained project with settings of alerts, at a fixed time."""

    def make(at: datetime = NOON, **said: Any) -> Project:
        alerts = AlertsSection.model_validate(said)
        settings = trained.settings.model_copy(update={"alerts": alerts})
        return replace(trained, settings=settings, clock=lambda: at)

    return make


def _opened(project: Project, *facts: Fact) -> list[str]:
    return [one.rule for one in evaluate_alerts(project, facts).opened]


def test_what_was_judged_is_kept_for_dashboards(watched: Callable[..., Project]) -> None:
    evaluate_alerts(watched(), [FALLEN])
    (kept,) = [one for one in watched().measures.all() if one.measure == "roc_auc_change"]
    assert (kept.subject, kept.value, kept.high, kept.at) == ("batches", -0.09, -0.06, NOON)


# Founding cases


def _founding(project: Project, simulated: Path, tmp_path: Path) -> Monitored:
    """Customers who have come to behave otherwise, and pay half as much again."""
    frame = pl.read_csv(project.source.path, infer_schema=False).tail(800)
    moved = frame.with_columns(
        (pl.col("monthly_charge").cast(pl.Float64) * 1.5).round(2).cast(pl.String),
        age=pl.lit("77"),
        plan=pl.lit("premium"),
        churned=pl.when(pl.int_range(pl.len()) % 9 == 0).then(pl.lit("yes")).otherwise(pl.lit("no")),
    )
    moved.write_csv(tmp_path / "strong.csv")
    return monitor_batch(project, str(tmp_path / "strong.csv"))


def test_a_batch_like_the_founding_project_s_strong_one_raises_its_alerts(
    watched: Callable[..., Project], simulated: Path, tmp_path: Path
) -> None:
    project = watched()
    found = alert_monitored(project, _founding(project, simulated, tmp_path), "/r/drift.html")
    opened = {one.rule for one in found.opened}
    assert opened >= {"drifted_columns", "drift", "roc_auc_down", "accuracy_down"}
    silent = {one.rule.name: one.why for one in found.not_judged}
    assert silent["low_accuracy"] == silent["low_f1"] == "not_promised", "it acts on most, and always said so"
    assert found.open[0].severity == "critical"
    names = next(one for one in found.opened if one.rule == "drifted_columns").context["names"]
    assert {"monthly_charge", "age", "plan"} <= set(names)
    again = alert_monitored(project, _founding(project, simulated, tmp_path))
    assert (again.opened, again.resolved) == ((), ())
    assert len(again.open) == len(opened)


def test_a_batch_like_those_before_raises_none_and_ends_what_was_open(
    watched: Callable[..., Project], simulated: Path, tmp_path: Path
) -> None:
    project = watched()
    alert_monitored(project, _founding(project, simulated, tmp_path))
    january = monitor_batch(project, str(simulated / "batches" / "january.csv"))
    assert january.drift.verdict != "drifted"
    found = alert_monitored(project, january)
    assert {one.rule for one in found.resolved} >= {"drifted_columns", "drift"}
    silent = {one.rule.name: one.why for one in found.not_judged}
    assert silent["p99_latency"] == "no_fact"
    assert silent["challenger_guardrail"] == "no_fact"


def test_other_versions_than_the_champion_have_alerts_of_their_own(
    watched: Callable[..., Project], simulated: Path, tmp_path: Path
) -> None:
    project = watched()
    found = _founding(project, simulated, tmp_path)
    other = replace(found, version=project.versions.get(2))
    assert {one.subject for one in alert_monitored(project, other).opened} == {"batches of version 2"}


# The ledger


def _predictions(project: Project, latencies: list[float], at: datetime = NOON, arm: str = "champion") -> None:
    project.ledger.append(
        [
            Prediction(
                f"{arm}-{at}-{place}", at, "churn", 1, "d", 0.5, "act", {}, arm=arm, latency_ms=one, entity_id="c"
            )
            for place, one in enumerate(latencies)
        ]
    )


def _facts(project: Project, at: datetime = NOON, **more: Any) -> dict[str, Fact]:
    return {one.measure: one for one in of_ledger(project.engine, at, 900, **more)}


def test_latency_is_the_99th_percentile_of_lately_with_its_interval(watched: Callable[..., Project]) -> None:
    project = watched()
    _predictions(project, [float(one) for one in range(1, 1_001)], NOON - timedelta(minutes=5))
    _predictions(project, [9_999.0] * 50, NOON - timedelta(minutes=16))
    _predictions(project, [9_999.0] * 50, NOON - timedelta(minutes=1), arm="shadow")
    fact = _facts(project)["latency_p99"]
    assert (fact.value, fact.n) == (990, 1_000)
    assert fact.low == 983
    assert fact.high == 997
    assert _opened(project) == ["p99_latency"]


def test_a_slow_request_or_two_wake_nobody(watched: Callable[..., Project]) -> None:
    project = watched()
    _predictions(project, [10.0] * 200 + [900.0] * 3)
    fact = _facts(project)["latency_p99"]
    assert fact.value == 900
    assert fact.low == 10
    assert _opened(project) == []


def test_no_traffic_is_an_alert_only_where_there_was_some_lately(watched: Callable[..., Project]) -> None:
    project = watched()
    assert "predictions" not in _facts(project)
    _predictions(project, [5.0] * 3, NOON - timedelta(hours=2))
    assert _opened(project) == ["no_traffic"]
    assert _facts(project, NOON + timedelta(days=8)) == {}
    _predictions(project, [5.0], NOON)
    assert [one.rule for one in evaluate_alerts(project).resolved] == ["no_traffic"]


def test_outcomes_that_are_due_and_do_not_come_are_an_alert(watched: Callable[..., Project]) -> None:
    project = watched(outcomes_due=30)
    _predictions(project, [5.0] * 40, NOON - timedelta(days=31))
    fact = _facts(project, outcomes_due=30)["label_completeness"]
    assert (fact.value, fact.n) == (0, 40)
    assert "few_outcomes" in _opened(project)
    assert "label_completeness" not in _facts(project)


# The service


def test_errors_of_a_service_are_those_of_lately() -> None:
    lately, totals = {"requests": 1_000.0, "errors": 30.0, "lost": 0.0}, {"lost": 2.0}
    judged = judge_all(DEFAULTS.values(), list(of_service(lately, totals)))
    assert {one.rule.name for one in judged if one.status == "firing"} == {"errors", "ledger_losses"}
    few = list(of_service({"requests": 10.0, "errors": 5.0, "lost": 0.0}, {"lost": 0.0}))
    assert [one.status for one in judge_all([DEFAULTS["errors"]], few)] == ["not_judged"]
    none = list(of_service({"requests": 0.0, "errors": 0.0, "lost": 0.0}, {"lost": 0.0}))
    assert [one.status for one in judge_all([DEFAULTS["errors"]], none)] == ["not_judged"]


EXPOSITION = """
# TYPE riskloop_requests counter
riskloop_requests_total{method="POST",route="/predict",status="200"} 180.0
riskloop_requests_total{method="POST",route="/predict",status="503"} 15.0
riskloop_requests_total{method="POST",route="/predict",status="422"} 5.0
riskloop_requests_total{method="GET",route="/ready",status="503"} 900.0
# TYPE riskloop_ledger_lost counter
riskloop_ledger_lost_total 2.0
# TYPE riskloop_model_info gauge
riskloop_model_info{alias="champion",digest="d",name="churn",version="1"} 1.0
riskloop_model_info{alias="champion",digest="d",name="old",version="1"} 0.0
"""


def test_faults_of_the_service_count_and_mistakes_of_callers_and_probes_do_not(
    watched: Callable[..., Project], receiver: Receiver
) -> None:
    receiver.told = EXPOSITION
    address = receiver.address.removesuffix("/hook").replace("json", "http")
    counts = counts_of(address, "rk_secret")
    assert counts.totals == {"requests": 200, "errors": 15, "lost": 2}
    assert counts.names == {"churn"}
    assert receiver.authorization == "Bearer rk_secret"
    assert set(_opened(watched(service=address))) == {"errors", "ledger_losses"}


def test_a_service_that_runs_is_asked_and_another_project_s_is_not_believed(
    trained: Project, serve_project: Any, tmp_path: Path
) -> None:
    with serve_project(trained.folder) as client:
        assert client.post("/predict", json={}).status_code == 422
        assert counts_of(str(client.base_url)).totals == {"requests": 1, "errors": 0, "lost": 0}
        port = client.base_url.port
        serving = trained.settings.serving.model_copy(update={"port": port})
        ours = replace(trained, settings=trained.settings.model_copy(update={"serving": serving}))
        theirs = replace(ours, settings=ours.settings.model_copy(update={"project": "other"}))
        told = [{one.rule.name: one.why for one in evaluate_alerts(who).not_judged} for who in (ours, theirs)]
    assert "ledger_losses" not in told[0]
    assert told[0]["errors"] == "few"
    assert told[1]["ledger_losses"] == told[1]["errors"] == "no_fact"


def test_a_service_that_was_named_and_does_not_answer_is_an_alert_the_second_time(
    watched: Callable[..., Project],
) -> None:
    project = watched(service="http://127.0.0.1:9")
    first, second = evaluate_alerts(project), evaluate_alerts(project)
    assert (first.opened, [one.rule for one in second.opened]) == ((), ["service_away"])
    assert "riskloop serve" in first.notes[0]


# Messages


def test_a_webhook_gets_what_happened_how_large_and_what_to_do(
    watched: Callable[..., Project], receiver: Receiver
) -> None:
    project = watched(channels={"team": receiver.address})
    found = evaluate_alerts(project, [FALLEN])
    assert [one.delivered_at for one in found.deliveries] == [NOON]
    (taken,) = receiver.taken
    assert taken["title"] == "[critical] churn: Change of the ROC-AUC, beside what was promised: -9.0% [-12.0%, -6.0%]"
    for words in ("alert at or below -5.0%", "version 1", "800", "2026-11-21", "/r/drift.html", "What to do"):
        assert words in taken["message"]
    assert "riskloop alerts ack 1" in taken["message"]
    assert taken["type"] == "failure"
    assert "apprise" not in json.dumps(taken).lower()
    assert evaluate_alerts(project, [FALLEN]).deliveries == ()
    over = evaluate_alerts(project, [replace(FALLEN, value=0.0, low=-0.01, high=0.01)])
    assert [one.kind for one in over.deliveries] == ["resolved"]
    assert receiver.taken[-1]["title"].startswith("[resolved]")
    assert receiver.taken[-1]["type"] == "success"


def test_a_mail_arrives_in_french(watched: Callable[..., Project], mail: tuple[Mailbox, str]) -> None:
    box, address = mail
    project = watched(channels={"mail": address}, language="fr")
    found = evaluate_alerts(project, [FALLEN])
    assert [one.error for one in found.deliveries] == [None]
    ((recipients, received),) = box.mails
    assert recipients == ["team@example.org"]
    assert "critique" in received["Subject"]
    text = received.get_body().get_content()
    for words in ("Que faire", "-9,0", "le dernier lot", "riskloop alerts ack"):
        assert words in text
    assert "apprise" not in received.as_string().lower()


def test_a_link_leads_to_the_service_where_people_reach_it(watched: Callable[..., Project], receiver: Receiver) -> None:
    project = watched(channels={"team": receiver.address})
    serving = project.settings.serving.model_copy(update={"public_url": "https://risk.example.org/"})
    evaluate_alerts(replace(project, settings=project.settings.model_copy(update={"serving": serving})), [FALLEN])
    assert "https://risk.example.org/alerts" in receiver.taken[0]["message"]


def test_a_failed_message_is_told_and_sent_at_the_next_evaluation(
    watched: Callable[..., Project], receiver: Receiver
) -> None:
    project = watched(channels={"team": receiver.address})
    receiver.answer = 500
    (failed,) = evaluate_alerts(project, [FALLEN]).deliveries
    assert failed.delivered_at is None
    assert "500" in str(failed.error)
    assert [one.channel for one in list_alerts(project).waiting] == ["team"]
    receiver.answer = 200
    (sent,) = evaluate_alerts(project).deliveries
    assert (sent.seq, sent.attempts, sent.delivered_at) == (failed.seq, 2, NOON)
    assert [one.kind for one in alert_history(project, 10)] == ["notified", "failed", "opened"]


def test_a_channel_that_fails_keeps_no_other_from_getting_it(
    watched: Callable[..., Project], receiver: Receiver
) -> None:
    project = watched(channels={"away": "json://127.0.0.1:9/hook", "secret": "env:NOT_SET", "team": receiver.address})
    found = {one.channel: one.error for one in evaluate_alerts(project, [FALLEN]).deliveries}
    assert found["team"] is None
    assert found["away"]
    assert "NOT_SET is not set" in str(found["secret"])
    assert len(receiver.taken) == 1


def test_a_test_message_says_what_came_of_it(watched: Callable[..., Project], receiver: Receiver) -> None:
    tried = try_channels(watched(channels={"team": receiver.address, "away": "json://127.0.0.1:9/x"}))
    assert [(one.channel, one.error is None) for one in tried] == [("team", True), ("away", False)]
    assert receiver.taken[0]["title"].startswith("[test] churn")
    with pytest.raises(NotFound, match="no channel"):
        try_channels(watched())


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("json://127.0.0.1/x\n")
    assert channel("team", "env:HOOK", {"HOOK": "json://h/y"}).address == "json://h/y"
    assert channel("team", f"file:{tmp_path / 'hook'}").address == "json://127.0.0.1/x"
    for said in ("env:HOOK", f"file:{tmp_path / 'gone'}"):
        with pytest.raises(ConfigError) as caught:
            secret(said, "alerts.channels.team", {})
        assert caught.value.next_step


def test_no_secret_of_an_address_shows_in_what_went_wrong() -> None:
    hidden = Channel("team", "json://user:hunter2secret@127.0.0.1:9/T0KEN-PATH")
    error = hidden.send(Message("t", "b"), "info")
    assert error
    assert "hunter2secret" not in error + repr(hidden)
    assert "T0KEN-PATH" not in error + repr(hidden)
    assert "none that Apprise knows" in str(Channel("team", "nonsense://hunter2secret").send(Message("t", "b"), "info"))


# People


def test_a_silenced_rule_sends_nothing_and_a_misspelt_one_is_named(
    watched: Callable[..., Project], receiver: Receiver
) -> None:
    project = watched(channels={"team": receiver.address})
    with pytest.raises(NotFound, match="did you mean 'roc_auc_down'"):
        silence_rule(project, "roc_auc_dwn", "2h", "an upgrade")
    with pytest.raises(UsageError, match="2h"):
        silence_rule(project, "roc_auc_down", "soon", "an upgrade")
    assert silence_rule(project, "roc_auc_down", "2h", "an upgrade").until == NOON + timedelta(hours=2)
    assert len(evaluate_alerts(project, [FALLEN]).opened) == 1
    assert receiver.taken == []
    assert [one.actor for one in list_alerts(project).silences] == ["ada"]
    evaluate_alerts(replace(project, clock=lambda: NOON + timedelta(hours=2)), [FALLEN])
    assert len(receiver.taken) == 1


def test_who_looks_after_an_alert_is_kept(watched: Callable[..., Project]) -> None:
    project = watched()
    evaluate_alerts(project, [FALLEN])
    assert acknowledge_alert(project, 1, "a late file").acknowledged_by == "ada"
    assert alert_history(project, 1)[0].note == "a late file"


def test_rules_of_one_s_own_and_rules_switched_off(watched: Callable[..., Project]) -> None:
    rules = {"roc_auc_down": False, "mine": {"measure": "roc_auc_change", "comparison": "below", "threshold": -0.01}}
    project = watched(rules=rules)
    assert _opened(project, FALLEN) == ["mine"]
    assert _opened(watched(rules={"roc_auc_down": False}), FALLEN) == []
    assert list_alerts(project).alerts[0].resolved_at is not None, "its rule is no more"


def test_monitoring_goes_on_where_alerts_cannot(
    watched: Callable[..., Project], simulated: Path, tmp_path: Path
) -> None:
    project = watched()
    found = _founding(project, simulated, tmp_path)
    with project.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alert_silences")
    assert "alerts were not evaluated" in alert_monitored(project, found).notes[0]
