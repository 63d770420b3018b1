from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from riskloop.data.contract import Column, Contract
from riskloop.watch.joint import Pairs, pairs_drift
from riskloop.watch.thresholds import USUAL

NAMES = ("zeta", "alpha", "mid", "heavy", "counts")
CONTRACT = Contract(
    (
        *(Column(name, nullable=True) for name in NAMES),
        Column("plan", "category", levels=tuple("abcdefg"), nullable=True),
    ),
    features=(*NAMES, "plan"),
)


def draw(rng, rows, correlation=0.6):
    zeta = rng.normal(size=rows)
    return {
        "zeta": zeta,
        "alpha": correlation * zeta + np.sqrt(1 - correlation**2) * rng.normal(size=rows),
        "mid": np.round(zeta**2),
        "heavy": rng.lognormal(0, 2, rows),
        "counts": np.where(rng.random(rows) < 0.1, np.nan, rng.poisson(1.2, rows)),
        "plan": rng.choice(7, rows, p=[0.4, 0.3, 0.1, 0.1, 0.05, 0.04, 0.01]).astype(np.int32),
    }


REFERENCE = Pairs.of(CONTRACT, draw(np.random.default_rng(1), 8_000))


def compared(columns, **more):
    return pairs_drift(REFERENCE, REFERENCE.measure(columns), USUAL, **more)


@pytest.mark.parametrize("rows", [200, 1_000])
def test_where_nothing_moves_hardly_a_pair_does(rows):
    rng = np.random.default_rng(rows)
    made = [compared(draw(rng, rows)) for _ in range(200)]
    assert sum(any(one.moved for one in found) for found in made) <= 4
    assert sum(any(one.adjusted <= 0.05 for one in found) for found in made) <= 16


def test_a_correlation_that_flips_is_seen_though_both_columns_stay():
    found = compared(draw(np.random.default_rng(2), 400, -0.6))
    assert set(found[0].names) == {"zeta", "alpha"}
    assert found[0].moved
    assert found[0].before > 0.4
    assert found[0].now < -0.4
    assert found[0].effect > 0.8
    small = compared(draw(np.random.default_rng(2), 4_000, 0.4))[0]
    assert small.effect == pytest.approx(0.2, abs=0.08)


def test_columns_that_move_by_themselves_are_no_joint_drift():
    columns = draw(np.random.default_rng(3), 1_000)
    columns["heavy"] *= 3
    columns["plan"] = np.where(columns["plan"] == 1, 0, columns["plan"]).astype(np.int32)
    columns["counts"][:] = 2.0
    assert not any(one.moved for one in compared(columns))


def test_days_that_differ_widen_the_test():
    columns = draw(np.random.default_rng(2), 400, 0.2)
    plain, wide = compared(columns), compared(columns, inflation=np.full(15, 4.0))
    p_values = [{one.names: one.p_value for one in found} for found in (plain, wide)]
    assert p_values[0]["zeta", "alpha"] < p_values[1]["zeta", "alpha"]


def test_of_two_by_two_cells_the_statistic_is_that_of_equal_odds():
    """Beside Breslow and Day's idea: where odds ratios of both samples are equal, nothing is left to tell."""
    before, now = np.zeros((5, 5)), np.zeros((5, 5))
    before[:2, :2], now[:2, :2] = [[400, 100], [100, 400]], [[80, 20], [20, 80]]
    reference = Pairs({"a": np.arange(1.0), "b": np.arange(1.0)}, before.reshape(1, 25).astype(np.int64))
    alike = pairs_drift(reference, Pairs(reference.cuts, now.reshape(1, 25).astype(np.int64)), USUAL)[0]
    assert alike.p_value == pytest.approx(1.0, abs=1e-6)
    now[:2, :2] = [[20, 80], [80, 20]]
    other = pairs_drift(reference, Pairs(reference.cuts, now.reshape(1, 25).astype(np.int64)), USUAL)[0]
    odds = [np.log(16.0), np.log(1 / 16)]
    wald = (odds[0] - odds[1]) ** 2 / (2 / 400 + 2 / 100 + 2 / 20 + 2 / 80)
    assert other.p_value < 1e-20
    assert stats.chi2.isf(other.p_value, 1) == pytest.approx(wald, rel=0.7)


def test_parts_add_up_and_are_written_down_whatever_sorts_the_keys():
    columns = draw(np.random.default_rng(4), 500)
    halves = [REFERENCE.measure({name: values[half::2] for name, values in columns.items()}) for half in (0, 1)]
    whole = REFERENCE.measure(columns)
    assert ((halves[0] + halves[1]).counts == whole.counts).all()
    again = Pairs.from_dict(json.loads(json.dumps(whole.to_dict(), sort_keys=True)))
    assert again.names == whole.names
    assert again.alike(whole)
    assert (again.counts == whole.counts).all()


def test_twenty_columns_take_less_than_a_hundred_kilobytes():
    rng = np.random.default_rng(5)
    contract = Contract(tuple(Column(f"x{n}") for n in range(30)), features=tuple(f"x{n}" for n in range(30)))
    columns = {f"x{n}": rng.normal(size=20_000) for n in range(30)}
    made = Pairs.of(contract, columns, ("x29", "x7"))
    assert list(made.cuts)[:3] == ["x29", "x7", "x0"]
    assert len(made.names) == 190
    assert len(json.dumps(made.to_dict())) < 100_000
