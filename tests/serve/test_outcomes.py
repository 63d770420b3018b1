from __future__ import annotations

from datetime import UTC, datetime

import pytest

from riskloop.keep.cohorts import Cohorts
from riskloop.watch.maturity import Maturity

OUTCOME = {"id": "C-1", "outcome": True, "observed_at": "2026-12-01T10:00:00+01:00"}


def _judged(project):
    pages = Cohorts(project.engine).pages(Maturity(), datetime.now(UTC))
    return {one.prediction_id: one.outcome for page in pages for one in page}


def test_an_outcome_is_recorded_once(client, project, envelope):
    prediction = client.post("/predict", json=envelope).json()
    known = OUTCOME | {"prediction_id": prediction["prediction_id"]}
    assert client.post("/outcomes", json=known).json() == {
        "accepted": 1,
        "duplicates": 0,
        "corrections": 0,
        "unknown_customers": 0,
        "too_early": 0,
    }
    assert client.post("/outcomes", json=known).json()["duplicates"] == 1
    assert _judged(project)[prediction["prediction_id"]] is True
    corrected = client.post("/outcomes", json=known | {"outcome": 0}).json()
    assert corrected["corrections"] == 1


def test_a_list_of_outcomes_is_recorded_whole(client):
    many = [OUTCOME | {"id": number, "outcome": number % 2} for number in range(50)]
    assert client.post("/outcomes", json=many).json() == {
        "accepted": 50,
        "duplicates": 0,
        "corrections": 0,
        "unknown_customers": 50,
        "too_early": 0,
    }


def test_outcomes_may_come_late_in_part_and_out_of_order(client, project, envelope):
    """What is judged hangs on what was observed when, not on when it was sent."""
    made = [client.post("/predict", json=envelope | {"id": name}).json() for name in ("C-1", "C-2", "C-3")]
    soon, later = "2099-01-05T00:00:00Z", "2099-02-05T00:00:00Z"
    assert client.post("/outcomes", json={"id": "C-1", "outcome": False, "observed_at": later}).json()["accepted"] == 1
    partial = [{"id": name, "outcome": True, "observed_at": soon} for name in ("C-1", "C-2")]
    assert client.post("/outcomes", json=partial).json()["accepted"] == 2
    assert client.post("/outcomes", json=partial[::-1]).json()["duplicates"] == 2
    judged = _judged(project)
    assert [judged[one["prediction_id"]] for one in made] == [True, True, None]


def test_what_was_corrected_is_not_undone_by_sending_the_first_word_again(client, project, envelope):
    prediction = client.post("/predict", json=envelope).json()
    first = OUTCOME | {"prediction_id": prediction["prediction_id"]}
    for sent in (first, first | {"outcome": False}, first):
        answer = client.post("/outcomes", json=sent).json()
    assert answer["duplicates"] == 1
    assert list(_judged(project).values()) == [False]


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"outcome": 2}, "outcome", "not-an-outcome"),
        ({"outcome": "true"}, "outcome", "not-an-outcome"),
        ({"outcome": None}, "outcome", "absent"),
        ({"observed_at": "2026-12-01T10:00:00"}, "observed_at", "not-a-time"),
        ({"observed_at": "yesterday"}, "observed_at", "not-a-time"),
        ({"observed_at": 1764583200}, "observed_at", "not-a-time"),
        ({"observed_at": "0001-01-01T00:00:00+14:00"}, "observed_at", "not-a-time"),
        ({"id": None}, "id", "absent"),
        ({"id": ["x"]}, "id", "not-an-id"),
        ({"prediction_id": "a\0"}, "prediction_id", "not-an-id"),
        ({"outcom": 1}, "outcom", "unexpected"),
    ],
)
def test_a_wrong_outcome_is_named_and_nothing_is_recorded(standing, change, field, code):
    response = standing.post("/outcomes", json=OUTCOME | change)
    assert response.status_code == 422
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [(field, code)]
    response = standing.post("/outcomes", json=[OUTCOME, OUTCOME | change])
    assert response.json()["errors"][0]["field"] == f"[1].{field}"
    assert standing.get("/monitoring").json()["outcomes"] == 0


@pytest.mark.parametrize("body", [[], [3], "x", 7])
def test_what_holds_no_outcome_is_refused(standing, body):
    assert standing.post("/outcomes", json=body).status_code == 422


def test_too_many_outcomes_are_refused(project, serve):
    client = serve(project.config(max_batch_rows=2))
    assert client.post("/outcomes", json=[OUTCOME] * 3).status_code == 413


def test_outcomes_wait_for_the_ledger(client, project):
    project.execute("ALTER TABLE outcomes RENAME TO away")
    response = client.post("/outcomes", json=OUTCOME)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
