"""The site is built without a network, every link in it leads somewhere, and nothing is loaded from elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from checks import site as check
from documentation.site import ROOT, BrokenPage, build, lay_out

CONFIG = "site_name: made up\nnav:\n  - Home: index.md\n  - More: more/\n"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("zensical", reason="zensical is not installed: run make install-dev")
    return build(ROOT, tmp_path_factory.mktemp("documentation"))


def test_no_link_is_broken_and_nothing_is_loaded_from_elsewhere(built: Path) -> None:
    assert list(check.look(built)) == []
    assert len(list(built.rglob("*.html"))) > 50


def test_a_browser_asks_nobody_else(built: Path) -> None:
    path = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("there is no browser here; install one with: apt-get install chromium")
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        for name in ("index.html", "reference/cli.html"):
            page.goto((built / name).as_uri(), wait_until="load")
            assert page.locator("h1").count() == 1
        browser.close()
    assert {url.partition(":")[0] for url in asked} <= {"file", "data", "blob"}


# what the checks notice


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A site of two pages that are in order."""
    (tmp_path / "index.html").write_text(
        '<h1 id="top">A</h1><a href="b.html#there">b</a><img src="a.svg"><a href="#top">'
    )
    (tmp_path / "b.html").write_text(
        '<h2 id="there">B</h2><a href="https://example.org/x">out</a><a href="./">home</a>'
    )
    (tmp_path / "a.svg").write_text("<svg/>")
    assert list(check.look(tmp_path)) == []
    return tmp_path


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<a href="gone.html">', "c.html: gone.html is not there"),
        ('<a href="b.html#nowhere">', "c.html: b.html#nowhere has no such anchor"),
        ('<a href="#nowhere">', "c.html: #nowhere has no such anchor"),
        ('<img src="gone.png">', "c.html: gone.png is not there"),
        ('<script src="https://cdn.example.org/a.js"></script>', "c.html: loads https://cdn.example.org/a.js"),
        ('<link rel="stylesheet" href="//fonts.example.org/a.css">', "c.html: loads //fonts.example.org/a.css"),
        ('<p style="background: url(https://example.org/a.png)">', "c.html: loads https://example.org/a.png"),
        ('<form action="https://example.org/send">', "c.html: loads https://example.org/send"),
        ('<a href="https://not a host/">', "c.html: https://not a host/ is no address"),
    ],
)
def test_what_is_wrong_is_found(html: str, found: str, small: Path) -> None:
    (small / "c.html").write_text(html)
    assert list(check.look(small)) == [found]


def test_a_style_sheet_that_loads_from_elsewhere_is_found(small: Path) -> None:
    (small / "a.css").write_text('@import "https://example.org/b.css";')
    assert list(check.look(small)) == ["a.css: loads https://example.org/b.css"]


# laying out


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a page, a folder of them, and something outside that is linked."""
    root = tmp_path / "repository"
    (root / "docs" / "more").mkdir(parents=True)
    (root / "mkdocs.yml").write_text(CONFIG)
    (root / "docs" / "index.md").write_text(
        "# Home\n\n[more](more/one.md#part) and [results,\nall of them](../RESULTS.md), `[no](link)`\n"
    )
    (root / "docs" / "more" / "one.md").write_text("# One: a page\n\n```text\n[not](a.link)\n```\n[up](../index.md)\n")
    (root / "RESULTS.md").write_text(
        "# Results\n\n[home](docs/index.md), [data](data.csv), [out](https://example.org)\n"
    )
    (root / "data.csv").write_text("a,b\n")
    return root


def test_what_pages_link_to_comes_along_and_links_still_lead_there(repository: Path, tmp_path: Path) -> None:
    lay_out(repository, tmp_path / "out")
    pages = tmp_path / "out" / "pages"
    assert (
        "(more/one.md#part) and [results,\nall of them](repository/RESULTS.md), `[no](link)`"
        in (pages / "index.md").read_text()
    )
    results = (pages / "repository" / "RESULTS.md").read_text()
    assert "[home](../index.md), [data](data.csv), [out](https://example.org)" in results
    assert (pages / "repository" / "data.csv").is_file()
    assert "- One: more/one.md" in (tmp_path / "out" / "mkdocs.yml").read_text()


def test_a_link_to_what_is_not_there_is_named_with_its_line(repository: Path, tmp_path: Path) -> None:
    with (repository / "docs" / "index.md").open("a") as stream:
        stream.write("\n![picture](gone.png)\n")
    with pytest.raises(BrokenPage, match=r"docs/index\.md:6: gone\.png is not there"):
        lay_out(repository, tmp_path / "out")


def test_a_page_to_which_no_way_leads_is_refused(repository: Path, tmp_path: Path) -> None:
    (repository / "docs" / "lost.md").write_text("# Lost\n")
    with pytest.raises(BrokenPage, match=r"no way leads to lost\.md"):
        lay_out(repository, tmp_path / "out")
