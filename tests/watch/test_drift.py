from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.decide.policy import Policy
from riskloop.watch.drift import drift
from riskloop.watch.profile import Profile, Scores
from riskloop.watch.thresholds import USUAL

POLICY = Policy("fixed", 0.5, Costs(fp=10, fn=100))
NUMBERS = tuple(f"x{place}" for place in range(12))
LEVELS = tuple("abcdefgh")
CONTRACT = Contract(
    (
        *(Column(name, nullable=True) for name in NUMBERS),
        Column("plan", "category", levels=LEVELS, nullable=True, unknown="bin"),
        Column("region", "category", levels=LEVELS, nullable=True, unknown="bin"),
    ),
    features=(*NUMBERS, "plan", "region"),
)


def draw(rng, rows):
    """Normal, heavy-tailed, counted and half-empty columns, independent of each other."""
    columns = {}
    for place, name in enumerate(NUMBERS):
        columns[name] = (
            lambda: rng.normal(size=rows),
            lambda: rng.lognormal(0, 2, rows),
            lambda: rng.poisson(1.2, rows).astype(float),
            lambda: np.where(rng.random(rows) < 0.4, 0.0, rng.exponential(size=rows)),
        )[place % 4]()
    columns["x4"][rng.random(rows) < 0.03] = np.nan
    shares = [0.4, 0.3, 0.1, 0.1, 0.05, 0.04, 0.009, 0.001]
    columns |= {name: rng.choice(8, rows, p=shares).astype(np.int32) for name in ("plan", "region")}
    return columns


def scores(columns):
    log_odds = -2 + 0.8 * np.nan_to_num(columns["x0"]) + 0.3 * columns["plan"]
    return Scores.of(POLICY, 1 / (1 + np.exp(-log_odds)), POLICY.costs)


CUSTOMERS = draw(np.random.default_rng(11), 10_000)
REFERENCE = Profile.of(CONTRACT, CUSTOMERS, scores(CUSTOMERS))


def others(rows):
    """Other customers of the same kind; the same ones whatever test runs first."""
    return draw(np.random.default_rng(rows + 1), rows)


def compared(columns, refused=None, kept=None):
    told = scores(columns)
    made = drift(REFERENCE, REFERENCE.measure(columns, told if kept is None else told.take(kept), refused))
    json.dumps(made.to_dict(), allow_nan=False)
    return made


def column(made, name):
    return next(one for one in made.columns if one.name == name)


def codes(reasons):
    return {one.code for one in reasons}


@pytest.mark.parametrize("rows", [300, 3_000])
def test_where_nothing_moves_at_most_one_batch_in_twenty_alarms(rows):
    rng = np.random.default_rng(rows)
    made = []
    for _ in range(200):
        drawn = rng.integers(0, 10_000, rows)
        made.append(compared({name: values[drawn] for name, values in CUSTOMERS.items()}))
    assert sum(one.drifted for one in made) <= 10
    assert sum(one.verdict != "stable" for one in made) <= 10


def test_a_planted_shift_is_found_and_stands_first():
    columns = others(2_000)
    columns["x0"] += 0.6
    made = compared(columns)
    assert made.verdict == "drifted"
    assert [one.name for one in made.moved] == ["x0"]
    assert made.columns[0].name == "x0"
    assert {"mean", "psi"} <= codes(made.columns[0].reasons)
    assert codes(made.reasons) >= {"strongly_moved", "score_moved", "cost_moved"}


def test_of_two_columns_that_moved_alike_the_one_that_costs_stands_first():
    columns = others(4_000)
    columns["x8"] += 0.6
    columns["x0"] += 0.5
    made = compared(columns)
    assert [one.name for one in made.columns[:2]] == ["x0", "x8"]
    dear, free = made.columns[:2]
    assert dear.harm.low > 0
    assert free.harm.low < 0 < free.harm.high


def test_what_a_column_costs_alone_is_what_the_table_costs_more_where_only_it_moves():
    columns = others(20_000)
    columns["x0"] += 0.4
    made = compared(columns)
    assert made.columns[0].harm.value == pytest.approx(made.harm.value, rel=0.3)
    assert made.harm.low < made.harm.value < made.harm.high
    assert made.relative_harm.value == pytest.approx(made.harm.value / made.cost[0])


def test_with_a_million_rows_a_tiny_shift_is_significant_and_no_alarm():
    columns = others(200_000)
    columns["x8"] += 0.06
    made = compared(columns)
    assert column(made, "x8").adjusted < 0.01
    assert made.verdict == "stable"


def test_six_times_the_variance_is_noticed():
    columns = others(300)
    columns["x8"] *= 6**0.5
    made = compared(columns)
    assert made.drifted
    assert "variance" in codes(column(made, "x8").reasons)


