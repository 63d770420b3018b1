from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

FIELDS = [
    *("prediction_id", "id", "model", "arm", "probability", "interval", "decision", "threshold", "risk_band"),
    *("expected_cost", "reasons", "latency_ms", "timestamp"),
]


def problem(response, status, code):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert (document["status"], document["code"]) == (status, code)
    assert document["type"] == f"urn:riskloop:problem:{code}"
    assert document["title"]
    assert document["detail"]
    assert document["next_step"]
    return document


def errors_of(response):
    return {error["field"]: error["code"] for error in problem(response, 422, "invalid")["errors"]}


def test_an_answer_holds_exactly_the_published_fields_and_is_in_the_ledger(client, project, envelope):
    response = client.post("/predict", json=envelope)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert list(answer) == FIELDS
    record = project.versions.get(1)
    assert answer["model"] == {"name": "churn", "version": 1, "alias": "champion", "digest": record.digest}
    kept = project.ledger.get(answer["prediction_id"])
    assert kept.probability == answer["probability"]
    assert dict(kept.features) == envelope["features"]
    assert (kept.entity_id, kept.decision, kept.arm) == ("C-1", answer["decision"], "champion")
    assert kept.request_id == response.headers["x-request-id"]
    assert response.headers["cache-control"] == "no-store"


def test_an_answer_is_what_the_bundle_says(standing, bundle_maker, customers):
    bundle = bundle_maker()
    for customer, probability in zip(customers, bundle.golden.probability, strict=True):
        answer = standing.post("/predict", json={"features": customer}).json()
        decision = bundle.policy.decide(probability, bundle.policy.costs.of({}))
        assert answer["probability"] == probability
        assert answer["interval"] == list(bundle.scorer.interval.of(probability))
        assert answer["decision"] == decision.decision
        assert answer["threshold"] == pytest.approx(10 / 110)
        assert answer["expected_cost"] == pytest.approx(decision.expected_cost)


def test_time_and_ids_are_arguments(project, serve, envelope):
    numbers = iter(range(100))
    client = serve(
        project.config(), clock=lambda: datetime(2026, 11, 21, 8, 30, tzinfo=UTC), new_id=lambda: f"p-{next(numbers)}"
    )
    answer = client.post("/predict", json=envelope, headers={"X-Request-ID": "mine"}).json()
    assert (answer["prediction_id"], answer["timestamp"]) == ("p-0", "2026-11-21T08:30:00.000000Z")


@pytest.mark.parametrize(("sent", "answered"), [("NA", "NA"), ("None", "None"), (7, "7"), (None, None), ("é 1", "é 1")])
def test_an_id_is_kept_as_it_is(client, project, envelope, sent, answered):
    answer = client.post("/predict", json=envelope | {"id": sent}).json()
    assert answer["id"] == answered
    assert project.ledger.get(answer["prediction_id"]).entity_id == answered


@pytest.mark.parametrize("sent", [True, 1.5, "", "a\0b", "a\nb", "x" * 257, ["a"], {}])
def test_an_id_that_is_none_is_refused(standing, envelope, sent):
    assert errors_of(standing.post("/predict", json=envelope | {"id": sent})) == {"id": "not-an-id"}


def test_an_empty_object_is_no_customer(client, project):
    assert errors_of(client.post("/predict", json={})) == {"features": "absent"}
    missing = errors_of(client.post("/predict", json={"features": {}}))
    assert missing == dict.fromkeys(("age", "income", "region", "plan"), "absent")
    assert project.ledger.count() == 0


def test_all_wrong_fields_are_named_at_once(client, project):
    features = {"age": "forty", "income": -1, "region": "MARS", "plann": "basic"}
    response = client.post("/predict", json={"features": features, "explain": 1, "ID": 3})
    assert errors_of(response) == {"ID": "unexpected", "explain": "not-a-boolean"}
    response = client.post("/predict", json={"features": features})
    assert errors_of(response) == {
        "age": "not-a-number",
        "income": "below-minimum",
        "region": "unknown-category",
        "plan": "absent",
        "plann": "unexpected",
    }
    messages = {error["field"]: error["message"] for error in response.json()["errors"]}
    assert "did you mean 'plan'?" in messages["plann"]
    assert "'NA', 'EU', 'AF'" in messages["region"]
    assert project.ledger.count() == 0


