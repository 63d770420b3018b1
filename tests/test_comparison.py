"""docs/comparison.md, the README's table and RESULTS.md say what was measured, and nothing older."""

from __future__ import annotations

import copy
import re
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import measured, pages
from benchmarks.comparison.heads import quality
from benchmarks.comparison.others import OTHERS
from benchmarks.comparison.page import comparison
from benchmarks.comparison.readme import END, START, short
from benchmarks.comparison.wins import wins
from benchmarks.footprint import megabytes, needed
from benchmarks.quality.__main__ import main as contests
from benchmarks.quality.page import alike, apart

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


@pytest.fixture
def figures() -> dict[str, Any]:
    return copy.deepcopy(measured())


@pytest.mark.parametrize("name", ["benchmarks/RESULTS.md", "docs/comparison.md", "README.md"])
def test_every_page_says_what_the_figures_say(name: str, figures: dict[str, Any]) -> None:
    written = pages(figures, README.read_text())[ROOT / name]
    stale = f"{name} is not what the figures say: run `python -m benchmarks comparison`"
    assert (ROOT / name).read_text() == written, stale


def test_a_figure_that_changes_makes_the_page_stale(figures: dict[str, Any]) -> None:
    figures["serving"]["results"]["services"]["BentoML"]["loads"]["32"]["requests_per_second"] = 4321.4
    assert "| 4,321 |" in comparison(figures)
    assert "BentoML 4,321 (" in "\n".join(short(figures))


def test_the_readme_keeps_all_that_stands_around_the_table(figures: dict[str, Any]) -> None:
    text = f"before\n{START}\nwhat stood there\n{END}\nafter\n"
    written = pages(figures, text)[README]
    assert written.startswith(f"before\n{START}\n\n| riskloop, on two cores")
    assert written.endswith(f"\n\n{END}\nafter\n")
    assert "what stood there" not in written


def test_a_readme_without_its_marks_is_told_so(figures: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="put the two comments back"):
        pages(figures, f"{END} {START}")


def test_every_tool_is_named_with_its_version_its_source_and_what_it_does_better(figures: dict[str, Any]) -> None:
    page, installed = comparison(figures), figures["footprint"]["results"]["installations"]
    assert "not installed when" not in page
    for one in OTHERS:
        assert f"| [{one.name}]({one.page}) | {installed[one.key]['version']} |" in page
        assert f"| {one.name} | {';<br>'.join(one.does)} | {one.better_when} |" in page
        assert one.sends_source in page


@pytest.mark.parametrize("one", OTHERS, ids=lambda one: one.key)
def test_no_figure_is_typed_by_hand(one: Any) -> None:
    words = " ".join([one.for_, one.measured, *one.does, one.better_when, one.sends])
    assert not re.search(r"\d", re.sub(r"https?://\S+", "", words))


def test_a_figure_in_which_another_is_better_is_listed_and_only_then(figures: dict[str, Any]) -> None:
    loads = figures["serving"]["results"]["services"]["MLServer"]["loads"]["32"]
    ours = figures["serving"]["results"]["services"]["riskloop"]["loads"]["32"]["requests_per_second"]

    def listed() -> list[tuple[str, str]]:
        return [(one.theirs, one.ours) for one in wins(figures) if one.who == "MLServer" and one.what == "requests/s"]

    loads["requests_per_second"] = ours - 1
    assert listed() == []
    loads["requests_per_second"] = ours + 1
    assert listed() == [(f"{ours + 1:,.1f}", f"{ours:,.1f}")]


def test_a_better_roc_auc_is_beyond_noise_only_if_its_interval_says_so(figures: dict[str, Any]) -> None:
    contests = figures["quality"]["results"]
    for one in contests:
        if (one["contestant"], one["task"], one["seconds"]) == ("flaml", "adult", 60.0):
            one["roc_auc"], one["roc_auc_beside"] = [0.95, 0.94, 0.96], [0.02, 0.01, 0.03]
    [told] = [one for one in wins(figures) if (one.who, one.what, one.where) == ("flaml", "ROC-AUC", "adult, 60 s")]
    assert told.beyond_noise
    assert "0.9500 ▲" in "\n".join(quality(contests))


def test_a_peer_that_ran_on_fewer_splits_is_held_against_ours_on_those() -> None:
    ours = [_contest("riskloop", repeat) for repeat in (0, 1, 2)]
    assert alike(ours, [_contest("pycaret", 1)]) == [ours[1]]


def test_who_ran_beside_other_work_is_said_to_have() -> None:
    assert apart([_contest("riskloop", 0)]) == ""
    late = _contest("pycaret", 0) | {"clock": "cpu", "date": "2026-11-26", "load": 9.6, "cpu_seconds": 140.4}
    assert "pycaret ran at another time (2026-11-26), beside other work (load 10 on two cores" in apart([late])


def test_a_contestant_that_is_not_here_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["quality", "--only", "nobody"])
    with pytest.raises(SystemExit):
        contests()
    assert "no contestant nobody here; there are riskloop" in capsys.readouterr().err


def test_a_footprint_counts_what_is_required_here_and_no_more(tmp_path: Path) -> None:
    installed = {
        "tool": _installed(tmp_path, "tool", "Requires-Dist: base\nRequires-Dist: wheels; extra == 'fast'"),
        "base": _installed(tmp_path, "base", "Requires-Dist: elsewhere; sys_platform == 'win32'"),
        "wheels": _installed(tmp_path, "wheels", ""),
        "stranger": _installed(tmp_path, "stranger", ""),
    }
    assert sorted(needed(["tool"], installed)) == ["base", "tool"]
    assert sorted(needed(["tool[fast]"], installed)) == ["base", "tool", "wheels"]
    assert megabytes(installed["tool"]) == pytest.approx(2.0, abs=0.001)
    with pytest.raises(LookupError, match="missing is not installed"):
        needed(["missing"], installed)


def _contest(name: str, repeat: int) -> dict[str, Any]:
    return {"task": "adult", "seconds": 60.0, "repeat": repeat, "contestant": name}


def _installed(folder: Path, name: str, requires: str) -> PathDistribution:
    """A package of two megabytes, and of bytecode that does not count."""
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir()
    (folder / f"{name}.py").write_bytes(b"#" * 2_000_000)
    (folder / f"{name}.pyc").write_bytes(b"#" * 2_000_000)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}\n")
    (information / "RECORD").write_text(f"{name}.py,,\n{name}.pyc,,\n")
    return PathDistribution(information)
