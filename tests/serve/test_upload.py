"""Uploads: a file of any length is decided about as it comes, and answered as a file."""

from __future__ import annotations

import csv
import io
import threading
import time

import httpx
import pytest

from riskloop.errors import Unavailable
from riskloop.keep.ledger import Ledger
from riskloop.serve import upload

CSV = {"Content-Type": "text/csv", "Accept": "text/csv"}
HEADER = "customer_id,age,income,region,plan\n"


def table(rows, first=0):
    regions = "NA", "EU", "AF"
    return "".join(
        f"C-{number},{20 + number % 60},{1000 + number},{regions[number % 3]},basic\n"
        for number in range(first, first + rows)
    )


def read(response):
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.text)))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(upload, "BLOCK", 10)


def test_every_row_is_answered_in_order_and_in_the_ledger(client, project):
    answer = client.post("/predict/batch", content=HEADER + table(95), headers=CSV)
    rows = read(answer)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert (answer.headers["x-scored"], answer.headers["x-refused"]) == ("95", "0")
    assert [row["row"] for row in rows] == [str(number) for number in range(95)]
    assert [row["id"] for row in rows] == [f"C-{number}" for number in range(95)]
    kept = {one.prediction_id: one for one in project.ledger.recent(1_000)}
    assert len(kept) == 95
    for row in rows:
        assert float(row["probability"]) == kept[row["prediction_id"]].probability
        assert row["decision"] == kept[row["prediction_id"]].decision


def test_it_says_what_a_list_would_say(client):
    text = HEADER + table(30)
    listed = client.post("/predict/batch", content=text, headers={"Content-Type": "text/csv"}).json()["answers"]
    for row, one in zip(read(client.post("/predict/batch", content=text, headers=CSV)), listed, strict=True):
        assert float(row["probability"]) == one["probability"]
        assert float(row["expected_cost"]) == one["expected_cost"]
        assert [float(row["probability_low"]), float(row["probability_high"])] == one["interval"]
        assert (row["risk_band"], row["version"], row["error"]) == (one["risk_band"], str(one["model"]["version"]), "")


def test_a_file_may_be_longer_than_a_request_and_uploaded_before_anybody_listens(project, serve):
    """More rows and bytes than a list may hold, in pieces, by a client that reads nothing until it has sent all."""
    client = serve(project.config(max_batch_rows=20, max_body_bytes=5_000))
    text = (HEADER + table(3_000)).encode()
    pieces = (text[at : at + 7_919] for at in range(0, len(text), 7_919))
    rows = read(client.post("/predict/batch", content=pieces, headers=CSV))
    assert [row["id"] for row in rows] == [f"C-{number}" for number in range(3_000)]
    assert project.ledger.count() == 3_000
    refused = client.post("/predict/batch", content=text, headers={"Content-Type": "text/csv"})
    assert refused.status_code == 413


def test_rows_that_break_the_contract_say_why_and_leave_the_others_alone(client, project):
    text = HEADER + table(12) + 'C-x,17,1,EU,basic\n"C ""é""",40,1,"Mars",basic\nC-y,1\n' + table(12, first=12)
    rows = read(client.post("/predict/batch", content=text.encode(), headers=CSV))
    assert [row["row"] for row in rows if row["error"]] == ["12", "13", "14"]
    assert rows[12]["error"].startswith("age: ")
    assert (rows[13]["id"], rows[13]["probability"]) == ('C "é"', "")
    assert "cells" in rows[14]["error"]
    assert rows[15]["id"] == "C-12"
    assert project.ledger.count() == 24


