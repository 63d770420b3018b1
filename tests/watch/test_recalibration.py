from __future__ import annotations

import numpy as np
import pytest

from riskloop.scorer.log_odds import logit
from riskloop.watch.expected import expect
from riskloop.watch.realised import realise
from riskloop.watch.recalibration import Weights, line, recalibrate
from riskloop.watch.tally import Tally


def drawn(rng, n, slope=1.0, shift=0.0):
    """Probabilities and outcomes whose log-odds are ``slope`` times as large, plus ``shift``."""
    p = 1 / (1 + np.exp(-rng.normal(-1.5, 1.2, n)))
    return p, rng.random(n) < 1 / (1 + np.exp(-(slope * logit(p) + shift)))


def equal(outcome):
    return Weights.of(np.ones(len(outcome)), outcome)


def test_the_line_finds_how_outcomes_were_made():
    p, y = drawn(np.random.default_rng(0), 50_000, 0.7, 0.5)
    found = line(logit(p), y.astype(float), np.ones(len(p)))
    assert found.at == pytest.approx((0.7, 0.5), abs=0.06)
    assert all(0 < error < 0.03 for error in found.errors)


def test_outcomes_of_one_kind_have_no_line_unless_it_is_held():
    p, _ = drawn(np.random.default_rng(0), 300)
    assert line(logit(p), np.zeros(300), np.ones(300)) is None
    assert line(logit(p), np.zeros(300), np.ones(300), hold=1.0) is not None


def test_weights_know_how_many_rows_they_are_worth():
    y = np.arange(1_000) < 300
    assert (equal(y).rows, equal(y).positives) == pytest.approx((1_000, 300))
    few = Weights.of(np.where(np.arange(1_000) < 100, 10.0, 0.001), y)
    assert few.rows == pytest.approx(100, rel=0.01)
    assert not few.enough


def test_too_few_rows_move_nothing():
    p, y = drawn(np.random.default_rng(1), 150)
    assert recalibrate(p, y, equal(y), seed=0) is None


def test_intervals_hold_what_comes_true_though_the_calibration_was_off():
    """The reference shows the same fault as the rows to be judged; its own noise is in the interval."""
    rng = np.random.default_rng(7)
    inside, plain = {}, []
    for _ in range(120):
        p, y = drawn(rng, 1_500, 0.7, 0.4)
        now, came = drawn(rng, 1_500, 0.7, 0.4)
        act = now >= 0.2
        costs = np.where(act, 0.0, 100.0), np.where(act, 10.0, 0.0)
        tally = Tally.of(now, act, costs, came, np.ones(1_500, dtype=bool))
        truth, moved = realise(tally).metrics, recalibrate(p, y, equal(y), seed=1, draws=60)
        for name, one in expect(tally, moved).metrics.items():
            inside.setdefault(name, []).append(one.low <= truth[name].value <= one.high)
        auc = expect(tally).metrics["roc_auc"]
        plain.append(auc.low <= truth["roc_auc"].value <= auc.high)
    for name, hits in inside.items():
        assert np.mean(hits) >= 0.90, (name, np.mean(hits))
    assert np.mean([np.mean(hits) for hits in inside.values()]) >= 0.93
    assert np.mean(plain) < 0.5


def test_scores_that_ranked_backwards_are_taken_to_rank_not_at_all():
    p, y = drawn(np.random.default_rng(2), 2_000, slope=-0.5, shift=-2.0)
    moved = recalibrate(p, y, equal(y), seed=0)
    told = moved.apply(p)
    assert (moved.slope, told.min()) == (0.0, pytest.approx(told.max()))
    assert told[0] == pytest.approx(y.mean(), abs=0.01)
    assert (moved.draws[:, 0] >= 0).all()


def test_rows_that_do_not_reach_the_current_ones_move_nothing():
    p, y = drawn(np.random.default_rng(3), 2_000)
    assert recalibrate(p, y, Weights.of(np.ones(2_000), y, overlap=0.2), seed=0) is None
