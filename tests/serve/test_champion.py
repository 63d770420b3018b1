from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from riskloop.bundle.sign import KeyRing
from riskloop.keep.artifacts import Bundles
from riskloop.serve.champion import RETRY_POLLS, BundleStore, Champion
from riskloop.serve.problems import RequestRefused


def champion_of(project, **more):
    store = BundleStore(Bundles(project.bundles), KeyRing(project.keys.folder))
    return Champion(project.promotions, project.versions, store, **more)


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


def test_the_champion_follows_promotions_and_rollbacks(project):
    champion = champion_of(project)
    with pytest.raises(RequestRefused) as none:
        champion.require()
    assert none.value.status == 503
    champion.refresh()
    assert champion.require().champion.record.version == 1
    project.promote(2)
    champion.refresh()
    assert champion.require().champion.record.version == 2
    project.rollback()
    champion.refresh()
    assert champion.require().champion.record.version == 1


def test_an_unchanged_log_loads_nothing_again(project):
    champion = champion_of(project)
    champion.refresh()
    live = champion.live
    champion.refresh()
    assert champion.live is live


@pytest.mark.parametrize("file", ["model.npz", "manifest.json", "policy.json", "signature.json"])
def test_an_altered_bundle_does_not_lead(project, caplog, file):
    champion = champion_of(project)
    champion.refresh()
    path = project.bundles / project.versions.get(2).bundle / file
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    project.promote(2)
    with caplog.at_level(logging.ERROR):
        champion.refresh()
    assert champion.require().champion.record.version == 1
    assert champion.refused is not None
    assert "version 2 cannot lead" in caplog.text


def test_a_restored_bundle_leads_after_some_polls(project):
    champion = champion_of(project)
    path = project.bundles / project.versions.get(2).bundle
    aside = path.with_name("aside")
    path.rename(aside)
    project.promote(2)
    champion.refresh()
    assert champion.live is None
    assert champion.refused
    aside.rename(path)
    for _ in range(RETRY_POLLS):
        champion.refresh()
    assert champion.require().champion.record.version == 2
    assert champion.refused is None


def test_a_bundle_of_a_stranger_does_not_lead(project, tmp_path, bundle_maker):
    from riskloop.bundle.pack import pack

    stranger = KeyRing(tmp_path / "elsewhere")
    stranger.create()
    packed, path = pack(bundle_maker(weight=0.1), project.bundles, stranger)
    record = project.add(3, bundle_maker(weight=0.2))
    project.execute(f"UPDATE versions SET digest='{packed.digest}', bundle='{path.name}' WHERE version=3")
    assert record.digest != packed.digest
    project.promote(3)
    champion = champion_of(project)
    champion.refresh()
    assert champion.live is None
    assert "not trusted" in str(champion.refused)


def test_the_log_not_the_table_of_versions_says_which_bundle_leads(project):
    other = project.versions.get(2).bundle
    project.execute(f"UPDATE versions SET bundle='{other}' WHERE version=1")
    champion = champion_of(project)
    champion.refresh()
    assert champion.live is None
    assert "promoted" in str(champion.refused)


def test_a_bundle_outside_the_store_is_not_read(project):
    project.execute("UPDATE versions SET bundle='../keys' WHERE version=1")
    champion = champion_of(project)
    champion.refresh()
    assert "outside" in str(champion.refused)


def test_the_champion_answers_on_while_the_database_is_away(project):
    with champion_of(project, poll_seconds=0.01) as champion:
        project.execute("ALTER TABLE promotions RENAME TO away")
        wait_until(lambda: champion.away)
        assert champion.require().champion.record.version == 1
        project.execute("ALTER TABLE away RENAME TO promotions")
        wait_until(lambda: champion.away is None)


def test_swaps_under_load_fail_no_request_and_mix_no_answer(client, project, bundle_maker, customers):
    """Founding case 5: 66 of 4,460 requests failed during switches."""
    expected = {}
    for version, weight in ((1, 0.5), (2, 1.5)):
        digest = project.versions.get(version).digest
        expected[version, digest] = bundle_maker(weight=weight).golden.probability[0]
    stop = threading.Event()

    def ask():
        answers = []
        while not stop.is_set():
            response = client.post("/predict", json={"id": "x", "features": customers[0]})
            batch = client.post("/predict/batch", json=[{"features": customers[0]}] * 5)
            assert (response.status_code, batch.status_code) == (200, 200)
            group = batch.json()["answers"]
            assert len({answer["model"]["version"] for answer in group}) == 1
            answers += [response.json(), *group]
        return answers

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask) for _ in range(3)]
        for _ in range(8):
            project.promote(2)
            time.sleep(0.12)
            project.rollback()
            time.sleep(0.12)
        stop.set()
        answers = [answer for future in asking for answer in future.result()]
    seen = {(answer["model"]["version"], answer["model"]["digest"]) for answer in answers}
    assert seen == set(expected)
    for answer in answers:
        model = answer["model"]["version"], answer["model"]["digest"]
        assert answer["probability"] == expected[model]
    assert project.ledger.count() == len(answers)


def test_a_promotion_by_another_process_is_followed(client, project, envelope):
    project.promote(2)
    wait_until(lambda: client.post("/predict", json=envelope).json()["model"]["version"] == 2)
