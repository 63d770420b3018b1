"""Counts say what rows would."""

from __future__ import annotations

import json

import numpy as np
import pytest

from riskloop.decide.tally import Tally

RNG = np.random.default_rng(3)
PROBABILITY = RNG.beta(1, 4, 5_000)
OUTCOME = RNG.random(5_000) < PROBABILITY
GROUP = np.where(RNG.random(5_000) < 0.3, "a", "b")
TALLY = Tally.of(OUTCOME, PROBABILITY, thresholds=(0.0909,), groups={"sex": GROUP, "rare": GROUP}, minimum_rows=1)


@pytest.mark.parametrize("threshold", [0.0909, *TALLY.edges[::97].tolist()])
def test_acting_from_an_edge_on_is_counted_exactly(threshold: float) -> None:
    act = threshold <= PROBABILITY
    told = TALLY.confusion(threshold)
    assert told.tp == (OUTCOME & act).sum()
    assert told.fp == (~OUTCOME & act).sum()
    assert told.fn == (OUTCOME & ~act).sum()
    assert told.tn == (~OUTCOME & ~act).sum()


def test_between_edges_the_next_one_counts() -> None:
    for threshold in (0.123456, 0.5):
        off = abs(TALLY.confusion(threshold).act_rate - (threshold <= PROBABILITY).mean())
        assert off < 1.5 / len(TALLY.edges)


def test_everybody_and_nobody() -> None:
    assert TALLY.confusion(0.0).act_rate == 1
    assert TALLY.confusion(2.0).act_rate == 0
    assert TALLY.confusion(2.0).rows == len(OUTCOME)


def test_groups_add_up_to_all() -> None:
    counts = TALLY.groups["sex"]
    assert (sum(one.positive for one in counts.values()) == TALLY.counts.positive).all()
    assert counts["a"].positive.sum() == (OUTCOME & (GROUP == "a")).sum()


def test_small_groups_are_left_out() -> None:
    rare = np.where(np.arange(5_000) < 5, "few", "many")
    assert set(Tally.of(OUTCOME, PROBABILITY, groups={"g": rare}, minimum_rows=10).groups["g"]) == {"many"}


def test_it_survives_json() -> None:
    again = Tally.from_dict(json.loads(json.dumps(TALLY.to_dict())))
    assert again.to_dict() == TALLY.to_dict()
    assert again.confusion(0.0909) == TALLY.confusion(0.0909)


def test_it_is_small() -> None:
    assert len(json.dumps(TALLY.to_dict(), separators=(",", ":"))) < 30_000
    assert len(TALLY.edges) <= 501


def test_what_was_foreseen_is_kept() -> None:
    assert TALLY.foreseen.sum() == pytest.approx(PROBABILITY.sum())


def test_a_model_of_few_scores_has_few_edges() -> None:
    few = Tally.of(OUTCOME, np.round(PROBABILITY, 1))
    assert len(few.edges) <= 10
    assert few.confusion(0.3).act_rate == (np.round(PROBABILITY, 1) >= 0.3).mean()