def test_features_outside_their_envelope_are_explained(standing, customers):
    response = standing.post("/predict", json=customers[0])
    assert "belongs into `features`" in problem(response, 422, "invalid")["errors"][0]["message"]


@pytest.mark.parametrize(
    ("feature", "value", "code"),
    [
        ("age", 1e16, "too-large"),
        ("age", 10**300, "too-large"),
        ("age", True, "not-a-number"),
        ("age", None, "missing"),
        ("age", [40], "not-a-number"),
        ("age", 17.99, "below-minimum"),
        ("age", 101, "above-maximum"),
        ("region", None, "missing"),
        ("region", {"EU": 1}, "not-a-category"),
        ("region", "na", "unknown-category"),
        ("plan", [1], "not-a-category"),
    ],
)
def test_a_wrong_value_is_named(standing, envelope, feature, value, code):
    body = json.dumps({"features": envelope["features"] | {feature: value}})
    response = standing.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert errors_of(response) == {feature: code}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b'{"features": {"age": NaN}}',
        b'{"features": {"age": Infinity}}',
        b'{"features": {"age": 1e999}}',
        b'{"features": {"age": ' + b"9" * 5000 + b"}}",
        b'{"id": "\xff"}',
        b'{"id": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"features": {}} trailing',
    ],
)
def test_a_body_that_is_not_json_is_refused(standing, body):
    response = standing.post("/predict", content=body, headers={"Content-Type": "application/json"})
    problem(response, 400, "not-json")


@pytest.mark.parametrize("body", ["[]", "null", "3", '"text"'])
def test_a_document_that_is_no_envelope_is_refused(standing, body):
    response = standing.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert errors_of(response) == {"": "not-an-object"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "text/csv"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {"Content-Type": "multipart/form-data; boundary=x"},
    ],
)
def test_another_kind_of_body_is_refused(standing, headers):
    problem(standing.post("/predict", content=b"{}", headers=headers), 415, "unsupported-media-type")


def test_json_with_its_charset_is_taken(standing, envelope):
    headers = {"Content-Type": 'Application/JSON; charset="UTF-8"'}
    assert standing.post("/predict", content=json.dumps(envelope), headers=headers).status_code == 200


def test_a_huge_body_is_refused_unread(project, serve):
    client = serve(project.config(max_body_bytes=1000))
    read = 0

    def chunks():
        nonlocal read
        for _ in range(1000):
            read += 1
            yield b"x" * 100

    headers = {"Content-Type": "application/json"}
    problem(client.post("/predict", content=b"x" * 1001, headers=headers), 413, "too-large")
    problem(client.post("/predict", content=chunks(), headers=headers), 413, "too-large")
    problem(client.post("/predict", content=b"x" * 30_000_000, headers=headers), 413, "too-large")
    assert client.get("/health").status_code == 200


def test_the_same_idempotency_key_gives_the_same_answer(client, project, envelope):
    headers = {"Idempotency-Key": "order-66"}
    first = client.post("/predict", json=envelope, headers=headers)
    project.promote(2)
    again = client.post("/predict", json=envelope, headers=headers)
    assert again.content == first.content
    assert project.ledger.count() == 1


def test_an_idempotency_key_is_for_one_customer(client, envelope):
    headers = {"Idempotency-Key": "order-66"}
    client.post("/predict", json=envelope, headers=headers)
    other = envelope | {"id": "C-2"}
    problem(client.post("/predict", json=other, headers=headers), 422, "idempotency-key-reused")
    other = envelope | {"features": envelope["features"] | {"age": 41}}
    problem(client.post("/predict", json=other, headers=headers), 422, "idempotency-key-reused")
    problem(client.post("/predict", json=envelope, headers={"Idempotency-Key": "a b"}), 400, "idempotency-key")


