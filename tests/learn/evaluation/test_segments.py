from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.learn.evaluation.segments import WeakSegment, _cuts, weak_segments, write_segments

COSTS = Costs(fp=10, fn=50)
REGIONS = ("north", "south", "east", "west")
CONTRACT = Contract(
    (Column("age"), Column("debt", nullable=True), Column("region", "category", levels=REGIONS, nullable=True)),
    ("age", "debt", "region"),
)


def found(fault: str, seed: int = 1, rows: int = 8_000) -> list[WeakSegment]:
    """A calibrated model with one fault."""
    rng = np.random.default_rng(seed)
    columns = {
        "age": rng.integers(18, 80, rows).astype(float),
        "debt": np.where(rng.random(rows) < 0.1, np.nan, rng.gamma(2, 500, rows)),
        "region": rng.integers(-1, len(REGIONS), rows).astype(np.int32),
    }
    log_odds = rng.normal(-1.2, 1.2, rows) + (columns["age"] - 45) / 30
    outcome = rng.random(rows) < 1 / (1 + np.exp(-log_odds))
    south, old = columns["region"] == 1, columns["age"] > 63
    if fault == "ranking":
        log_odds = np.where(south, rng.permutation(log_odds), log_odds)
    if fault == "level":
        log_odds = np.where(south, log_odds - 1, log_odds)
    if fault == "both":
        log_odds = np.where(south & old, log_odds - 2.5, log_odds)
    probability = 1 / (1 + np.exp(-log_odds))
    excess = excess_cost(outcome, probability)
    return weak_segments(CONTRACT, columns, outcome, probability, excess, seed=1, important=("age", "region"))


def excess_cost(outcome: np.ndarray, probability: np.ndarray) -> np.ndarray:
    act = probability >= COSTS.bayes_threshold
    return COSTS.each(outcome, act) - COSTS.expected(probability, act)


def test_a_model_without_a_fault_has_no_weak_segment_but_by_chance() -> None:
    assert sum(bool(found("none", seed)) for seed in range(20)) <= 3


def test_riskier_and_more_uniform_customers_make_no_segment_weak() -> None:
    assert not [one for one in found("none") if one.name.startswith("age")]


def test_customers_who_are_ranked_at_random_are_found() -> None:
    first = found("ranking")[0]
    assert first.name == "region = south"
    assert first.measure in ("roc_auc", "log_loss")
    assert "promise" in first.words("EUR")


def test_customers_whose_risk_is_underrated_are_found() -> None:
    first = found("level")[0]
    assert first.name == "region = south"
    assert first.here > first.elsewhere


def test_a_fault_of_two_features_together_is_found_where_they_meet() -> None:
    names = [one.name for one in found("both")]
    assert any(name.startswith("age above") and name.endswith("region = south") for name in names[:2])


def test_who_is_found_is_not_listed_twice_under_another_name() -> None:
    names = [one.name for one in found("level")]
    assert len(names) == len(set(names))
    assert not any("region = south" in name for name in names[1:])


@pytest.mark.parametrize(
    ("values", "cuts"),
    [([0, 1, 1, 1, 1, 1], [0]), ([1, 1], []), ([], []), ([1, 2, 3, 3], [1, 2]), (range(9), [2, 4, 6])],
)
def test_numbers_are_cut_at_quartiles_or_where_few_at_every_value(values: list[float], cuts: list[float]) -> None:
    assert _cuts(np.array(values, dtype=float)) == cuts


def test_small_groups_are_not_judged() -> None:
    assert found("level", rows=90) == []


def test_segments_are_written_as_a_table(tmp_path: Path) -> None:
    segments = found("level")
    write_segments(tmp_path / "segments.csv", segments)
    with (tmp_path / "segments.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["name"] for row in rows] == [one.name for one in segments]
    assert float(rows[0]["here"]) == pytest.approx(segments[0].here)


def test_a_weak_stretch_of_dates_is_named_by_its_days() -> None:
    rng = np.random.default_rng(1)
    day, log_odds = rng.integers(20_000, 20_400, 6_000).astype(float), rng.normal(-1.2, 1.2, 6_000)
    outcome = rng.random(6_000) < 1 / (1 + np.exp(-log_odds))
    probability = 1 / (1 + np.exp(-np.where(day > 20_300, log_odds - 2.5, log_odds)))
    contract = Contract((Column("opened_on", "date"),), ("opened_on",))
    excess = excess_cost(outcome, probability)
    weak = weak_segments(contract, {"opened_on": day}, outcome, probability, excess, seed=1)
    assert weak
    assert weak[0].name.startswith("opened_on above 2025-")
