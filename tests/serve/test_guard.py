from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from riskloop.keep.access import Access, Role
from riskloop.serve.guard import Bucket
from riskloop.serve.session import Session, Sessions, shared_secret
from tests.serve.test_predictions import problem

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
Holder = Callable[..., httpx.Client]


@pytest.fixture
def access(project: Any) -> Access:
    return Access(project.engine)


@pytest.fixture
def holding(project: Any, serve: Any, access: Access) -> Holder:
    """A client that holds a key of a role."""

    def client(role: Role, **more: object) -> httpx.Client:
        _, token = access.add(f"the {role}", role, NOW)
        made: httpx.Client = serve(project.config(**more))
        made.headers["Authorization"] = f"Bearer {token}"
        return made

    return client


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


SAID = {"reason": "better"}


def allowed(client: httpx.Client, envelope: dict[str, Any]) -> dict[str, int]:
    outcome = {"id": "C-1", "outcome": True, "observed_at": "2026-11-20T00:00:00Z"}
    return {
        "read": client.get("/model").status_code,
        "score": client.post("/predict", json=envelope).status_code,
        "tell": client.post("/outcomes", json=outcome).status_code,
        "promote": client.post("/models/2/promote", json=SAID).status_code,
        "watch": client.get("/metrics").status_code,
    }


def test_without_keys_a_service_on_this_machine_asks_for_none(client, envelope):
    assert client.post("/predict", json=envelope).status_code == 200
    assert client.get("/").status_code == 200


