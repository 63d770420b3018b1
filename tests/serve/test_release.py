from __future__ import annotations

import pytest

SAID = {"actor": "ada", "reason": "cheaper on last month's customers"}


def code_of(response):
    return response.status_code, response.json()["code"]


def test_the_model_shows_its_card_and_contract(client, project):
    model = client.get("/model").json()
    assert model["model"]["digest"] == project.versions.get(1).digest
    assert model["contract"]["features"] == ["age", "income", "region", "plan"]
    assert model["contract"]["columns"]["age"] == {"type": "number", "minimum": 18.0, "maximum": 100.0}
    assert model["metrics"] == {"roc_auc": 0.84}
    assert model["card"]["family"] == "logistic_regression"
    assert model["policy"]["labels"] == ["contact", "leave"]


def test_promote_and_roll_back_answer_with_the_event_and_lead_at_once(client, project, envelope):
    event = client.post("/models/2/promote", json=SAID).json()
    assert (event["kind"], event["version"], event["previous_version"], event["actor"]) == ("promoted", 2, 1, "ada")
    assert client.post("/predict", json=envelope).json()["model"]["version"] == 2
    assert [(m["version"], m["alias"]) for m in client.get("/models").json()["models"]] == [
        (1, "previous"),
        (2, "champion"),
    ]
    event = client.post("/rollback", json=SAID).json()
    assert (event["kind"], event["version"]) == ("rolled_back", 1)
    assert client.post("/predict", json=envelope).json()["model"]["version"] == 1
    assert project.promotions.verify().ok
    assert client.post("/rollback", json=SAID | {"version": 2}).json()["version"] == 2


def test_what_cannot_be_promoted_says_why(client, project, bundle_maker):
    project.add(3, bundle_maker(weight=0.3), status="refused")
    assert code_of(client.post("/models/3/promote", json=SAID)) == (409, "gate-refused")
    assert code_of(client.post("/models/1/promote", json=SAID)) == (409, "conflict")
    assert code_of(client.post("/models/9/promote", json=SAID)) == (404, "not-found")
    assert code_of(client.post(f"/models/{10**30}/promote", json=SAID)) == (404, "not-found")
    assert code_of(client.post("/models/x/promote", json=SAID)) == (404, "not-found")
    assert code_of(client.post("/rollback", json=SAID)) == (404, "not-found")
    assert project.promotions.state().champion == 1


def test_an_altered_bundle_is_not_promoted(client, project):
    path = project.bundles / project.versions.get(2).bundle / "model.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert code_of(client.post("/models/2/promote", json=SAID)) == (409, "bundle-refused")
    assert project.promotions.head_seq() == 1


@pytest.mark.parametrize("path", ["/models/2/promote", "/rollback"])
@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"actor": "absent", "reason": "absent"}),
        ({"actor": " ", "reason": 3}, {"actor": "not-a-text", "reason": "not-a-text"}),
        (SAID | {"resaon": "x"}, {"resaon": "unexpected"}),
        ([], {"": "not-an-object"}),
    ],
)
def test_a_release_needs_an_actor_and_a_reason(standing, path, body, wrong):
    response = standing.post(path, json=body)
    assert response.status_code == 422
    assert {error["field"]: error["code"] for error in response.json()["errors"]} == wrong


@pytest.mark.parametrize("version", [0, -1, True, "2", 1.5, 10**12])
def test_a_rollback_names_a_version_by_its_number(standing, version):
    response = standing.post("/rollback", json=SAID | {"version": version})
    assert response.json()["errors"][0]["field"] == "version"


def test_four_eyes_only_request_over_http(project, serve):
    client = serve(project.config(four_eyes=True))
    assert client.post("/models/2/promote", json=SAID).json()["kind"] == "requested"
    assert client.get("/model").json()["model"]["version"] == 1


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"X-Forwarded-For": "203.0.113.9"}])
def test_releases_are_changed_from_this_machine_only(client, project, headers):
    """A page in a browser can point a name of its own at 127.0.0.1."""
    for path in ("/models/2/promote", "/rollback"):
        assert code_of(client.post(path, json=SAID, headers=headers)) == (403, "not-local")
    assert project.promotions.state().champion == 1
