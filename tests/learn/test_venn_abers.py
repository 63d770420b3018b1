from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from riskloop.costs import BoolArray, FloatArray
from riskloop.learn.venn_abers import MOST_KNOTS, MOST_ROWS, fit_venn_abers


def customers(n: int, seed: int, decimals: int = 12) -> tuple[FloatArray, BoolArray]:
    rng = np.random.default_rng(seed)
    probability = 1 / (1 + np.exp(-rng.normal(-1.5, 1.5, n)))
    return np.round(probability, decimals), rng.random(n) < probability


def by_definition(probability: FloatArray, outcome: BoolArray, at: float, label: float) -> float:
    """Isotonic regression of the calibration rows and one more."""
    fitted = IsotonicRegression().fit(np.append(probability, at), np.append(outcome, label).astype(float))
    return float(fitted.predict([at])[0])


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 60),
    decimals=st.integers(1, 3),
    at=st.integers(0, 2_000).map(lambda place: place / 2_000),
)
def test_the_ends_are_what_isotonic_regression_says_with_one_more_row(
    seed: int, n: int, decimals: int, at: float
) -> None:
    probability, outcome = customers(n, seed, decimals)
    interval = fit_venn_abers(probability, outcome, seed=1)
    for place in (at, *probability[:3].tolist()):
        low, high = (by_definition(probability, outcome, place, label) for label in (0, 1))
        served = interval.of(place)
        assert served[0] <= min(low, place) + 1e-9
        assert served[1] >= max(high, place) - 1e-9
        if len(interval.knots) == len(np.unique(probability)):  # nothing was thinned
            np.testing.assert_allclose(served, (min(low, place), max(high, place)), atol=1e-12)


def test_thinning_keeps_at_most_500_knots_and_only_widens() -> None:
    probability, outcome = customers(20_000, seed=3)
    interval = fit_venn_abers(probability, outcome, seed=1)
    assert 100 < len(interval.knots) <= MOST_KNOTS
    for place in (0.01, 0.1, 0.35, 0.8):
        low, high = interval.of(place)
        assert low <= by_definition(probability, outcome, place, 0) + 1e-12
        assert high >= by_definition(probability, outcome, place, 1) - 1e-12
        assert high - low < 0.05


def test_the_truth_lies_between_the_ends_on_average_over_customers_alike() -> None:
    """One of the two ends is calibrated: so the share of positives lies between the mean ends."""
    probability, outcome = customers(4_000, seed=4)
    bent = probability**2
    interval = fit_venn_abers(bent, outcome, seed=1)
    fresh, came = customers(40_000, seed=5)
    for lowest, highest in ((0.02, 0.1), (0.1, 0.3), (0.3, 0.9)):
        alike = (fresh >= lowest) & (fresh < highest)
        low, high = interval.of_many(fresh[alike] ** 2)
        noise = 3 * np.sqrt(came[alike].mean() / alike.sum()) + 0.01
        assert low.mean() - noise <= came[alike].mean() <= high.mean() + noise


def test_the_interval_is_wider_where_fewer_rows_were() -> None:
    narrow, wide = (fit_venn_abers(*customers(n, seed=6), seed=1).of(0.2) for n in (20_000, 200))
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


def test_one_outcome_only_can_be_learnt_from() -> None:
    interval = fit_venn_abers(np.array([0.2, 0.2, 0.4]), np.zeros(3, dtype=bool), seed=1)
    assert interval.of(0.2) == (0.0, 0.25)  # one positive among all four
    assert interval.of(0.4) == (0.0, 0.5)  # among the two who stand there


def test_of_very_many_rows_some_are_taken_the_same_for_the_same_seed() -> None:
    probability, outcome = customers(MOST_ROWS + 5_000, seed=7)
    assert fit_venn_abers(probability, outcome, seed=1) == fit_venn_abers(probability, outcome, seed=1)
