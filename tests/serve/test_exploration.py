from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from riskloop.decide.arms import Exploration, Split, share_explored

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
IDS = [f"C-{number}" for number in range(80)]
EXPLORED = Exploration(0.25, "here")
ARM = "exploration:0.25"


@pytest.fixture
def client(project, serve):
    return serve(replace(project.config(), exploration=0.25, exploration_salt="here"))


def worth_acting(envelope):
    """A customer on whom the model acts."""
    return envelope | {"features": envelope["features"] | {"age": 18.0}}


def test_the_explored_are_left_alone_whatever_the_model_says_always_the_same(project, client, envelope):
    for one in IDS:
        answer = client.post("/predict", json=worth_acting(envelope) | {"id": one}).json()
        kept = project.ledger.get(answer["prediction_id"])
        assert answer["probability"] > answer["threshold"]
        if EXPLORED.takes(one):
            assert (answer["decision"], answer["arm"], kept.arm) == ("leave", ARM, ARM)
            assert answer["expected_cost"] == pytest.approx(answer["probability"] * 100)
        else:
            assert (answer["decision"], answer["arm"]) == ("contact", "champion")
    assert 10 <= sum(EXPLORED.takes(one) for one in IDS) <= 30


def test_in_a_batch_and_by_id_it_is_the_same_customers(project, client, envelope):
    asked = worth_acting(envelope)
    project.customers.replace_all([(one, json.dumps(asked["features"])) for one in IDS], NOW)
    answers = client.post("/predict/batch", json=[asked | {"id": one} for one in IDS]).json()["answers"]
    decisions = ["leave" if EXPLORED.takes(one) else "contact" for one in IDS]
    assert [answer["decision"] for answer in answers] == decisions
    for one, decision in list(zip(IDS, decisions, strict=True))[:12]:
        assert client.get(f"/customers/{one}/prediction").json()["decision"] == decision


def test_one_on_whom_nobody_would_act_is_marked_and_decided_as_ever(project, client, envelope):
    safe = envelope | {"features": envelope["features"] | {"age": 100.0, "income": 0.0}}
    for one in IDS[:20]:
        answer = client.post("/predict", json=safe | {"id": one}).json()
        assert answer["decision"] == "leave"
        assert answer["arm"] == (ARM if EXPLORED.takes(one) else "champion")


def test_nobody_in_particular_is_never_explored(client, envelope):
    asked = {name: value for name, value in worth_acting(envelope).items() if name != "id"}
    assert {client.post("/predict", json=asked).json()["arm"] for _ in range(12)} == {"champion"}


def test_the_explored_are_the_champions_beside_a_challenger(project, client, envelope):
    details = Split(0.5, salt="s").to_dict()
    project.promotions.challenge(2, actor="ada", reason="try", at=datetime.now(UTC), details=details)
    with_challenger = client  # it follows the log within a second
    deadline = 60
    while "challenger" not in {
        with_challenger.post("/predict", json=worth_acting(envelope) | {"id": one}).json()["arm"] for one in IDS[:8]
    }:
        deadline -= 1
        assert deadline, "the challenger did not come"
    answers = {one: client.post("/predict", json=worth_acting(envelope) | {"id": one}).json() for one in IDS}
    for one, answer in answers.items():
        if EXPLORED.takes(one):
            assert (answer["arm"], answer["model"]["version"]) == (ARM, 1)
    assert {answer["arm"] for answer in answers.values()} == {"champion", "challenger", ARM}


def test_the_share_is_read_from_the_arm_and_nowhere_else():
    assert share_explored(Exploration(0.02).arm) == 0.02
    assert share_explored("batch:exploration:0.125") == 0.125
    assert [share_explored(arm) for arm in ("champion", "challenger", "shadow", "batch")] == [None] * 4