def test_a_text_may_go_over_lines_and_the_separator_is_found(client):
    text = "\ufeffcustomer_id;age;income;region;plan\r\n" + '"a\nb";40;1;EU;basic\r\n"c;d";41;1;EU;\r\n'
    rows = read(client.post("/predict/batch", content=text.encode(), headers=CSV))
    assert [(row["id"], row["error"] != "") for row in rows] == [("", True), ("c;d", False)]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("", 422, "invalid"),
        (HEADER, 422, "invalid"),
        ("age,region\n1,EU\n", 422, "invalid"),
        (HEADER + "C-1,17,1,EU,basic\n", 422, "invalid"),
        (HEADER.encode() + b"C-1,4\xff,1,EU,basic\n", 400, "not-csv"),
        (b"\xff" + HEADER.encode(), 400, "not-csv"),
        (HEADER + 'C-1,40,1,EU,"basic\n', 400, "not-csv"),
        (HEADER + "C-1,40,1,EU,basic" + " " * 1_100_000, 400, "not-csv"),
    ],
)
def test_what_cannot_be_read_is_refused_and_nothing_is_kept(client, project, body, status, code):
    answer = client.post("/predict/batch", content=body, headers=CSV)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert project.ledger.count() == 0


def test_what_goes_wrong_halfway_says_how_far_it_came(client, project):
    answer = client.post("/predict/batch", content=HEADER + table(25) + 'C,40,1,EU,"basic\n', headers=CSV)
    assert answer.status_code == 400
    told = answer.json()
    assert "20 predictions were kept" in told["detail"]
    assert "from row 20 on" in told["next_step"]
    assert project.ledger.count() == 20


def test_a_database_that_goes_away_halfway_is_said(client, project, monkeypatch):
    before, calls = Ledger.append_encoded, []

    def failing(self, rows):
        calls.append(len(rows))
        if len(calls) > 2:
            raise Unavailable("The database is away.", where="ledger")
        before(self, rows)

    monkeypatch.setattr(Ledger, "append_encoded", failing)
    answer = client.post("/predict/batch", content=HEADER + table(50), headers=CSV)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "20 predictions were kept" in answer.json()["detail"]
    assert project.ledger.count() == 20


def test_a_file_that_is_too_large_is_refused(project, serve):
    client = serve(project.config(max_upload_bytes=2_000))
    text = (HEADER + table(500)).encode()
    assert client.post("/predict/batch", content=text, headers=CSV).status_code == 413
    assert project.ledger.count() == 0  # it said how long it is
    answer = client.post("/predict/batch", content=iter([text]), headers=CSV)
    assert answer.status_code == 413


def test_one_version_answers_all_of_a_file(client, project):
    sent = threading.Event()

    def pieces():
        yield (HEADER + table(20)).encode()
        sent.wait(10)
        yield table(20, first=20).encode()

    found = []
    asking = threading.Thread(
        target=lambda: found.extend(read(client.post("/predict/batch", content=pieces(), headers=CSV)))
    )
    asking.start()
    deadline = time.monotonic() + 10
    while project.ledger.count() < 10 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert client.post("/models/2/promote", json={"actor": "ada", "reason": "better"}).status_code == 200
    sent.set()
    asking.join()
    assert {row["version"] for row in found} == {"1"}
    assert len(found) == 40


def test_a_caller_who_hangs_up_leaves_what_was_decided_and_troubles_nobody(client, project, envelope):
    def pieces():
        yield (HEADER + table(25)).encode()
        raise RuntimeError("the line broke")

    with pytest.raises(RuntimeError):
        client.post("/predict/batch", content=pieces(), headers=CSV)
    assert client.post("/predict", json=envelope).status_code == 200
    assert [read(client.post("/predict/batch", content=HEADER + table(3), headers=CSV))[at]["row"] for at in (0, 2)]
    assert project.ledger.count() >= 4


def test_a_service_that_is_ended_answers_a_file_that_is_coming(project, server_process):
    server = server_process(project.config())
    going, enough = threading.Event(), threading.Event()

    def pieces():
        yield HEADER.encode()
        for number in range(10_000):
            yield table(5, first=5 * number).encode()
            going.set()
            if enough.wait(0.01):
                return

    found = []

    def send():
        found.extend(read(httpx.post(f"{server.url}/predict/batch", content=pieces(), headers=CSV, timeout=60)))

    asking = threading.Thread(target=send)
    asking.start()
    assert going.wait(10)
    server.process.terminate()
    time.sleep(0.2)
    enough.set()
    assert server.stop() == (0, "")
    asking.join()
    assert len(found) >= 5
    assert project.ledger.count() == len(found)
