from __future__ import annotations

import numpy as np
import pytest

from riskloop.costs import Costs
from riskloop.learn.evaluation.metrics import evaluate
from riskloop.watch.expected import expect
from riskloop.watch.performance import estimate
from riskloop.watch.realised import realise
from riskloop.watch.tally import Tally

COSTS = Costs(fp=10, fn=100)
SHARED = (
    *("accuracy", "precision", "recall", "f1", "roc_auc", "pr_auc", "brier", "log_loss", "act_rate"),
    *("calibration_slope", "calibration_intercept", "calibration_error", "cost_per_thousand"),
)


def costs_of(act, rng=None):
    """Cost of each decision if the outcome is positive, and if not; with ``rng``, every customer's own."""
    size = 1.0 if rng is None else rng.lognormal(0, 0.5, len(act))
    return np.where(act, 0.0, 100.0) * size, np.where(act, 10.0, 0.0) * size


def drawn(rng, n, tilt=1.0):
    """Probabilities, decisions, outcomes; calibrated where the tilt is 1."""
    p = 1 / (1 + np.exp(-rng.normal(-2.0, 1.2, n)))
    truth = 1 / (1 + np.exp(-tilt * np.log(p / (1 - p))))
    return p, p >= 1 / 11, rng.random(n) < truth


def tallied(p, act, y, costs):
    return Tally.of(p, act, costs, y, np.ones(len(p), dtype=bool))


def test_it_says_what_the_evaluation_of_a_training_says_of_the_same_rows():
    p, act, y = drawn(np.random.default_rng(1), 6_000)
    found = realise(tallied(p, act, y, costs_of(act)))
    other = evaluate(y, p, act, COSTS, seed=0, resamples=20)
    for name in SHARED:
        assert found.metrics[name].value == pytest.approx(other[name].value, abs=2e-3 if name == "pr_auc" else 2e-4), (
            name
        )
    assert found.confusion == {name: getattr(other.confusion, name) for name in ("tp", "fp", "fn", "tn")}


def test_parts_in_any_order_say_what_the_whole_says():
    p, act, y = drawn(np.random.default_rng(2), 900)
    whole = realise(tallied(p, act, y, costs_of(act)))
    parts = [tallied(p[rows], act[rows], y[rows], costs_of(act[rows])) for rows in np.split(np.arange(900), 3)]
    merged = realise(parts[2].merge(parts[0]).merge(parts[1]))
    assert merged.confusion == whole.confusion
    for name, one in whole.metrics.items():
        assert merged.metrics[name].value == pytest.approx(one.value), name


def test_only_rows_whose_outcome_is_known_count():
    p, act, y = drawn(np.random.default_rng(3), 1_000)
    known = np.arange(1_000) < 600
    some = realise(Tally.of(p, act, costs_of(act), y, known))
    alone = realise(tallied(p[:600], act[:600], y[:600], costs_of(act[:600])))
    assert (some.n, some.confusion) == (600, alone.confusion)
    assert some.metrics["cost_per_thousand"].value == pytest.approx(alone.metrics["cost_per_thousand"].value)
    assert realise(Tally.of(p, act, costs_of(act))) is None


@pytest.mark.parametrize("n", [150, 2_000])
def test_its_intervals_hold_the_truth(n):
    """Against the value of two million rows of the same population."""
    rng = np.random.default_rng(11)
    p, act, y = drawn(rng, 2_000_000, tilt=0.8)
    true = realise(tallied(p, act, y, costs_of(act, rng)))
    inside = {}
    for _ in range(300):
        p, act, y = drawn(rng, n, tilt=0.8)
        found = realise(tallied(p, act, y, costs_of(act, rng)))
        for name, one in found.metrics.items():
            if name != "calibration_error":
                inside.setdefault(name, []).append(one.low <= true.metrics[name].value <= one.high)
    for name, hits in inside.items():
        assert np.mean(hits) >= 0.91, (name, np.mean(hits))
    assert np.mean([np.mean(hits) for hits in inside.values()]) >= 0.94


def test_what_is_not_defined_has_no_value_and_a_perfect_order_still_has_a_width():
    p, nobody = np.full(40, 0.02), np.zeros(40, dtype=bool)
    found = realise(tallied(p, nobody, nobody, costs_of(nobody)))
    assert np.isnan([found.metrics[name].value for name in ("roc_auc", "pr_auc", "precision", "recall")]).all()
    y = np.arange(40) >= 30
    perfect = realise(tallied(np.where(y, 0.9, 0.1), y, y, costs_of(y))).metrics["roc_auc"]
    assert perfect.value == 1.0
    assert 0.6 < perfect.low < 0.95


def test_curves_run_from_nobody_to_everybody_and_bins_hold_every_row():
    p, act, y = drawn(np.random.default_rng(5), 3_000)
    found = realise(tallied(p, act, y, costs_of(act)))
    assert found.roc[0] == (0.0, 0.0, 1.0)
    assert found.roc[-1] == pytest.approx((1.0, 1.0, y.mean()))
    assert len(found.roc) <= 42
    assert sum(one["rows"] for one in found.calibration) == 3_000


def test_what_is_expected_of_counts_is_what_is_expected_of_rows():
    rng = np.random.default_rng(6)
    p, act, _ = drawn(rng, 4_000)
    costs = costs_of(act, rng)
    rows, cells = estimate(p, act, costs), expect(Tally.of(p, act, costs))
    for name, one in rows.metrics.items():
        assert cells.metrics[name].value == pytest.approx(one.value, rel=1e-3), name
        assert cells.metrics[name].high == pytest.approx(one.high, rel=2e-3), name
    assert cells.confusion == pytest.approx(rows.confusion, rel=1e-6)
