from __future__ import annotations

import pytest

from tests.serve.test_predictions import errors_of, problem


def columns_of(customers):
    return {name: [one[name] for one in customers] for name in customers[0]}


def test_rows_come_in_as_mlflow_sends_them(client, project, bundle_maker, customers):
    split = {"columns": list(customers[0]), "data": [list(one.values()) for one in customers]}
    for document in ({"dataframe_split": split}, {"dataframe_records": list(customers)}):
        answer = client.post("/invocations", json=document)
        assert answer.status_code == 200, answer.text
        told = answer.json()["predictions"]
        assert [one["probability"] for one in told] == list(bundle_maker().golden.probability)
        assert set(told[0]) == {"probability", "decision"}
    assert project.ledger.count() == 2 * len(customers)
    assert client.get("/ping").status_code == 200


def test_tensors_come_in_by_the_open_inference_protocol(client, project, bundle_maker, customers):
    inputs = [
        {"name": name, "shape": [len(values)], "datatype": "FP64", "data": values}
        for name, values in columns_of(customers).items()
    ]
    inputs[0] |= {"shape": [3, 1], "data": [[value] for value in inputs[0]["data"]]}
    ids = {"name": "customer_id", "shape": [3], "datatype": "BYTES", "data": ["a", "b", "c"]}
    answer = client.post("/v2/models/churn/infer", json={"id": "mine", "inputs": [*inputs, ids]}).json()
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("churn", "1", "mine")
    outputs = {one["name"]: one for one in answer["outputs"]}
    assert outputs["probability"]["data"] == list(bundle_maker().golden.probability)
    assert outputs["decision"]["shape"] == [3]
    assert [project.ledger.last_prediction(one).probability for one in "abc"] == outputs["probability"]["data"]


def test_the_model_says_which_tensors_it_takes(client):
    told = client.get("/v2/models/churn").json()
    assert told["versions"] == ["1"]
    assert {one["name"]: one["datatype"] for one in told["inputs"]} == {
        "age": "FP64",
        "income": "FP64",
        "region": "BYTES",
        "plan": "BYTES",
    }
    assert client.get("/v2").json()["name"] == "riskloop"
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/churn/ready"):
        assert client.get(path).status_code == 200
    problem(client.get("/v2/models/other"), 404, "not-found")


def test_a_row_that_breaks_the_contract_refuses_all(client, project, customers):
    records = [*customers, customers[0] | {"age": 7}]
    assert errors_of(client.post("/invocations", json={"dataframe_records": records})) == {"[3].age": "below-minimum"}
    assert project.ledger.count() == 0


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"instances": []},
        {"dataframe_split": []},
        {"dataframe_split": {"columns": ["age"], "data": [[1, 2]]}},
        {"dataframe_split": {"columns": [1], "data": []}},
        {"dataframe_split": {"columns": ["age"], "data": 3}},
        {"dataframe_records": {}},
        {"dataframe_records": [1]},
        {"dataframe_records": []},
        {"dataframe_records": [], "dataframe_split": {}},
    ],
)
def test_what_is_no_invocation_is_one_clear_error(standing, document):
    errors_of(standing.post("/invocations", json=document))


@pytest.mark.parametrize(
    "inputs",
    [
        None,
        [],
        [1],
        [{"name": "age"}],
        [{"name": 1, "data": []}],
        [{"name": "age", "data": [1]}, {"name": "b", "data": []}],
    ],
)
def test_what_is_no_tensor_is_one_clear_error(standing, inputs):
    errors_of(standing.post("/v2/models/churn/infer", json={"inputs": inputs}))
