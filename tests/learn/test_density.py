from __future__ import annotations

import numpy as np
import pytest

from riskloop.learn.density import density_ratio

NOBODY = frozenset[str]()


def drawn(rng, n, shift=0.0, share=0.3):
    x = rng.normal(shift, 1, n)
    x[: n // 20] = np.nan
    return {"x": x, "y": rng.normal(size=n), "kind": (rng.random(n) < share).astype(np.int32)}


def test_weights_make_the_reference_look_like_the_current_rows():
    rng = np.random.default_rng(0)
    before, now = drawn(rng, 4_000), drawn(rng, 3_000, shift=0.8, share=0.6)
    found = density_ratio(before, now, frozenset({"kind"}), seed=1)
    assert found.shifted
    assert found.weights.mean() == pytest.approx(1)
    x, present = before["x"], ~np.isnan(before["x"])
    assert np.average(x[present], weights=found.weights[present]) == pytest.approx(0.8, abs=0.15)
    assert np.average(before["kind"], weights=found.weights) == pytest.approx(0.6, abs=0.08)
    assert np.average(before["y"], weights=found.weights) == pytest.approx(0, abs=0.1)


def test_where_every_row_gives_its_side_away_nothing_overlaps():
    rng = np.random.default_rng(0)
    before, now = drawn(rng, 900), drawn(rng, 900)
    before["x"], now["x"] = np.zeros(900), np.ones(900)
    found = density_ratio(before, now, NOBODY, seed=1)
    assert (found.shifted, found.roc_auc) == (True, 1.0)
    assert found.overlap < 0.1
    assert density_ratio(drawn(rng, 900), drawn(rng, 900, shift=0.5), NOBODY, seed=1).overlap > 0.8


def test_where_nothing_tells_them_apart_all_rows_count_the_same():
    alike = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        found = density_ratio(drawn(rng, 600), drawn(rng, 600), NOBODY, seed=1)
        alike.append(not found.shifted)
        assert found.shifted or (found.weights == 1).all()
    assert sum(alike) >= 9


def test_the_same_rows_and_seed_give_the_same_weights():
    rng = np.random.default_rng(0)
    before, now = drawn(rng, 800), drawn(rng, 800, shift=1.0)
    one, two = (density_ratio(before, now, NOBODY, seed=3).weights for _ in range(2))
    assert (one == two).all()
