"""The book of the ledger, and the list that is made of it."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

import numpy as np
import pytest

from riskloop.decide.prices import Prices
from riskloop.decide.worklist import ranked
from riskloop.keep.ledger import Prediction
from riskloop.serve.rollout import Arms
from riskloop.web.book import Book
from riskloop.web.counting import saved, traffic
from riskloop.web.pages.worklist import Asked, narrowed
from tests.web.conftest import Open

RNG = np.random.default_rng(2)
CHANCES = RNG.beta(1, 2, 300)


def _decisions(opened: Open, chances: np.ndarray = CHANCES, **more: object) -> list[Prediction]:
    live = opened.site.services.champion.require().champion
    policy = live.bundle.policy
    made = []
    for place, chance in enumerate(chances.tolist()):
        decided = policy.decide(chance, policy.costs.of({}))
        fields = {
            "prediction_id": f"{more.get('arm', 'p')}-{place}",
            "at": datetime(2026, 11, 20, 12, place % 60, tzinfo=UTC),
            "name": "churn", "version": live.record.version, "digest": live.bundle.digest, "probability": chance,
            "decision": decided.decision, "features": live.bundle.golden.requests[0], "entity_id": f"C-{place}",
            "threshold": decided.threshold, "risk_band": decided.risk_band, "expected_cost": decided.expected_cost,
            "latency_ms": 0.5,
        }  # fmt: skip
        made.append(Prediction(**(fields | more)))
    return made


@pytest.fixture
def filled(site: Open) -> Open:
    site.project.ledger.append(_decisions(site))
    return site


def _asked(**more: object) -> Asked:
    fields = {
        "decision": "act", "band": "", "version": "", "arm": "", "least": None, "since": None, "search": "",
        "order": "gain", "capacity": None,
    }  # fmt: skip
    return Asked(**(fields | more))  # type: ignore[arg-type]


def test_the_list_ranks_as_the_worklist_does(filled: Open) -> None:
    live = filled.site.services.champion.require().champion
    costs = live.bundle.policy.costs.of({})
    gain = costs.gain(CHANCES)
    listed = narrowed(filled.site.book.now(), _asked())
    expected = ranked(live.bundle.policy.act(CHANCES, costs), gain)
    assert listed.page.customer[listed.rows].tolist() == [f"C-{place}" for place in expected.tolist()]
    assert listed.gain(50) == pytest.approx(gain[expected[:50]].sum())


def test_filters_narrow_the_list(filled: Open) -> None:
    page = filled.site.book.now()
    assert len(narrowed(page, _asked(decision="")).rows) == 300
    assert page.told(page.band[narrowed(page, _asked(band="high", decision="")).rows]) == ["high"]
    assert len(narrowed(page, _asked(search="C-29", decision="")).rows) == 11
    least = narrowed(page, _asked(least=30.0))
    assert page.gain[least.rows].min() >= 30
    assert len(narrowed(page, _asked(version="2", decision="")).rows) == 0
    assert len(narrowed(page, _asked(since=datetime(2026, 11, 21).date(), decision="")).rows) == 0
    assert narrowed(page, _asked(capacity=10)).capacity == 10


def test_of_a_customer_the_newest_decision_counts_and_a_shadow_never(filled: Open) -> None:
    book = filled.site.book
    book.now()
    filled.project.ledger.append(_decisions(filled, np.array([0.9, 0.001]), arm="champion"))
    filled.project.ledger.append(_decisions(filled, np.array([0.99]), arm="shadow"))
    page = book.now()
    newest = {page.customer[place]: page.probability[place] for place in page.latest}
    assert (newest["C-0"], newest["C-1"]) == (0.9, 0.001)
    assert len(newest) == 300
    assert page.total == 303


def test_the_book_reads_only_what_is_new(filled: Open) -> None:
    book = filled.site.book
    first = book.now()
    assert book.now() is first
    filled.project.ledger.append(_decisions(filled, np.array([0.5]), arm="batch"))
    assert book.now().seq.tolist() == [*first.seq.tolist(), int(first.seq[-1]) + 1]


def test_a_customer_who_was_erased_is_gone_from_the_book(filled: Open) -> None:
    book = Book(filled.site.services.engine, filled.site.services.champion)
    assert "C-7" in book.now().customer
    filled.project.ledger.erase("C-7")
    book._look_at = 0.0  # a service looks again within seconds
    assert "C-7" not in book.now().customer
    assert book.now().total == 299


def test_what_decisions_save_is_what_the_costs_say(filled: Open) -> None:
    live = filled.site.services.champion.require().champion
    costs, act = live.bundle.policy.costs.of({}), live.bundle.policy.act(CHANCES, live.bundle.policy.costs.of({}))
    taken = costs.expected(CHANCES, act).sum()
    page = filled.site.book.now()
    told = saved(page)
    assert told.against_all == pytest.approx(costs.expected(CHANCES, np.ones(300, bool)).sum() - taken)
    assert told.against_none == pytest.approx(costs.expected(CHANCES, np.zeros(300, bool)).sum() - taken)


def test_where_customers_cost_differently_each_gain_is_their_own(filled: Open) -> None:
    champion = filled.site.services.champion
    live = champion.require().champion
    prices = Prices(fp=10.0, fn="2 * monthly_charge")
    bundle = replace(live.bundle, policy=replace(live.bundle.policy, costs=prices))
    champion.arms = Arms(replace(live, bundle=bundle))
    page = Book(filled.site.services.engine, champion).now()
    charge = float(live.bundle.golden.requests[0]["monthly_charge"])
    assert page.gain == pytest.approx(CHANCES * 2 * charge - (1 - CHANCES) * 10)


def test_traffic_is_counted_by_hour_within_a_day(filled: Open) -> None:
    counted = traffic(filled.site.book.now())
    assert counted.unit == "hour"
    assert sum(counted.totals) == 300
    assert counted.starts[-1] == datetime(2026, 11, 20, 12)


def test_the_page_shows_the_best_first_and_what_there_is_no_room_for(filled: Open) -> None:
    with filled.browser() as browser:
        html = unescape(browser.get("/worklist?capacity=20").text)
        best = int(np.argmax(CHANCES))
        assert re.search(rf'<td class="n">1</td><th scope="row"[^>]*><a [^>]*>.*C-{best}</a>', html)
        assert "No room for" in html
        part = browser.get("/worklist?capacity=20&band=high", headers={"X-Part": "list"}).text
        assert "<html" not in part
        second = browser.get("/worklist?decision=&start=50").text
        assert re.search(r'<td class="n">51</td>', second)
        assert "Nobody matches" in browser.get("/worklist?q=nobody").text


def test_the_export_is_the_list(filled: Open) -> None:
    with filled.browser() as browser:
        rows = list(csv.DictReader(io.StringIO(browser.get("/worklist.csv?capacity=7").text)))
    assert [row["rank"] for row in rows] == [str(rank) for rank in range(1, 8)]
    gains = [float(row["expected_gain"]) for row in rows]
    assert gains == sorted(gains, reverse=True)


@pytest.mark.parametrize(
    "query", ["capacity=-1", "least=x", "since=today", "start=99999999999999", "order=up", "version=%00"]
)
def test_nonsense_in_the_address_changes_nothing(filled: Open, query: str) -> None:
    with filled.browser() as browser:
        assert browser.get(f"/worklist?{query}").status_code == 200
