from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from riskloop.costs import BoolArray, FloatArray
from riskloop.errors import DataError
from riskloop.learn.calibrating import choose_calibration, choose_forward_calibration, fit_calibration
from riskloop.learn.evaluation.calibration import CalibrationLine, calibration_p_value
from riskloop.learn.evaluation.metrics import log_loss
from riskloop.scorer.calibration import Calibration


def customers(n: int, seed: int = 11) -> tuple[FloatArray, BoolArray]:
    """True log-odds, and what happened."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-1.5, 1.5, n)
    return log_odds, rng.random(n) < 1 / (1 + np.exp(-log_odds))


def test_a_calibrated_model_is_left_alone() -> None:
    margin, outcome = customers(6000)
    choice = choose_calibration(margin, outcome, seed=1)
    assert choice.calibration == Calibration()
    assert "Left alone" in choice.why
    assert [evidence.kind for evidence in choice.evidence] == ["none", "sigmoid", "beta", "isotonic"]


def test_too_extreme_margins_are_shrunk_back_by_a_sigmoid() -> None:
    margin, outcome = customers(6000)
    choice = choose_calibration(2 * margin + 1, outcome, seed=1)
    assert choice.calibration.kind == "sigmoid"
    slope, intercept = choice.calibration.coefficients
    assert slope == pytest.approx(0.5, abs=0.05)
    assert intercept == pytest.approx(-0.5, abs=0.1)
    raw, sigmoid = choice.evidence[:2]
    assert raw.slope == pytest.approx(0.5, abs=0.05)
    assert sigmoid.slope == pytest.approx(1, abs=0.05)
    assert sigmoid.calibration_error < raw.calibration_error / 3
    assert sigmoid.gain > sigmoid.standard_error > 0


def test_a_lopsided_distortion_calls_for_beta() -> None:
    margin, outcome = customers(12_000)
    lopsided = np.where(margin > 0, margin, 3 * margin)
    choice = choose_calibration(lopsided, outcome, seed=1)
    assert choice.calibration.kind in {"beta", "isotonic"}


def test_a_kink_calls_for_isotonic_where_positives_are_many() -> None:
    rng = np.random.default_rng(3)
    margin = rng.uniform(-3, 3, 12_000)
    truth = np.where(np.abs(margin) < 1, 0.5, np.where(margin < 0, 0.05, 0.95))
    outcome = rng.random(12_000) < truth
    many = choose_calibration(margin, outcome, seed=1)
    few = choose_calibration(margin[:600], outcome[:600], seed=1)
    assert many.calibration.kind == "isotonic"
    assert np.abs(many.probability - truth).mean() < 0.04
    assert "isotonic" not in [evidence.kind for evidence in few.evidence]


def test_isotonic_keeps_almost_all_scores_apart_and_is_never_certain() -> None:
    rng = np.random.default_rng(3)
    margin = rng.normal(0, 5, 4000)
    fitted = fit_calibration("isotonic", margin, margin > 0, np.ones(4000))
    probability = fitted.probability(margin)
    assert len(np.unique(probability)) > 3990
    assert 1e-4 < probability.min() < probability.max() < 1 - 1e-4


def test_no_row_sees_its_own_outcome() -> None:
    rng = np.random.default_rng(2)
    noise, outcome = rng.normal(0, 1, 300), rng.random(300) < 0.4
    noise *= np.sign(noise[outcome].mean() - noise[~outcome].mean())  # by chance it seems to help
    entropy = log_loss(outcome, np.full(300, outcome.mean())).mean()
    seen = fit_calibration("beta", noise, outcome, np.ones(300)).probability(noise)
    held_out = choose_calibration(noise, outcome, seed=1).evidence[-1]
    assert held_out.kind == "beta"
    assert log_loss(outcome, seen).mean() < entropy < held_out.log_loss


def test_a_model_that_ranks_backwards_becomes_the_prevalence() -> None:
    margin, outcome = customers(3000)
    choice = choose_calibration(-margin, outcome, seed=1)
    fitted = choice.calibration.probability(np.array([-3.0, 3.0]))
    assert np.allclose(fitted, outcome.mean(), atol=0.02)


@pytest.mark.parametrize("kind", ["sigmoid", "beta", "isotonic"])
def test_separable_classes_and_infinite_margins_have_a_finite_fit(kind: str) -> None:
    margin = np.array([-np.inf] * 30 + [np.inf] * 30)
    fitted = fit_calibration(kind, margin, margin > 0, np.ones(60))  # type: ignore[arg-type]
    low, high = fitted.probability(np.array([-np.inf, np.inf]))
    assert 0 < low < 0.1 < 0.9 < high < 1


def test_weights_count_as_repeated_rows() -> None:
    margin, outcome = customers(800)
    weight = np.where(outcome, 3.0, 1.0)
    repeat = weight.astype(int)
    weighted = fit_calibration("beta", margin, outcome, weight)
    repeated = fit_calibration("beta", np.repeat(margin, repeat), np.repeat(outcome, repeat), np.ones(repeat.sum()))
    assert weighted.coefficients == pytest.approx(repeated.coefficients, abs=1e-8)


def test_the_same_seed_gives_the_same_choice() -> None:
    margin, outcome = customers(2000)
    first, second = (choose_calibration(1.7 * margin, outcome, seed=4) for _ in range(2))
    assert json.dumps(first.to_dict()) == json.dumps(second.to_dict())
    assert np.array_equal(first.probability, second.probability)


def test_one_class_cannot_be_calibrated() -> None:
    with pytest.raises(DataError, match="two rows of each class"):
        choose_calibration(np.zeros(10), np.zeros(10, dtype=bool), seed=1)


def test_the_calibration_line_agrees_with_logistic_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    margin, outcome = customers(3000)
    probability = 1 / (1 + np.exp(-(1.4 * margin - 0.3)))
    line = CalibrationLine.of(outcome, probability)
    peer = LogisticRegression(C=np.inf, tol=1e-10).fit((1.4 * margin - 0.3)[:, None], outcome)
    assert line.slope == pytest.approx(peer.coef_[0, 0], abs=1e-5)
    assert line.intercept == pytest.approx(peer.intercept_[0], abs=1e-5)


def in_time(
    margin: FloatArray, outcome: BoolArray, fold: NDArray[np.int64], told: FloatArray | None = None
) -> tuple[FloatArray, FloatArray, BoolArray, NDArray[np.int64]]:
    """Margins out of fold, what each fold's model says of its past (``told``, shape (folds, n)), outcomes, folds."""
    judged = fold >= 0
    lines = np.tile(margin, (int(fold.max()) + 1, 1)) if told is None else told
    past = fold < np.arange(len(lines))[:, None]
    return margin[judged], np.where(past, lines, np.nan), outcome, fold