def test_a_shift_by_two_deviations_is_noticed_on_two_hundred_rows():
    columns = others(200)
    columns["x8"] += 2.4
    assert compared(columns).drifted


def test_a_category_that_vanishes_is_named():
    columns = others(1_000)
    columns["plan"] = np.where(columns["plan"] == 1, 0, columns["plan"]).astype(np.int32)
    made = compared(columns)
    assert made.drifted
    vanished = next(one for one in column(made, "plan").reasons if one.code == "vanished")
    assert vanished.values["level"] == "b"


def test_a_new_category_is_noticed_though_it_is_rare():
    columns = others(1_000)
    columns["plan"][:40] = len(LEVELS)
    made = compared(columns)
    assert column(made, "plan").drifted
    assert "unknown" in codes(column(made, "plan").reasons)
    assert made.verdict == "watch"


def test_missing_cells_are_noticed():
    columns = others(1_000)
    columns["x8"][:150] = np.nan
    made = compared(columns)
    assert made.drifted
    assert column(made, "x8").missing == (0.0, 0.15)
    assert codes(column(made, "x8").reasons) == {"missing", "psi"}


def test_twelve_thousand_identical_requests_are_frozen_columns():
    one = {name: np.repeat(values[:1], 12_000) for name, values in others(5).items()}
    made = compared(one)
    assert made.drifted
    assert "frozen" in codes(column(made, "x0").reasons)
    assert "frozen" in codes(column(made, "region").reasons)


def test_a_file_that_was_loaded_twice_is_noticed():
    columns = {name: np.tile(values, 2) for name, values in others(400).items()}
    made = compared(columns)
    assert made.repeats == (0.0, 0.5)
    assert "repeated" in codes(made.reasons)
    assert made.drifted


def test_a_dependence_that_flips_is_drift_though_no_column_moved():
    columns = others(2_000)
    columns["x8"] = np.sort(columns["x8"])[np.argsort(np.argsort(columns["x0"]))]
    made = compared(columns)
    assert not made.moved
    assert "pairs_moved" in codes(made.reasons)
    assert made.drifted
    assert set(made.pairs[0].names) == {"x0", "x8"}


def test_cells_that_break_the_contract_are_a_reason():
    columns, broken = others(500), np.arange(500) < 100
    made = compared(columns, {"x3": broken}, ~broken)
    assert made.drifted
    assert made.broken == 100
    assert column(made, "x3").refused == (0.0, 0.2)
    assert "broken_rows" in codes(made.reasons)


@pytest.mark.parametrize("rows", [0, 1, 29])
def test_too_few_rows_get_one_clear_answer(rows):
    made = compared(others(rows))
    assert made.verdict == "watch"
    assert [one.code for one in made.reasons] == ["few_rows"]
    assert not made.moved


def test_columns_that_are_not_there_are_not_judged():
    columns = {name: values for name, values in others(500).items() if name != "region"}
    made = drift(REFERENCE, REFERENCE.measure(columns, scores(columns)))
    assert "region" not in {one.name for one in made.columns}


def test_thresholds_can_be_others():
    columns = others(3_000)
    columns["x8"] += 0.3
    current = REFERENCE.measure(columns, scores(columns))
    assert column(drift(REFERENCE, current), "x8").drifted
    assert not column(drift(REFERENCE, current, replace(USUAL, moved_psi=0.2)), "x8").drifted


def test_the_z_of_the_mean_is_welchs():
    columns = others(700)
    columns["x8"] += 0.2
    expected = stats.ttest_ind(columns["x8"], CUSTOMERS["x8"], equal_var=False).statistic
    assert column(compared(columns), "x8").z_of_mean == pytest.approx(expected)
    ratio = columns["x8"].var(ddof=1) / CUSTOMERS["x8"].var(ddof=1)
    assert column(compared(columns), "x8").variance_ratio == pytest.approx(ratio)


def test_parts_say_what_the_whole_says():
    columns = others(3_000)
    columns["x0"] += 0.3
    halves = [{name: values[half::2] for name, values in columns.items()} for half in (0, 1)]
    first, second = (REFERENCE.measure(half, scores(half)) for half in halves)
    one, other = compared(columns), drift(REFERENCE, first.merge(second))
    assert [c.name for c in one.columns] == [c.name for c in other.columns]
    assert one.verdict == other.verdict
    assert one.harm.value == pytest.approx(other.harm.value)


def test_a_profile_from_before_there_were_pairs_is_read_and_they_are_not_judged():
    old = {name: value for name, value in REFERENCE.to_dict().items() if name not in {"pairs", "repeats"}}
    before = Profile.from_dict(old | {"version": 2})
    columns = others(500)
    made = drift(before, before.measure(columns, scores(columns)))
    assert (made.pairs, made.repeats) == ((), None)
    assert made.verdict == "stable"
