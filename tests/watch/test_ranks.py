"""Beside SciPy on the rows themselves, and beside published tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from riskloop.watch import ranks
from riskloop.watch.column import ColumnProfile
from riskloop.watch.column_drift import column_drift
from riskloop.watch.thresholds import USUAL

RNG = np.random.default_rng(3)
FEW = RNG.poisson(1.0, 900).astype(float).clip(0, 4), RNG.poisson(1.3, 400).astype(float).clip(0, 4)
MANY = RNG.normal(size=4_000), RNG.normal(0.1, 1.1, 1_500)


def by_value(before, now):
    values = np.unique(np.concatenate([before, now]))
    return tuple(np.array([(rows == value).sum() for value in values]) for rows in (before, now))


def test_a_score_is_the_mean_normal_quantile_of_the_ranks_in_a_bin():
    before, now = by_value(*FEW)
    first, second = ranks.rank_scores(before, now)
    fine = stats.norm.ppf((np.arange(1_300_000) + 0.5) / 1_300_000)
    parts = np.split(fine, np.cumsum((before + now) * 1_000)[:-1])
    assert first == pytest.approx([part.mean() for part in parts], abs=1e-4)
    assert second == pytest.approx([(part**2).mean() for part in parts], abs=1e-3)


@pytest.mark.parametrize("rows", [FEW, MANY])
def test_the_tests_are_the_correlation_of_scores_and_sample(rows):
    before, now = by_value(*rows)
    current = np.repeat(np.tile([0, 1], len(now)), np.stack([before, now], axis=1).ravel())
    for score, p_value in zip(ranks.rank_scores(before, now), ranks.rank_tests(before, now), strict=True):
        correlation = stats.pearsonr(np.repeat(score, before + now), current).statistic
        assert ranks.rank_z(score, before, now) == pytest.approx(correlation * np.sqrt(len(current) - 1), abs=1e-9)
        assert p_value == pytest.approx(2 * stats.norm.sf(abs(correlation) * np.sqrt(len(current) - 1)), rel=1e-6)


def test_a_shift_is_seen_by_the_one_and_a_spread_by_the_other():
    before = RNG.normal(size=50_000)
    shift, spread = ranks.rank_tests(*counted(before, RNG.normal(0.2, 1, 1_000)))
    assert shift < 1e-6 < 0.01 < spread
    shift, spread = ranks.rank_tests(*counted(before, RNG.normal(0, 1.2, 1_000)))
    assert spread < 1e-6 < 0.01 < shift


def counted(before, now):
    reference = ColumnProfile.of_numbers(before)
    return reference.counts, reference.measure(now).counts


@pytest.mark.parametrize("value", [0.3, 1.0, 4.9, 5.0, 5.1, 12.0, 60.0])
def test_a_sum_of_equal_weights_is_chi_square(value):
    assert ranks.beyond(value, np.ones(5)) == pytest.approx(stats.chi2.sf(value, 5), rel=0.02)
    assert ranks.beyond(value, np.ones(1)) == pytest.approx(stats.chi2.sf(value, 1), rel=1e-9)


@pytest.mark.parametrize(("value", "level"), [(1.933, 0.10), (2.492, 0.05), (3.857, 0.01)])
def test_anderson_darlings_published_limits_come_out(value, level):
    place = np.arange(1, 2_000)
    assert ranks.beyond(value, 1 / (place * (place + 1))) == pytest.approx(level, rel=0.08)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("shift", [0.2, 0.25, 0.3])
def test_anderson_darling_on_values_is_scipys(shift):
    rng = np.random.default_rng(8)
    before, now = rng.normal(size=150), rng.normal(size=100)
    now += shift - now.mean() + before.mean()
    expected = stats.anderson_ksamp([before, now]).pvalue
    assert 0.001 < expected < 0.25  # beyond that SciPy's table ends
    assert ranks.anderson_darling(*by_value(before, now)) == pytest.approx(expected, rel=0.1)


def test_anderson_darling_raises_as_many_false_alarms_as_it_may():
    rng = np.random.default_rng(4)
    shares = np.array([0.4, *[0.05] * 12])  # half zeros
    before = rng.multinomial(1_000_000, shares)
    found = [ranks.anderson_darling(before, now) for now in rng.multinomial(500, shares, 4_000)]
    assert 0.04 < np.mean(np.array(found) < 0.05) < 0.058
    assert 0.006 < np.mean(np.array(found) < 0.01) < 0.0145


PAIRS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=12)


@given(PAIRS)
def test_it_does_not_matter_from_which_end_one_counts(pairs):
    before, now = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    found = [*ranks.rank_tests(before, now), ranks.anderson_darling(before, now)]
    turned = [*ranks.rank_tests(before[::-1], now[::-1]), ranks.anderson_darling(before[::-1], now[::-1])]
    assert all(0 <= p <= 1 for p in found)
    assert found == pytest.approx(turned, rel=1e-6, abs=1e-12)


KINDS = {
    "normal": lambda rng, rows: rng.normal(size=rows),
    "count": lambda rng, rows: rng.poisson(1.2, rows).astype(float),
    "half zeros": lambda rng, rows: np.where(rng.random(rows) < 0.4, 0.0, rng.exponential(size=rows)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_all_tests_together_keep_to_their_level(kind):
    rng = np.random.default_rng(6)
    known = ColumnProfile.of_numbers(KINDS[kind](rng, 200_000))
    found = [p_value(known, KINDS[kind](rng, 500)) for _ in range(1_200)]
    assert np.mean(np.array(found) < 0.05) < 0.063  # two standard errors above


def test_a_small_shift_is_found_about_as_often_as_by_the_best_test_of_a_mean():
    rng = np.random.default_rng(7)
    known = ColumnProfile.of_numbers(rng.normal(size=200_000))
    batches = [rng.normal(0.2238, 1, 300) for _ in range(300)]
    best = np.mean([abs(batch.mean()) * np.sqrt(300) > stats.norm.isf(0.005) for batch in batches])
    found = np.mean([p_value(known, batch) < 0.01 for batch in batches])
    assert best > 0.85
    assert found > best - 0.07


def p_value(known, batch):
    return column_drift("x", known, known.measure(batch), USUAL).p_value