def test_where_time_passes_a_fold_is_calibrated_by_the_folds_before_it() -> None:
    margin, outcome = customers(7000)
    fold = np.repeat(np.arange(-1, 6), 1000)
    steady = choose_forward_calibration(*in_time(2 * margin + 1, outcome, fold), np.ones(6000))
    assert steady.calibration.coefficients == pytest.approx((0.5, -0.5), abs=0.1)
    changed = outcome.copy()
    changed[fold == 5] ^= True  # what the last fold brings changes nothing for the others
    weight = np.where(fold[fold >= 0] == 5, 1e-9, 1.0)
    again = choose_forward_calibration(*in_time(2 * margin + 1, changed, fold), weight)
    assert np.array_equal(again.probability[:5000], steady.probability[:5000])


def test_where_time_passes_a_calibrated_model_stays_as_good_as_it_is() -> None:
    margin, outcome = customers(7000)
    choice = choose_forward_calibration(*in_time(margin, outcome, np.repeat(np.arange(-1, 6), 1000)), np.ones(6000))
    assert choice.calibration.probability(margin) == pytest.approx(Calibration().probability(margin), abs=0.03)
    assert [evidence.kind for evidence in choice.evidence] == ["none", "sigmoid"]


def test_one_lucky_stretch_does_not_make_a_model_that_ranks_by_chance_right() -> None:
    """Scores are noise; only in the last and heaviest stretch, where the level jumped, theirs is the nearer one."""
    rng = np.random.default_rng(9)
    fold = np.repeat(np.arange(-1, 5), 4000)
    rate = np.array([0.03, 0.04, 0.05, 0.06, 0.055, 0.10])[fold + 1]
    outcome = rng.random(len(fold)) < rate
    margin = rng.normal(0, 0.2, len(fold)) + np.array([-3.4, -3.2, -2.9, -2.7, -2.7, -2.1])[fold + 1]
    choice = choose_forward_calibration(*in_time(margin, outcome, fold), 2.0 ** fold[fold >= 0])
    assert choice.evidence[1].gain < 0
    assert choice.calibration.kind == "sigmoid"
    assert choice.calibration.coefficients[0] < 0.2
    assert "Forecast" in choice.why


