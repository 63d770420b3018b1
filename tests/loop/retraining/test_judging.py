from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from riskloop.data.contract import Column, Contract
from riskloop.learn.evaluation.paired import compare_costs
from riskloop.loop.retraining.judging import Judge, SideBySide, compare_weighted
from riskloop.loop.retraining.table import WEIGHT
from riskloop.problem import Problem

PLANS = ("basic", "plus", "premium")
CONTRACT = Contract((Column("plan", "category", levels=PLANS), Column("age")), ("plan", "age"))
PROBLEM = Problem("left", "yes", sensitive=("sex",))


def judge(**limits: float) -> Judge:
    more = {"margin": 0.0, "minimum_rows": 100} | limits
    return Judge(CONTRACT, PROBLEM, currency="EUR", seed=1, **more)  # type: ignore[arg-type]


def customers(rows: int, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame({"plan": rng.choice(PLANS, rows), "sex": rng.choice(["f", "m"], rows), "age": ["30"] * rows})


def beside(frame: pl.DataFrame, new: np.ndarray, old: np.ndarray) -> SideBySide:
    return SideBySide(frame, np.zeros(frame.height, dtype=bool), new, old)


def test_a_version_that_costs_more_for_sure_is_refused_and_one_within_noise_is_not() -> None:
    rng, frame = np.random.default_rng(3), customers(2_000)
    noise, old = rng.normal(0, 10, 2_000), rng.normal(100, 10, 2_000)
    worse, even = judge()(beside(frame, old + 3 + noise, old)), judge()(beside(frame, old + noise, old))
    assert [check.name for check in worse] == ["not_worse_than_champion", "no_segment_worse"]
    assert [check.passed for check in worse] == [False, False]
    assert [check.passed for check in even] == [True, True]


def test_a_segment_that_pays_for_the_others_is_found_and_named() -> None:
    rng, frame = np.random.default_rng(4), customers(3_000)
    old = rng.normal(100, 10, 3_000)
    women = (frame["sex"] == "f").to_numpy() & (frame["plan"] == "premium").to_numpy()
    new = old + rng.normal(0, 5, 3_000) - 2 + 12 * (frame["plan"] == "premium").to_numpy() - 6.0 * ~women
    looked = judge()
    overall, segments = looked(beside(frame, new, old))
    assert overall.passed
    assert not segments.passed
    assert "plan = premium" in segments.message
    assert {segment.name for segment in looked.segments} == {"sex = f", "sex = m", *(f"plan = {one}" for one in PLANS)}


def test_a_margin_forgives_what_is_within_it() -> None:
    rng, frame = np.random.default_rng(5), customers(3_000)
    old = rng.normal(100, 10, 3_000)
    new = old + rng.normal(0, 1, 3_000) + np.where((frame["plan"] == "premium").to_numpy(), 1.0, -1.0)
    assert not judge()(beside(frame, new, old))[1].passed
    assert judge(margin=1_500)(beside(frame, new, old))[1].passed


def test_small_segments_are_not_judged() -> None:
    frame = customers(400).with_columns(plan=pl.when(pl.int_range(400) < 50).then(pl.lit("rare")).otherwise("plan"))
    looked = judge()
    looked(beside(frame, np.ones(400), np.ones(400)))
    assert "plan = rare" not in {segment.name for segment in looked.segments}


def test_where_nothing_differs_segments_are_called_dearer_hardly_ever() -> None:
    """Benjamini-Hochberg at 5 %: in 300 comparisons of equals 15 alarms are to be expected at most."""
    alarms = 0
    for seed in range(300):
        rng, frame = np.random.default_rng(1_000 + seed), customers(900, seed)
        new, old = rng.choice([0.0, 10.0, 100.0], (2, 900), p=[0.5, 0.4, 0.1])
        alarms += not judge()(beside(frame, new, old))[1].passed
    assert alarms <= 24  # binomial(300, 0.05) exceeds it once in a hundred runs


def test_rows_that_stand_for_themselves_are_compared_as_ever() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.choice([0.0, 10.0, 100.0], (2, 500))
    assert compare_weighted(a, b, np.ones(500), seed=2) == compare_costs(a, b, seed=2)


def test_the_explored_make_up_for_those_of_whom_nothing_is_known() -> None:
    """The truth about everybody lies in the weighted interval of those who were seen, as often as it says."""
    covered, share, n = 0, 0.1, 4_000
    for seed in range(200):
        rng = np.random.default_rng(seed)
        risky = rng.random(n) < 0.5
        difference = np.where(risky, rng.normal(-8, 20, n), rng.normal(3, 5, n))  # better only where one acts
        seen = ~risky | (rng.random(n) < share)
        weight = np.where(risky, 1 / share, 1.0)[seen]
        found = compare_weighted(difference[seen], np.zeros(seen.sum()), weight, seed=0)
        covered += found.low <= -2_500 <= found.high
        assert found.mean < compare_costs(difference[seen], np.zeros(seen.sum()), seed=0, resamples=50).mean
    assert covered >= 180  # 190 are expected


def test_the_weights_of_the_table_are_used() -> None:
    frame = customers(200).with_columns(pl.Series(WEIGHT, [9.0] * 100 + [1.0] * 100))
    new = np.r_[np.full(100, 1.0), np.full(100, 0.0)]
    looked = judge()
    looked(beside(frame, new, np.zeros(200)))
    assert looked.difference is not None
    assert looked.difference.mean == pytest.approx(900.0)
