"""Customers who are asked about at once: each gets what they would get alone, whatever becomes of the others."""

from __future__ import annotations

import asyncio
import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from riskloop.decide.arms import Split
from riskloop.explain.reasoner import Reasoner
from riskloop.problem import Customer
from riskloop.serve.call import Call
from riskloop.serve.rollout import Arms, Decided, Live, decide_json
from riskloop.serve.scoring import Scored
from riskloop.serve.turn import Turn

MANY = 40


@pytest.fixture
def arms(project, bundle_maker):
    def live(version, weight, **more):
        bundle = bundle_maker(weight=weight)
        return Live(bundle, project.versions.get(version), Reasoner(bundle), **more)

    return Arms(live(1, 0.5), live(2, 1.5, alias="challenger"), Split(0.4, salt="s"))


@pytest.fixture
def crowd(customers):
    ages = [18 + number % 60 for number in range(MANY)]
    rows = [dict(customers[number % 3]) | {"age": age} for number, age in enumerate(ages)]
    rows[7]["age"] = "forty"  # breaks the contract
    rows[9]["region"] = "MARS"
    return [Customer(str(number), row, number % 2 == 0) for number, row in enumerate(rows)]


def said(one):
    scored = one.scored
    return one.live, scored._replace(values=None) if isinstance(scored, Scored) else scored, one.reasons


def test_a_crowd_gets_to_the_last_bit_what_each_gets_alone(arms, crowd):
    together = decide_json(arms, crowd)
    alone = [decide_json(arms, [customer])[0] for customer in crowd]
    assert list(map(said, together)) == list(map(said, alone))
    assert {one.live.alias for one in together} == {"champion", "challenger"}
    assert [isinstance(one.scored, Scored) for one in together].count(False) == 2
    assert [bool(one.reasons) for one in together if isinstance(one.scored, Scored)].count(True) > 10


def test_requests_at_once_over_http_are_each_answered_and_kept(client, project, crowd):
    def ask(customer):
        return client.post("/predict", json={"id": customer.id, "features": customer.features})

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, crowd))
    assert [answer.status_code for answer in answers].count(422) == 2
    told = [answer.json() for answer in answers if answer.status_code == 200]
    assert {one["prediction_id"] for one in told} == {one.prediction_id for one in project.ledger.recent(1000)}
    for customer, answer in zip(crowd, answers, strict=True):
        if answer.status_code == 200:
            assert ask(customer).json()["probability"] == answer.json()["probability"]


class Trap(dict):
    """Features that nobody foresaw."""

    def keys(self):
        raise ZeroDivisionError


def test_one_who_nobody_foresaw_costs_the_neighbours_nothing(arms, crowd):
    kept = []

    class Noting:
        def hand_in(self, rows):
            for _, one in rows:
                kept.append(one.kept.prediction.entity_id)
                one.told.set_result(one.kept)

    async def ask():
        turn = Turn(
            Noting(), clock=lambda: datetime(2026, 1, 1, tzinfo=UTC), new_id=map(str, itertools.count()).__next__
        )
        call = Call(arms, 0.0, "r", "en")
        some = [*crowd[:3], Customer("trap", Trap()), *crowd[3:6]]
        told = [asyncio.get_running_loop().create_future() for _ in some]
        for one, future in zip(some, told, strict=True):
            turn.ask(call, one, future)
        return await asyncio.gather(*told, return_exceptions=True)

    found = asyncio.run(ask())
    assert isinstance(found[3], ZeroDivisionError)
    assert sorted(kept) == ["0", "1", "2", "3", "4", "5"]
    assert len({one.prediction.prediction_id for one in found if not isinstance(one, Exception)}) == 6


@pytest.mark.parametrize("when", ["asked", "adverse", "always"])
def test_reasons_are_for_those_who_ask_and_for_whom_the_setting_names(project, serve, crowd, when):
    client = serve(project.config(reasons=when))
    rows = [{"id": one.id, "features": one.features} for one in crowd]
    answers = [answer for answer in client.post("/predict/batch", json=rows).json()["answers"] if "decision" in answer]
    answers += [client.post("/predict", json=row).json() for row in rows[10:20]]
    assert {answer["decision"] for answer in answers} == {"contact", "leave"}
    for answer in answers:
        wanted = when == "always" or (when == "adverse" and answer["decision"] == "contact")
        assert wanted or answer["reasons"] == []
        assert project.ledger.get(answer["prediction_id"]).reasons == [] or wanted
    assert any(answer["reasons"] for answer in answers) == (when != "asked")
    asked = client.post("/predict", json=rows[10] | {"explain": True}).json()
    assert asked["reasons"]


def test_who_was_decided_by_a_challenger_that_cannot_read_them_is_the_champions(arms, crowd):
    found = decide_json(arms, crowd)
    assert all(isinstance(one, Decided) for one in found)
    refused = [one.live.alias for one in found if not isinstance(one.scored, Scored)]
    assert refused == ["champion", "champion"]