def test_requests_with_one_key_at_once_are_scored_once(client, project, envelope):
    def send(_):
        return client.post("/predict", json=envelope, headers={"Idempotency-Key": "at-once"}).content

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(send, range(24)))
    assert len(answers) == 1
    assert project.ledger.count() == 1


def test_a_batch_answers_in_order_with_what_is_wrong_per_row(client, project, customers):
    rows = [
        {"id": "a", "features": customers[0]},
        {"id": "b", "features": customers[1] | {"age": 3}},
        {"id": "c", "features": customers[2] | {"age": 4}},
        {"id": "d", "features": customers[2]},
        {"features": 3},
    ]
    batch = client.post("/predict/batch", json=rows).json()
    assert (batch["scored"], batch["refused"], len(batch["answers"])) == (2, 3, 5)
    first, second, third, fourth, fifth = batch["answers"]
    assert list(first) == FIELDS
    assert first["probability"] == client.post("/predict", json=rows[0]).json()["probability"]
    assert (second["row"], second["id"]) == (1, "b")
    assert second["errors"] == [{"field": "age", "code": "below-minimum", "message": "3 is below the minimum 18"}]
    assert third["errors"][0]["message"] == "4 is below the minimum 18"
    assert fourth["id"] == "d"
    assert fifth["errors"][0]["field"] == "features"
    assert project.ledger.get(fourth["prediction_id"]).entity_id == "d"
    assert project.ledger.count() == 3


def test_a_batch_of_which_nothing_can_be_scored_is_refused(client, project, customers):
    rows = [{"features": customers[0] | {"age": 1}}, {}]
    response = client.post("/predict/batch", json=rows)
    assert errors_of(response) == {"[0].age": "below-minimum", "[1].features": "absent"}
    assert errors_of(client.post("/predict/batch", json=[])) == {"": "empty"}
    assert errors_of(client.post("/predict/batch", json={})) == {"": "not-a-list"}
    assert project.ledger.count() == 0


def test_a_batch_has_its_limits(project, serve, envelope):
    client = serve(project.config(max_batch_rows=3))
    assert client.post("/predict/batch", json=[envelope] * 3).status_code == 200
    problem(client.post("/predict/batch", json=[envelope] * 4), 413, "too-many")
    text = "customer_id,age,income,region,plan\n" + "1,40,3000,NA,basic\n" * 4
    problem(post_csv(client, text), 413, "too-many")
    refused = client.post("/predict/batch", json=[envelope], headers={"Idempotency-Key": "k"})
    problem(refused, 400, "idempotency-key")


def post_csv(client, text, content_type="text/csv"):
    content = text if isinstance(text, bytes) else text.encode()
    return client.post("/predict/batch", content=content, headers={"Content-Type": content_type})


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_csv_gives_the_answers_that_json_gives(client, project, customers, separator):
    lines = [
        "customer_id,age,income,region,plan,churned",
        "NA,40,3000,NA,basic,0",
        "7,70,,EU,premium,1",
        ",19,12.5,AF,,",
    ]
    batch = post_csv(client, "\ufeff" + "\r\n".join(lines).replace(",", separator) + "\r\n").json()
    as_json = client.post("/predict/batch", json=[{"features": customer} for customer in customers]).json()
    assert [a["probability"] for a in batch["answers"]] == [a["probability"] for a in as_json["answers"]]
    assert [a["id"] for a in batch["answers"]] == ["NA", "7", None]
    kept = [dict(project.ledger.get(a["prediction_id"]).features) for a in batch["answers"]]
    assert kept == list(customers)


def test_a_category_that_csv_brings_new_keeps_its_text(client, project):
    answer = post_csv(client, "age,income,region,plan\n40,1,EU, gold \n").json()["answers"][0]
    assert project.ledger.get(answer["prediction_id"]).features["plan"] == "gold"


