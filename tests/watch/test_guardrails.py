from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from riskloop.watch import guardrails
from riskloop.watch.guardrails import EDGES, USUAL_RAILS, Arm, Breach, Foreseen, Rails


def arm(rng: np.random.Generator, answers: int, *, sharp: float = 1.0, slow: float = 1.0, acts: float = 0.2) -> Arm:
    """Answers with probabilities around one in ten, and latencies with a tail."""
    probability = rng.beta(0.5 * sharp, 4.5 * sharp, answers)
    below = [int((probability < edge).sum()) for edge in EDGES]
    latencies = tuple(slow * rng.lognormal(1, 0.5, answers))
    return Arm(answers, int(rng.binomial(answers, acts)), below, latencies)


def foreseen(rng: np.random.Generator, *, sharp: float = 1.0, acts: float = 0.2) -> Foreseen:
    """What both said of 5,000 customers before the start; ``sharp`` and ``acts`` are the challenger's."""
    below = [arm(rng, 5_000, sharp=one).below for one in (1.0, sharp)]
    return Foreseen(5_000, (0.2, acts), (below[0], below[1]))


def breaches(
    champion: Arm, challenger: Arm, fallback: tuple[int, int], rails: Rails = USUAL_RAILS, seen: Foreseen | None = None
) -> tuple[Breach, ...]:
    return guardrails.breaches(champion, challenger, fallback, rails, seen or foreseen(np.random.default_rng(9)))


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


def test_a_challenger_may_differ_as_it_was_foreseen_to(rng: np.random.Generator) -> None:
    usual, other = arm(rng, 2_000), arm(rng, 2_000, sharp=20.0, acts=0.7)
    assert {one.rail for one in breaches(usual, other, (0, 500))} == {"act_rate", "score_psi"}
    assert not breaches(usual, other, (0, 500), seen=foreseen(rng, sharp=20.0, acts=0.7))


def test_what_has_changed_for_both_arms_is_no_fault_of_the_challenger(rng: np.random.Generator) -> None:
    moved = {"sharp": 20.0, "acts": 0.7}
    assert not breaches(arm(rng, 2_000, **moved), arm(rng, 2_000, **moved), (0, 500))


def test_without_traffic_before_the_start_scores_are_not_judged(rng: np.random.Generator) -> None:
    assert not guardrails.breaches(arm(rng, 2_000), arm(rng, 2_000, sharp=20.0, acts=0.7), (0, 500))


def test_what_was_foreseen_survives_the_promotion_log(rng: np.random.Generator) -> None:
    seen = foreseen(rng)
    assert Foreseen.from_dict(seen.to_dict()).to_dict() == seen.to_dict()
