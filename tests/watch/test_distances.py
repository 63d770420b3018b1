"""On cells, and beside SciPy on the rows themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from riskloop.watch import distances as d
from riskloop.watch.column import ColumnProfile

RNG = np.random.default_rng(3)
FEW = RNG.poisson(1.0, 900).astype(float).clip(0, 4), RNG.poisson(1.3, 400).astype(float).clip(0, 4)
MANY = RNG.normal(size=4_000), RNG.normal(0.15, 1.1, 1_500)


def counted(before, now):
    reference = ColumnProfile.of_numbers(before)
    return reference, reference.measure(now)


def by_value(before, now):
    values = np.unique(np.concatenate([before, now]))
    return tuple(np.array([(rows == value).sum() for value in values]) for rows in (before, now))


def test_where_values_lie_on_edges_ks_is_scipys():
    before, now = counted(*FEW)
    expected = stats.ks_2samp(*FEW, method="asymp")
    statistic, p = d.kolmogorov_smirnov(before.counts, now.counts)
    assert statistic == pytest.approx(expected.statistic, abs=1e-12)
    n, m = map(len, FEW)
    assert p == pytest.approx(stats.kstwobign.sf(expected.statistic * np.sqrt(n * m / (n + m))), rel=1e-9)


def test_else_ks_is_below_scipys_by_at_most_a_bin():
    before, now = counted(*MANY)
    exact = stats.ks_2samp(*MANY).statistic
    statistic, p = d.kolmogorov_smirnov(before.counts, now.counts)
    assert exact - 1 / 20 <= statistic <= exact
    assert p >= stats.ks_2samp(*MANY, method="asymp").pvalue


def test_chi_square_is_scipys():
    expected = stats.chi2_contingency(np.array(by_value(*FEW)), correction=False)
    statistic, freedom, p = d.chi_square(*by_value(*FEW))
    assert (statistic, freedom, p) == pytest.approx((expected.statistic, expected.dof, expected.pvalue))


def test_jensen_shannon_is_scipys():
    before, now = by_value(*FEW)
    assert d.jensen_shannon(before, now) == pytest.approx(jensenshannon(before, now, base=2))


def test_wasserstein_is_scipys_within_the_width_of_a_bin():
    before, now = counted(*MANY)
    low, high = min(before.minimum, now.minimum), max(before.maximum, now.maximum)
    found = d.wasserstein(before.counts, now.counts, before.edges, low, high)
    assert found == pytest.approx(stats.wasserstein_distance(*MANY), rel=0.15)


@pytest.mark.parametrize("tail", [RNG.normal(0.2, 1, 3_000), RNG.lognormal(0, 2, 3_000), np.full(3_000, 9.0), FEW[1]])
def test_where_everything_moves_one_way_wasserstein_is_scipys_exactly(tail):
    before, now = counted(tail, tail + 0.75)
    low, high = min(before.minimum, now.minimum), max(before.maximum, now.maximum)
    found = d.wasserstein(before.counts, now.counts, before.edges, low, high, now.moments.mean - before.moments.mean)
    assert found == pytest.approx(0.75, rel=1e-9)


def test_a_column_that_only_spreads_has_a_distance_too():
    before, now = counted(RNG.normal(size=20_000), RNG.normal(0, 1.5, 20_000))
    found = d.wasserstein(before.counts, now.counts, before.edges, now.minimum, now.maximum, 0.01)
    assert 0.4 < found < 0.7  # the open ends are taken as even, and so are too wide rather than too narrow


def test_adjusted_p_values_are_scipys():
    p = RNG.random(30) ** 3
    assert d.benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))


@pytest.mark.parametrize(("before", "now"), [(0, 9), (3, 0), (50, 80), (950, 60), (1000, 100)])
def test_shares_are_held_against_each_other_exactly(before, now):
    found = d.share_test(before, 1000, now, 100)
    expected = stats.binomtest(now, before + now, 100 / 1100).pvalue if 2 * (before + now) <= 1100 else None
    if expected is not None:
        assert expected <= found * 1.0001 or found == pytest.approx(expected, rel=0.6)
    assert 0 <= found <= 1


def test_a_share_test_sees_what_is_new_and_not_what_is_alike():
    assert d.share_test(0, 10_000, 9, 300) < 1e-9
    assert d.share_test(100, 1_000, 10, 100) > 0.9
    assert d.share_test(0, 1_000, 0, 100) == 1.0


def test_psi_by_chance_is_what_samples_show():
    seen = []
    for _ in range(400):
        before, now = counted(RNG.normal(size=2_000), RNG.normal(size=600))
        seen.append(d.psi(before.counts, now.counts))
    assert np.mean(seen) == pytest.approx(d.psi_by_chance(20, 2_000, 600), rel=0.08)
    assert np.mean(np.array(seen) > d.psi_by_chance(20, 2_000, 600, 0.95)) < 0.09


def test_one_strong_test_is_not_silenced_by_weak_ones():
    assert d.combined([1e-30, 1.0, 1.0, 0.9]) == pytest.approx(4e-30, rel=1e-3)
    assert d.combined([0.5]) == pytest.approx(0.5)
    assert d.combined([]) == 1.0


def test_a_test_is_listened_to_by_its_weight():
    assert d.combined([1e-30, 0.5], [3, 1]) == pytest.approx(1e-30 * 4 / 3, rel=1e-3)
    assert d.combined([0.2, 0.9], [1, 0]) == pytest.approx(0.2)


COUNTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=12)


@given(COUNTS, st.booleans())
def test_pooling_keeps_every_row(pairs, ordered):
    before, now = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    pooled = d.pooled(before, now, 5.0, ordered=ordered)
    assert (pooled[0].sum(), pooled[1].sum()) == (before.sum(), now.sum())


@given(COUNTS)
def test_distances_are_numbers_in_their_bounds(pairs):
    before, now = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    assert d.psi(before, now) >= 0
    assert 0 <= d.jensen_shannon(before, now) <= 1 + 1e-12
    assert 0 <= d.chi_square(before, now)[2] <= 1
    assert 0 <= d.kolmogorov_smirnov(before, now)[0] <= 1