def test_csv_rows_that_are_wrong_are_named(standing):
    text = 'age,income,region,plan\n40,3000,NA,basic\nforty,"1,5",NA,basic\n40,3000\n40,3000,"N\nA",basic\n'
    answers = post_csv(standing, text).json()["answers"]
    assert [error["code"] for error in answers[1]["errors"]] == ["not-a-number", "not-a-number"]
    assert answers[2]["errors"][0]["message"] == "expected 4 cells, got 2"
    assert answers[3]["errors"][0]["code"] == "unknown-category"


@pytest.mark.parametrize("text", [b"\xff\xfe\x00", 'age,income,region,plan\n40,3000,"NA,basic\n', b"a\x00\xe9"])
def test_a_text_that_is_no_csv_is_refused(standing, text):
    problem(post_csv(standing, text), 400, "not-csv")


def test_a_csv_header_is_checked(standing):
    wrong = errors_of(post_csv(standing, "age,age,incomes,region\n1,2,3,4\n"))
    assert wrong == {"age": "repeated", "incomes": "unexpected", "income": "absent", "plan": "absent"}
    assert set(errors_of(post_csv(standing, "")).values()) == {"absent"}
    assert errors_of(post_csv(standing, "age,income,region,plan\n")) == {"": "empty"}


def test_a_customer_on_file_is_scored_by_id(client, project, customers):
    text = {"age": "40", "income": "3000", "region": "NA", "plan": "basic", "churned": "0", "surname": "x"}
    rows = [
        ("NA", json.dumps(customers[1])),
        ("text", json.dumps(text)),
        ("a/b", json.dumps(customers[2])),
        ("old", "{}"),
    ]
    project.customers.replace_all(rows, datetime(2026, 11, 1, tzinfo=UTC))
    answer = client.get("/customers/NA/prediction")
    assert (answer.status_code, answer.json()["id"]) == (200, "NA")
    assert project.ledger.last_prediction("NA").probability == answer.json()["probability"]
    expected = client.post("/predict", json={"features": customers[0]}).json()["probability"]
    assert client.get("/customers/text/prediction").json()["probability"] == expected
    assert project.ledger.last_prediction("text").features == customers[0]
    assert client.get("/customers/a%2Fb/prediction").json()["id"] == "a/b"
    assert errors_of(client.get("/customers/old/prediction"))["age"] == "absent"
    for unknown in ("nobody", "%00", "%0A", "%F0%9F%98%80", "", "customer_id"):
        problem(client.get(f"/customers/{unknown}/prediction"), 404, "not-found")
    assert "POST /predict" in client.get("/customers/nobody/prediction").json()["next_step"]


def test_without_a_champion_nothing_is_scored(empty_project, serve, envelope):
    client = serve(empty_project.config())
    for response in (
        client.post("/predict", json=envelope),
        client.post("/predict/batch", json=[envelope]),
        client.get("/customers/1/prediction"),
        client.get("/model"),
        client.get("/ready"),
    ):
        problem(response, 503, "no-champion")
        assert response.headers["retry-after"] == "1"
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/").status_code == 200
    assert client.get("/openapi.json").json()["openapi"] == "3.1.0"


def test_nothing_is_answered_that_the_ledger_does_not_take(client, project, envelope):
    assert client.post("/predict", json=envelope).status_code == 200
    project.execute("ALTER TABLE predictions RENAME TO away")
    for response in (client.post("/predict", json=envelope), client.post("/predict/batch", json=[envelope])):
        problem(response, 503, "unavailable")
        assert response.headers["retry-after"] == "1"
    problem(client.get("/ready"), 503, "unavailable")
    assert client.get("/health").status_code == 200
    assert client.get("/model").status_code == 200
    project.execute("ALTER TABLE away RENAME TO predictions")
    assert client.get("/ready").status_code == 200
    assert client.post("/predict", json=envelope).status_code == 200


