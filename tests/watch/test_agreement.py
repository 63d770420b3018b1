"""What a drift report says, beside SciPy on the rows and Evidently on the rows: fixed cases, and why they may differ.

Ours is computed on counts: 20 bins between the reference's quantiles, or levels. So

- where values are few and lie on the edges, nothing is lost: equal, but for the order of summing (1e-9);
- where they are many, a statistic sees what lies within a bin as one: Kolmogorov-Smirnov within the share of a bin,
  1/20; Wasserstein, which takes rows to lie evenly within a bin and knows the means exactly, within 3 % of a shift;
- PSI has half a row in every cell, so that an empty one has a logarithm: within cells / rows of the smaller sample;
- Evidently's Jensen-Shannon is to base e, ours to base 2: a factor of the root of ln 2;
- Evidently's Wasserstein is in standard deviations of the reference, ours in units of the column;
- Evidently's chi-square takes the reference's shares for the truth (goodness of fit), ours counts both samples
  (homogeneity): smaller by about n / (n + m), the nearer to it the closer the samples, here within a tenth.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from riskloop.watch.column import ColumnProfile
from riskloop.watch.column_drift import ColumnDrift, column_drift
from riskloop.watch.thresholds import USUAL

RNG = np.random.default_rng(11)
N, M = 20_000, 12_000
FEW = RNG.poisson(1.0, N).clip(0, 4).astype(np.float64), RNG.poisson(1.1, M).clip(0, 4).astype(np.float64)
MANY = RNG.normal(10, 2, N), RNG.normal(10.6, 2.2, M)
LEVELS = ("a", "b", "c", "d")
CODES = (
    RNG.choice(4, N, p=(0.5, 0.3, 0.15, 0.05)).astype(np.int32),
    RNG.choice(4, M, p=(0.45, 0.3, 0.18, 0.07)).astype(np.int32),
)
BIN = 1 / 20


def numbers(pair: tuple[np.ndarray, np.ndarray]) -> ColumnDrift:
    reference = ColumnProfile.of_numbers(pair[0])
    return column_drift("x", reference, reference.measure(pair[1]), USUAL)


def levels() -> ColumnDrift:
    reference = ColumnProfile.of_codes(CODES[0], LEVELS, None)
    return column_drift("c", reference, reference.measure(CODES[1]), USUAL)


def counts(pair: tuple[np.ndarray, np.ndarray]) -> list[np.ndarray]:
    values = np.unique(np.concatenate(pair))
    return [np.array([(side == value).sum() for value in values]) for side in pair]


# SciPy


@pytest.mark.parametrize(("pair", "found"), [(FEW, numbers(FEW)), (CODES, levels())], ids=["numbers", "levels"])
def test_chi_square_and_jensen_shannon_of_few_values_are_scipys(pair, found: ColumnDrift) -> None:
    told = counts(pair)
    expected = stats.chi2_contingency(np.array(told), correction=False)
    assert found.chi_square == pytest.approx(expected.statistic, rel=1e-9)
    assert found.chi_square_p == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.jensen_shannon == pytest.approx(jensenshannon(*told, base=2), rel=1e-9)


def test_kolmogorov_smirnov_of_few_values_is_scipys() -> None:
    found, expected = numbers(FEW), stats.ks_2samp(*FEW, method="asymp")
    assert found.ks == pytest.approx(expected.statistic, rel=1e-9)
    # SciPy corrects the limiting distribution for n m / (n + m) = 7,500 rows, ours is the limit: within 1/sqrt(7,500)
    assert found.ks_p == pytest.approx(expected.pvalue, rel=0.05)


def test_of_many_values_kolmogorov_smirnov_is_below_scipys_by_at_most_a_bin() -> None:
    found, exact = numbers(MANY).ks, stats.ks_2samp(*MANY).statistic
    assert found is not None
    assert exact - BIN <= found <= exact
    assert found == pytest.approx(exact, rel=0.02)  # of a shift, whose largest difference is broad


def test_wasserstein_is_scipys() -> None:
    assert numbers(MANY).wasserstein == pytest.approx(stats.wasserstein_distance(*MANY), rel=0.03)


def test_the_z_score_of_the_mean_is_welchs_and_the_variances_are_numpys() -> None:
    found = numbers(MANY)
    assert found.z_of_mean == pytest.approx(stats.ttest_ind(MANY[1], MANY[0], equal_var=False).statistic, rel=1e-9)
    assert found.variance_ratio == pytest.approx(MANY[1].var(ddof=1) / MANY[0].var(ddof=1), rel=1e-9)


# Evidently

Test = Callable[[str, np.ndarray, np.ndarray], float]


@pytest.fixture(scope="module")
def evidently() -> Test:
    """A statistic of Evidently's by name; categories if the values are whole and few."""
    pytest.importorskip("pandas")
    from riskloop.engines.evidently import require_evidently

    require_evidently()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently.legacy.calculations.stattests import get_stattest
        from evidently.legacy.core import ColumnType

    def value(name: str, reference: np.ndarray, current: np.ndarray) -> float:
        kind = ColumnType.Categorical if len(np.unique(reference)) <= 5 and name != "ks" else ColumnType.Numerical
        before, now = pd.Series(reference), pd.Series(current)
        return float(get_stattest(before, now, kind, name).func(before, now, kind, 0.1)[0])

    return value


@pytest.mark.parametrize(("pair", "found"), [(FEW, numbers(FEW)), (CODES, levels())], ids=["numbers", "levels"])
def test_psi_of_few_values_is_evidentlys_within_cells_by_rows(pair, found: ColumnDrift, evidently: Test) -> None:
    theirs = evidently("psi", *pair)
    assert theirs > 0.005  # there is something to agree on
    assert found.psi == pytest.approx(theirs, abs=5 / M)


@pytest.mark.parametrize(("pair", "found"), [(FEW, numbers(FEW)), (CODES, levels())], ids=["numbers", "levels"])
def test_jensen_shannon_of_few_values_is_evidentlys_to_another_base(pair, found: ColumnDrift, evidently: Test) -> None:
    assert found.jensen_shannon * math.sqrt(math.log(2)) == pytest.approx(evidently("jensenshannon", *pair), rel=1e-9)


def test_chi_square_is_evidentlys_but_for_who_is_taken_for_the_truth(evidently: Test) -> None:
    goodness = stats.chi2.isf(evidently("chisquare", *CODES), 3)
    assert levels().chi_square == pytest.approx(goodness * N / (N + M), rel=0.1)


def test_kolmogorov_smirnov_is_evidentlys(evidently: Test) -> None:
    assert numbers(FEW).ks_p == pytest.approx(evidently("ks", *FEW), rel=0.05)


def test_wasserstein_is_evidentlys_in_other_units(evidently: Test) -> None:
    assert numbers(MANY).wasserstein == pytest.approx(evidently("wasserstein", *MANY) * MANY[0].std(), rel=0.03)


def test_psi_of_many_values_is_evidentlys_within_what_bins_make(evidently: Test) -> None:
    """Ours has 20 bins of equal share, Evidently's 16 of equal width: both estimate the divergence of two normals."""
    ratio, apart = MANY[1].var() / MANY[0].var(), MANY[1].mean() - MANY[0].mean()
    truth = (ratio + 1 / ratio) / 2 - 1 + apart**2 / 2 * (1 / MANY[0].var() + 1 / MANY[1].var())
    assert numbers(MANY).psi == pytest.approx(truth, rel=0.05)
    assert evidently("psi", *MANY) == pytest.approx(truth, rel=0.05)
