from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from riskloop.data.contract import Column, Contract
from riskloop.learn.telling_apart import delong, tell_apart

CONTRACT = Contract(
    (Column("a", nullable=True), Column("b"), Column("row"), Column("plan", "category", levels=tuple("abc"))),
    features=("a", "b", "row", "plan"),
)


def draw(rng, rows, correlation=0.7, start=0):
    a = rng.normal(size=rows)
    b = correlation * a + np.sqrt(1 - correlation**2) * rng.normal(size=rows)
    a[rng.random(rows) < 0.1] = np.nan
    plan = rng.integers(-1, 3, rows).astype(np.int32)
    return {"a": a, "b": b, "row": np.arange(start, start + rows) + 0.0, "plan": plan}


def test_rows_of_one_kind_are_hardly_ever_told_apart():
    rng = np.random.default_rng(1)
    found = [tell_apart(CONTRACT, draw(rng, 300), draw(rng, 200, start=300), seed=seed) for seed in range(15)]
    assert sum(one.different for one in found) <= 1
    assert np.mean([one.roc_auc.value for one in found]) == pytest.approx(0.5, abs=0.03)


def test_a_correlation_that_flips_is_told_and_by_which_columns():
    rng = np.random.default_rng(2)
    found = tell_apart(CONTRACT, draw(rng, 800), draw(rng, 600, -0.7, start=800))
    assert found.different
    assert {name for name, _ in found.columns[:2]} == {"a", "b"}
    assert found.left_out == ("row",)


def test_what_is_peculiar_to_a_day_is_not_learnt_across_its_rows():
    rng = np.random.default_rng(3)
    current = draw(rng, 600)
    days = np.repeat(np.arange(12), 50)
    current["b"] = np.repeat(rng.normal(0, 1, 12), 50) + 0.001 * rng.normal(size=600)
    free = tell_apart(CONTRACT, draw(rng, 600), current)
    held = tell_apart(CONTRACT, draw(rng, 600), current, days=days)
    assert held.roc_auc.value < free.roc_auc.value - 0.05


def test_few_rows_are_not_judged():
    rng = np.random.default_rng(4)
    assert tell_apart(CONTRACT, draw(rng, 99), draw(rng, 500)) is None
    assert tell_apart(CONTRACT, draw(rng, 500), {}) is None


def test_the_interval_is_delongs():
    rng = np.random.default_rng(5)
    positive = rng.random(500) < 0.4
    score = np.round(rng.normal(size=500) + positive, 1)
    found = delong(score, positive)
    assert found.value == pytest.approx(roc_auc_score(positive, score))
    drawn = rng.integers(0, 500, (500, 500))
    spread = np.std([roc_auc_score(positive[rows], score[rows]) for rows in drawn])
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(spread, rel=0.12)