def test_as_soon_as_there_is_a_key_every_call_needs_one(client, access, envelope):
    _, token = access.add("crm", "scorer", NOW)
    until(lambda: client.post("/predict", json=envelope).status_code == 401)
    refused = client.post("/predict", json=envelope)
    problem(refused, 401, "unauthenticated")
    assert refused.headers["www-authenticate"] == "Bearer"
    for wrong in ("Bearer rk_wrong", f"Basic {token}", f"Bearer {token}x", "Bearer", f"Bearer x{token}"):
        assert client.post("/predict", json=envelope, headers={"Authorization": wrong}).status_code == 401
    assert client.post("/predict", json=envelope, headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert client.get("/health").status_code == 200
    assert client.get("/ready").status_code == 200


@pytest.mark.parametrize(
    ("role", "wanted"),
    [
        ("viewer", {"read": 200, "score": 403, "tell": 403, "promote": 403, "watch": 200}),
        ("scorer", {"read": 200, "score": 200, "tell": 200, "promote": 403, "watch": 200}),
        ("approver", {"read": 200, "score": 200, "tell": 200, "promote": 200, "watch": 200}),
        ("admin", {"read": 200, "score": 200, "tell": 200, "promote": 200, "watch": 200}),
    ],
)
def test_a_role_may_do_what_it_is_for(holding, envelope, role, wanted):
    assert allowed(holding(role), envelope) == wanted


def test_a_revoked_key_is_refused_within_a_second_and_beyond_the_last_key_nothing_opens(holding, access, envelope):
    client = holding("scorer", guarded=True)
    assert client.post("/predict", json=envelope).status_code == 200
    access.revoke("the scorer", NOW)
    until(lambda: client.post("/predict", json=envelope).status_code == 401)
    assert client.get("/model").status_code == 401
    del client.headers["Authorization"]
    assert client.get("/model").status_code == 401


def test_what_is_done_with_a_key_is_done_by_its_holder(holding, project):
    client = holding("approver")
    problem(client.post("/rollback", json=SAID | {"actor": "somebody else"}), 403, "another-actor")
    event = client.post("/models/2/promote", json=SAID).json()
    assert event["actor"] == "the approver"
    assert project.promotions.events()[-1].actor == "the approver"


def test_every_privileged_call_is_kept_the_refused_ones_too(holding, access):
    client = holding("viewer")
    client.post("/models/2/promote", json=SAID, headers={"X-Request-ID": "mine"})
    del client.headers["Authorization"]
    client.post("/rollback", json=SAID)
    client.get("/models")
    told = [(call.actor, call.method, call.path, call.status) for call in access.calls()]
    assert told == [("anonymous", "POST", "/rollback", 401), ("the viewer", "POST", "/models/2/promote", 403)]
    assert access.calls()[1].request_id == "mine"
    assert access.calls()[1].address == "127.0.0.1"


def test_a_promotion_that_fails_is_kept_as_such(holding, access):
    client = holding("approver")
    assert client.post("/models/99/promote", json=SAID).status_code == 404
    assert access.calls()[0].status == 404


def test_more_requests_than_allowed_are_told_when_to_come_again(holding, envelope):
    client = holding("scorer", requests_per_second=2)
    codes = [client.post("/predict", json=envelope).status_code for _ in range(8)]
    assert codes[:4] == [200] * 4
    assert 429 in codes
    refused = next(response for _ in range(9) if (response := client.get("/model")).status_code == 429)
    problem(refused, 429, "too-many-requests")
    assert int(refused.headers["retry-after"]) >= 1
    assert client.get("/health").status_code == 200


def test_a_bucket_fills_up_again():
    bucket = Bucket(rate=2, burst=3, now=0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert bucket.take(0.5) == 0
    assert bucket.take(0.5) > 0
    assert [bucket.take(100.0) for _ in range(4)][:3] == [0, 0, 0]


def test_a_person_logs_in_once_and_the_cookie_stands_for_the_key(project, serve, access):
    _, token = access.add("ada", "viewer", NOW)
    client = serve(project.config())
    assert client.get("/").headers["location"] == "/login"
    page = client.get("/login")
    assert 'name="key"' in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert client.post("/login", data={"key": "rk_wrong"}).status_code == 401
    begun = client.post("/login", data={"key": token})
    assert (begun.status_code, begun.headers["location"]) == (303, "/")
    cookie = begun.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert token not in cookie
    assert client.get("/").status_code == 200
    assert client.get("/login").status_code == 303
    access.revoke("ada", NOW)
    access.add("another", "viewer", NOW)
    until(lambda: client.get("/").status_code == 303)


def test_a_form_of_another_site_is_refused_and_logging_out_ends_the_session(project, serve, access, envelope):
    _, token = access.add("ada", "scorer", NOW)
    client = serve(project.config())
    client.post("/login", data={"key": token})
    problem(client.post("/predict", json=envelope), 403, "cross-site")
    secret = shared_secret(project.keys.folder / "session.secret")
    session = Sessions(secret).read(f"riskloop_session={client.cookies['riskloop_session']}", time.time())
    assert session is not None
    sent = client.post("/predict", json=envelope, headers={"X-CSRF-Token": session.csrf})
    assert sent.status_code == 200
    assert client.post("/logout").status_code == 303
    assert client.get("/").status_code == 303


def test_a_session_is_neither_forged_nor_endless():
    sessions, now = Sessions(b"a" * 32), NOW.timestamp()
    value = sessions.begin("key", now)
    read = sessions.read(f"other=1; riskloop_session={value}", now)
    assert isinstance(read, Session)
    assert read.key_id == "key"
    assert Sessions(b"b" * 32).read(f"riskloop_session={value}", now) is None
    assert sessions.read(f"riskloop_session={value}", (NOW + timedelta(hours=9)).timestamp()) is None
    for forged in (value.replace("key", "kez"), value[:-1], "", "a.b.c.d", "é.1.x.y", '"', value + "x"):
        assert sessions.read(f"riskloop_session={forged}", now) is None


def test_all_workers_share_one_secret_that_only_the_owner_reads(tmp_path):
    path = tmp_path / "keys" / "session.secret"
    assert shared_secret(path) == shared_secret(path)
    assert len(path.read_bytes()) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["session.secret"]


def test_an_admin_has_a_customer_forgotten_and_the_log_of_it_does_not_name_them(holding, project, access, envelope):
    client = holding("admin")
    client.post("/predict", json=envelope | {"id": "C-1/x"})
    answer = client.delete("/customers/C-1/x/records")
    assert (answer.status_code, answer.json()) == (200, {"rows": 1})
    assert project.ledger.predictions("C-1/x") == ()
    assert access.calls()[0].path == "/customers/{customer_id}/records"
    assert client.delete("/customers/C-1/x/records").json() == {"rows": 0}


@pytest.mark.parametrize("role", ["viewer", "scorer", "approver"])
def test_nobody_else_may_have_a_customer_forgotten(holding, role):
    problem(holding(role).delete("/customers/C-1/records"), 403, "forbidden")
