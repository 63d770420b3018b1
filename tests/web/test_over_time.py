"""Monitoring over time: windows of the ledger, performance, and retrainings with their reasons."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from riskloop.wiring import open_project
from tests.web.conftest import ENVIRON, Open, _opened
from tests.web.scenes import JULY, live_through


@pytest.fixture(scope="module")
def months(trained_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """500 customers scored on the tenth of each of three months, of whom all is known by July."""
    folder = tmp_path_factory.mktemp("months") / "churn"
    shutil.copytree(trained_folder, folder)
    project = open_project(folder, ENVIRON)
    live_through(project)
    project.engine.dispose()
    yield from _opened(folder)


@pytest.fixture
def page(months: Open) -> str:
    with months.browser() as browser:
        return unescape(browser.get("/watch").text)


def test_the_run_of_windows_shows_what_moved_when(page: str) -> None:
    run = re.search(r'aria-labelledby="run".*?</section>', page, re.S)[0]
    assert [name in run for name in ("2026-03", "2026-04", "2026-05")] == [True] * 3
    assert run.count("PSI beyond chance over 3 windows") == 1
    assert "Share acted on over 3 windows" in run
    assert "Estimated cost per 1,000 over 3 windows" in run
    row = re.search(r'<th scope="row">[^<]*ontacts[^<]*</th>(.*?)</tr>', run, re.S)[1]
    cells = row.split("</td>")
    assert "has moved" in cells[2]
    assert "has moved" not in cells[0]


def test_performance_is_drawn_estimated_realised_and_promised(page: str) -> None:
    part = re.search(r'aria-labelledby="performance".*?</section>', page, re.S)[0]
    for word in ("estimated", "realised", "promised"):
        assert f"</svg>{word}" in part
    assert "The windows in numbers" in part
    assert "2026-04" in part
    assert "100" in part


def test_retrainings_tell_why_and_what_came_of_it(page: str) -> None:
    part = re.search(r'aria-labelledby="retrainings".*?</section>', page, re.S)[0]
    assert "5 columns moved <far>." in part
    assert "refused by the gate" in part
    assert "The gate refused it." in part
    assert "-120" in part
    assert part.index("Outcomes are in.") < part.index("5 columns moved"), "the newest comes first"


def test_the_same_in_french(months: Open) -> None:
    with months.browser() as browser:
        html = unescape(browser.get("/watch?lang=fr").text)
    assert "Fenêtre par fenêtre" in html
    assert "PSI au-delà du hasard sur 3 fenêtres" in html
    assert "refusé par le contrôle" in html


def test_where_nothing_is_known_yet_the_page_says_what_to_do(look) -> None:
    html = unescape(look.get("/watch").text)
    assert "riskloop performance --by month" in html
    assert "riskloop retrain --if-needed" in html


@pytest.mark.parametrize("broken", ["{", "[]", '{"generated": "2026-07-01T00:00:00+00:00", "performance": {"x": 1}}'])
def test_a_document_that_cannot_be_read_is_as_none(site: Open, broken: str) -> None:
    folder = site.project.locations.reports
    folder.mkdir(exist_ok=True)
    (folder / "performance.json").write_text(broken)
    drift = {"name": "x", "generated": JULY.isoformat(), "verdict": "stable", "windows": [{"start": 1}, {}]}
    (folder / "drift-x.json").write_text(json.dumps(drift))
    with site.browser() as browser:
        response = browser.get("/watch")
    assert response.status_code == 200
    assert "Nobody has worked it out yet" in response.text


def test_windows_and_performance_are_worked_out_by_jobs(site: Open, example) -> None:
    with site.browser() as browser:
        browser.form("/score", "/score", **example(0))
        assert browser.form("/watch", "/watch", actor="ada", since="", by="fortnight").status_code == 422
        assert browser.form("/watch", "/watch/performance", actor="ada", by="").status_code == 422
        html = browser.form("/watch", "/watch/performance", actor="ada", by="day").text
        place = re.search(r'data-poll="([^"]+)"', html)[1]
        deadline = time.monotonic() + 60
        while "under way" in (told := browser.get(place).text):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert "done" in told, told
        html = unescape(browser.get("/watch").text)
    assert "Nobody has worked it out yet" not in html
    assert f"{site.project.clock():%Y-%m-%d}" in html


def test_who_may_only_look_has_nothing_worked_out(site: Open) -> None:
    with site.logged_in("eve", "viewer") as browser:
        html = browser.get("/watch").text
        assert 'action="/watch' not in html
        csrf = re.search(r'name="csrf" value="([^"]+)"', html)[1]
        assert browser.post("/watch/performance", data={"csrf": csrf, "by": "day"}).status_code == 403
