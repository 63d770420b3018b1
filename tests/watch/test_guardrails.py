from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from riskloop.watch.guardrails import EDGES, Arm, Rails, breaches


def arm(rng: np.random.Generator, answers: int, *, sharp: float = 1.0, slow: float = 1.0, acts: float = 0.2) -> Arm:
    """Answers with probabilities around one in ten, and latencies with a tail."""
    probability = rng.beta(0.5 * sharp, 4.5 * sharp, answers)
    below = [int((probability < edge).sum()) for edge in EDGES]
    latencies = tuple(slow * rng.lognormal(1, 0.5, answers))
    return Arm(answers, int(rng.binomial(answers, acts)), below, latencies)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(6)


def test_arms_that_do_the_same_break_no_rail_however_often_one_looks(rng: np.random.Generator) -> None:
    found = [breaches(arm(rng, 900), arm(rng, 100), (0, 100)) for _ in range(300)]
    assert not [one for some in found for one in some]


def test_each_rail_is_named_with_what_was_found(rng: np.random.Generator) -> None:
    usual = arm(rng, 1_000)
    for rail, other in (
        ("latency", arm(rng, 1_000, slow=4.0)),
        ("act_rate", arm(rng, 1_000, acts=0.6)),
        ("score_psi", arm(rng, 1_000, sharp=20.0)),
    ):
        assert [one.rail for one in breaches(usual, other, (0, 500))] == [rail]
    failing = breaches(usual, arm(rng, 1_000), (90, 300))
    assert [(one.rail, one.found) for one in failing] == [("fallback", 0.3)]


def test_thresholds_are_settings(rng: np.random.Generator) -> None:
    usual, acting = arm(rng, 2_000), arm(rng, 2_000, acts=0.35)
    assert not breaches(usual, acting, (0, 500), Rails(act_rate=0.2))
    assert [one.rail for one in breaches(usual, acting, (0, 500), Rails(act_rate=0.1))] == ["act_rate"]


def test_few_answers_break_nothing(rng: np.random.Generator) -> None:
    assert not breaches(arm(rng, 30), arm(rng, 30, slow=9, acts=1.0), (20, 20))
    assert not breaches(Arm(0, 0, [0] * len(EDGES)), Arm(0, 0, [0] * len(EDGES)), (0, 0))


def test_a_fast_challenger_is_not_slow_beside_a_faster_champion(rng: np.random.Generator) -> None:
    usual = arm(rng, 500)
    quick = replace(usual, latencies=[0.2] * 500)
    assert not breaches(quick, replace(usual, latencies=[1.5] * 500), (0, 300))
