from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest

from riskloop.decide.arms import Split
from riskloop.serve.rollout import Shadow

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
IDS = [f"C-{number}" for number in range(60)]


def challenge(project, version=2, **split):
    details = Split(**({"share": 0.5, "salt": "s"} | split)).to_dict()
    project.promotions.challenge(version, actor="ada", reason="try", at=datetime.now(UTC), details=details)


def until(holds, seconds=5):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def answered(client, envelope):
    return {one: client.post("/predict", json=envelope | {"id": one}).json() for one in IDS}


def test_a_challenger_answers_its_customers_always_the_same_ones(project, serve, envelope, bundle_maker):
    challenge(project)
    client = serve(project.config())
    split = Split(0.5, salt="s")
    first = answered(client, envelope)
    probability = {1: bundle_maker().golden.probability[0], 2: bundle_maker(weight=1.5).golden.probability[0]}
    for one, answer in first.items():
        assert answer["arm"] == answer["model"]["alias"] == split.arm_of(one)
        assert answer["model"]["version"] == {"champion": 1, "challenger": 2}[answer["arm"]]
        assert answer["probability"] == pytest.approx(probability[answer["model"]["version"]], abs=1e-12)
        assert project.ledger.get(answer["prediction_id"]).arm == answer["arm"]
    assert {answer["arm"] for answer in first.values()} == {"champion", "challenger"}
    again = answered(client, envelope)
    assert {one: a["arm"] for one, a in again.items()} == {one: a["arm"] for one, a in first.items()}


def test_in_a_batch_and_by_id_customers_meet_the_same_arm(project, serve, envelope, customers):
    challenge(project)
    project.customers.replace_all([(one, json.dumps(customers[0])) for one in IDS], NOW)
    client, split = serve(project.config()), Split(0.5, salt="s")
    rows = [envelope | {"id": one, "explain": one == "C-7"} for one in IDS]
    answers = client.post("/predict/batch", json=rows).json()["answers"]
    assert [answer["arm"] for answer in answers] == [split.arm_of(one) for one in IDS]
    assert [answer["id"] for answer in answers] == IDS
    assert [len(answer["reasons"]) > 0 for answer in answers] == [one == "C-7" for one in IDS]
    for one in IDS[:8]:
        assert client.get(f"/customers/{one}/prediction").json()["arm"] == split.arm_of(one)


def test_a_challenge_begins_and_ends_while_customers_ask(project, serve, envelope):
    client = serve(project.config())
    assert {answer["arm"] for answer in answered(client, envelope).values()} == {"champion"}
    challenge(project)
    until(lambda: "challenger" in {answer["arm"] for answer in answered(client, envelope).values()})
    project.promotions.withdraw(actor="ada", reason="enough", at=datetime.now(UTC))
    until(lambda: {answer["arm"] for answer in answered(client, envelope).values()} == {"champion"})
    challenge(project)
    project.promote(2)
    until(lambda: {a["model"]["version"] for a in answered(client, envelope).values()} == {2})
    assert {answer["arm"] for answer in answered(client, envelope).values()} == {"champion"}


def test_a_shadow_answers_nobody_and_what_it_would_have_said_is_kept(project, serve, envelope, bundle_maker):
    challenge(project, share=0.0, shadow=True)
    client = serve(project.config())
    answers = answered(client, envelope)
    assert {(answer["arm"], answer["model"]["version"]) for answer in answers.values()} == {("champion", 1)}
    client.post("/predict/batch", json=[envelope, envelope | {"id": "C-b"}])
    until(lambda: sum(one.arm == "shadow" for one in project.ledger.recent(1_000)) == len(IDS) + 2)
    told = [one for one in project.ledger.recent(1_000) if one.arm == "shadow"]
    assert {one.version for one in told} == {2}
    expected = bundle_maker(weight=1.5).golden.probability[0]
    assert all(one.probability == pytest.approx(expected, abs=1e-12) for one in told)
    asked = {one.request_id for one in project.ledger.recent(1_000) if one.arm == "champion"}
    assert {one.request_id for one in told} <= asked
    assert project.ledger.last_prediction("C-7").arm == "champion"
    assert {one.arm for one in project.ledger.predictions("C-7")} == {"champion"}


def test_an_altered_challenger_answers_nobody_and_the_champion_goes_on(project, serve, envelope):
    path = project.bundles / project.versions.get(2).bundle / "policy.json"
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    challenge(project, share=0.9)
    client = serve(project.config())
    assert {answer["arm"] for answer in answered(client, envelope).values()} == {"champion"}
    assert "riskloop_challenger_refused 1.0" in client.get("/metrics").text
    assert client.get("/ready").status_code == 200


def test_whom_a_challenger_cannot_read_the_champion_answers(project, serve, envelope, bundle_maker):
    from dataclasses import replace

    bundle = bundle_maker(weight=0.7)
    strict = tuple(
        replace(column, maximum=41) if column.name == "age" else column for column in bundle.contract.columns
    )
    young = tuple({**one, "age": 40.0} for one in bundle.baseline)
    scorer = replace(bundle.scorer, contract=replace(bundle.contract, columns=strict))
    golden = replace(bundle.golden, requests=(), probability=())
    project.add(3, replace(bundle, scorer=scorer, golden=golden, baseline=young))
    challenge(project, 3, share=0.99)
    client = serve(project.config())
    assert "challenger" in {answer["arm"] for answer in answered(client, envelope).values()}
    old = envelope | {"features": envelope["features"] | {"age": 70.0}}
    answers = answered(client, old)
    assert {(answer["arm"], answer["model"]["version"]) for answer in answers.values()} == {("champion", 1)}
    mixed = [envelope | {"id": IDS[1]}, old | {"id": IDS[1]}]
    told = client.post("/predict/batch", json=mixed).json()["answers"]
    assert [answer["features"] if "features" in answer else answer["id"] for answer in told] == [IDS[1], IDS[1]]
    assert told[1]["arm"] == "champion"


def test_a_shadow_that_fails_or_has_no_time_is_counted_and_disturbs_nobody(project):
    from riskloop.keep.writer import GroupCommitWriter

    def fail():
        raise RuntimeError("broken")

    kept = []
    with GroupCommitWriter(project.ledger) as writer:
        shadow = Shadow(writer, kept.extend, capacity=2)
        for _ in range(3):
            shadow.offer(fail, 1)
        shadow.offer(fail, 2)
        assert shadow.dropped == 3
        with shadow:
            until(lambda: shadow.dropped == 5)
            shadow.offer(fail, 2)
            until(lambda: shadow.dropped == 7)
    assert kept == []