def test_a_model_without_an_answer_is_a_fault_of_the_service(empty_project, serve, bundle_maker, envelope):
    bundle = bundle_maker()
    blocks = tuple(replace(block, impute=None, indicator=False) for block in bundle.scorer.encoding.blocks)
    encoding = replace(bundle.scorer.encoding, blocks=blocks)
    model = replace(bundle.scorer.model, coefficients=bundle.scorer.model.coefficients[: len(encoding.names)])
    faulty = replace(bundle, scorer=replace(bundle.scorer, encoding=encoding, model=model))
    probability, _ = faulty.score(bundle.golden.requests[:1])
    golden = replace(bundle.golden, requests=bundle.golden.requests[:1], probability=tuple(probability.tolist()))
    empty_project.add(1, replace(faulty, golden=golden))
    empty_project.promote(1)
    client = serve(empty_project.config())
    assert client.post("/predict", json=envelope).status_code == 200
    features = envelope["features"] | {"income": None}
    problem(client.post("/predict", json={"features": features}), 500, "error")


def test_many_at_once_are_all_kept(client, project, customers):
    barrier = threading.Barrier(8)

    def send(worker):
        barrier.wait()
        return [
            client.post("/predict", json={"id": f"{worker}-{i}", "features": customers[i % 3]}).json()
            for i in range(15)
        ]

    with ThreadPoolExecutor(8) as pool:
        answers = [answer for group in pool.map(send, range(8)) for answer in group]
    assert project.ledger.count() == len(answers) == 120
    for answer in answers[::10]:
        kept = project.ledger.get(answer["prediction_id"])
        assert (kept.entity_id, kept.probability) == (answer["id"], answer["probability"])


def asked(client, envelope, **headers):
    response = client.post("/predict", json=envelope | {"explain": True}, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


def test_reasons_come_when_they_are_asked_for_and_are_kept_with_the_decision(client, project, envelope):
    assert client.post("/predict", json=envelope).json()["reasons"] == []
    answer = asked(client, envelope)
    assert answer["reasons"]
    for reason in answer["reasons"]:
        assert list(reason) == ["feature", "value", "contribution", "text"]
        assert reason["value"] == envelope["features"][reason["feature"]]
        assert reason["contribution"] > 0
    kept = project.ledger.get(answer["prediction_id"]).reasons
    assert [reason["texts"]["en"] for reason in kept] == [reason["text"] for reason in answer["reasons"]]


@pytest.mark.parametrize(
    ("header", "language"),
    [("fr-CA,en;q=0.8", "fr"), ("en, fr;q=0.9", "en"), ("de, fr;q=0.5", "fr"), ("de", "en"), ("fr;q=nan, en", "fr")],
)
def test_reasons_speak_the_language_of_the_caller(client, project, envelope, header, language):
    answer = asked(client, envelope, **{"Accept-Language": header})
    kept = project.ledger.get(answer["prediction_id"]).reasons
    assert [reason["text"] for reason in answer["reasons"]] == [reason["texts"][language] for reason in kept]


def test_an_answer_that_is_given_again_has_the_same_reasons(client, envelope):
    first = asked(client, envelope, **{"Idempotency-Key": "k-1"})
    again = client.post("/predict", json=envelope, headers={"Idempotency-Key": "k-1"}).json()
    assert again["reasons"] == first["reasons"]


def test_in_a_batch_those_who_ask_get_reasons(client, project, envelope):
    rows = [envelope, envelope | {"explain": True}, {"features": {}}, envelope | {"explain": True}]
    answers = client.post("/predict/batch", json=rows).json()["answers"]
    assert [len(answer.get("reasons", [])) > 0 for answer in answers] == [False, True, False, True]
    assert answers[1]["reasons"] == asked(client, envelope)["reasons"]
    assert len(project.ledger.get(answers[3]["prediction_id"]).reasons) == len(answers[3]["reasons"])


def test_a_customer_on_file_is_explained_too(client, project, customers):
    project.customers.replace_all([("C-9", json.dumps(customers[1]))], datetime(2026, 11, 1, tzinfo=UTC))
    answer = client.get("/customers/C-9/prediction", params={"explain": "true"}).json()
    assert answer["reasons"] == asked(client, {"features": customers[1]})["reasons"]
    assert client.get("/customers/C-9/prediction").json()["reasons"] == []
    assert errors_of(client.get("/customers/C-9/prediction", params={"explain": "yes"})) == {"explain": "not-a-boolean"}