def test_where_time_passes_a_model_that_knows_the_level_is_left_alone() -> None:
    """The level jumps about, and the model saw every jump coming: a forecast from the past can only be worse."""
    rng = np.random.default_rng(4)
    level = np.array([-2.0, -2, 0, -2, 0, -2, 0, -2, 0])
    fold = np.repeat(np.arange(-1, 8), 1500)
    score = rng.normal(0, 1, len(fold))
    outcome = rng.random(len(fold)) < 1 / (1 + np.exp(-score - level[fold + 1]))
    told = np.tile(score - 1, (8, 1))  # of the past every model knows the mean level only
    margins, told, outcome, fold = in_time(score, outcome, fold, told)
    choice = choose_forward_calibration(
        margins + level[fold[fold >= 0] + 1], told, outcome, fold, np.ones(len(margins))
    )
    assert choice.calibration == Calibration()
    assert "Left alone" in choice.why


def test_the_model_that_serves_is_level_with_the_last_stretch_it_has_seen() -> None:
    """Every model of the past was three too high; the one that serves knows better, and is not pulled down."""
    rng = np.random.default_rng(6)
    fold = np.repeat(np.arange(-1, 5), 2000)
    score = rng.normal(-1, 1, len(fold))
    outcome = rng.random(len(fold)) < 1 / (1 + np.exp(-score))
    choice = choose_forward_calibration(*in_time(score + 3, outcome, fold, np.tile(score, (5, 1))), np.ones(10_000))
    assert choice.calibration.kind == "sigmoid"
    served = choice.of(score, outcome, fold)
    assert served.probability_of(0.0) == pytest.approx(0.5, abs=0.03)
    assert served.coefficients[0] < 0.6  # how far the next stretch may be from the last is not forgotten


def test_a_single_fold_in_time_has_no_past_to_forecast_from() -> None:
    margin, outcome = customers(600)
    choice = choose_forward_calibration(*in_time(3 * margin, outcome, np.repeat([-1, 0], 300)), np.ones(300))
    assert choice.calibration == Calibration()
    assert choice.of(3 * margin, outcome, np.zeros(600, dtype=int)) == Calibration()


def test_calibration_is_rejected_where_it_is_wrong_and_seldom_where_it_is_right() -> None:
    rejections = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        probability = rng.beta(1, 4, 500)
        rejections += calibration_p_value(rng.random(500) < probability, probability) < 0.05
    assert rejections / 200 == pytest.approx(0.05, abs=0.035)
    margin, outcome = customers(4000)
    assert calibration_p_value(outcome, 1 / (1 + np.exp(-1.3 * margin))) < 1e-3
