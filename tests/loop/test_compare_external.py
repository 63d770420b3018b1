"""Probabilities made elsewhere are priced on the test block, by the same costs; nothing of it can lead."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from riskloop.cli.app import main
from riskloop.data.source import Source
from riskloop.errors import DataError, NotFound
from riskloop.loop.project import Project
from riskloop.loop.workflows.compare_external import compare_external
from riskloop.loop.workflows.history import history


@pytest.fixture
def truth(simulated: Path) -> pl.DataFrame:
    """The true probability of every customer of the training table."""
    frame = pl.read_csv(simulated / "truth.csv")
    return frame.select("customer_id", pl.col("true_probability").alias("probability"))


def _file(frame: pl.DataFrame, folder: Path) -> Source:
    frame.write_csv(folder / "scores.csv")
    return Source(str(folder / "scores.csv"))


def test_the_truth_decides_no_dearer_than_a_version_and_a_constant_as_acting_on_everyone(
    trained: Project, truth: pl.DataFrame, tmp_path: Path
) -> None:
    found = compare_external(trained, _file(truth, tmp_path), version=2)
    assert (found.version, found.rows) == (2, 503)
    assert found.external["roc_auc"].value > found.ours["roc_auc"].value
    assert found["external"].difference.low <= 0
    constant = truth.with_columns(pl.lit(0.3).alias("probability"))
    same = compare_external(trained, _file(constant, tmp_path))
    assert same["external"].cost_per_thousand == same["act_on_all"].cost_per_thousand
    assert same["external_at_0.5"].total_cost == same["act_on_none"].total_cost


def test_the_version_is_priced_as_in_its_training(trained: Project, truth: pl.DataFrame, tmp_path: Path) -> None:
    found = compare_external(trained, _file(truth, tmp_path))
    promised = trained.versions.get(1).metrics["metrics"]
    assert found.version == 1
    for metric in ("roc_auc", "cost_per_thousand", "act_rate"):
        assert found.ours[metric].value == pytest.approx(promised[metric]["value"], abs=1e-9)


def test_probabilities_that_are_far_too_low_are_dearer_and_the_verdict_says_so(
    trained: Project, truth: pl.DataFrame, tmp_path: Path
) -> None:
    found = compare_external(trained, _file(truth.with_columns(pl.col("probability") / 20), tmp_path))
    assert found["external"].difference.low > 0
    assert found.verdict.startswith("The outside probabilities decide dearer than version 1 (difference +")


def test_other_customers_are_passed_over_and_nothing_is_registered(
    trained: Project, truth: pl.DataFrame, tmp_path: Path
) -> None:
    before = history(trained)
    stranger = pl.DataFrame({"customer_id": ["nobody"], "probability": [0.5]})
    more = compare_external(trained, _file(pl.concat([truth.reverse(), stranger]), tmp_path))
    assert more.to_dict() == compare_external(trained, _file(truth, tmp_path)).to_dict()
    assert history(trained) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.head(10), "of the test block have no probability"),
        (lambda frame: pl.concat([frame, frame]), "are there more than once"),
        (lambda frame: frame.with_columns(pl.col("probability") * 9 - 3), "are no probabilities, first '-"),
        (lambda frame: frame.with_columns(pl.lit("yes").alias("probability")), "are no probabilities, first 'yes'"),
        (lambda frame: frame.rename({"probability": "p"}), "no column 'probability'"),
        (lambda frame: frame.rename({"customer_id": "who"}), "no column 'id'"),
    ],
)
def test_a_file_that_cannot_be_compared_is_refused_with_the_reason(
    trained: Project, truth: pl.DataFrame, tmp_path: Path, change: object, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        compare_external(trained, _file(change(truth), tmp_path))  # type: ignore[operator]


def test_a_block_that_is_gone_is_said_to_be_gone(trained: Project, truth: pl.DataFrame, tmp_path: Path) -> None:
    source = _file(truth, tmp_path)
    Path(trained.source.path).rename(Path(trained.source.path).with_suffix(".away"))
    try:
        with pytest.raises(NotFound, match="the training table cannot be read"):
            compare_external(trained, source)
    finally:
        Path(trained.source.path).with_suffix(".away").rename(trained.source.path)


def test_the_command_line_tells_it_and_a_version_that_does_not_exist(
    trained: Project, truth: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _file(truth.rename({"customer_id": "who"}), tmp_path).path
    asked = ["compare", "--project", str(trained.folder), "--external", path, "--id-column", "who"]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "act on all" in said
    assert "cannot be promoted" in said
    assert main([*asked, "--model-version", "99"]) == 1
