from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from riskloop.errors import ConfigError, RiskloopError
from riskloop.learn.candidates import families
from riskloop.learn.candidates.candidate import Candidate, Fitting, Range
from riskloop.learn.candidates.checking import check_candidate


@pytest.mark.slow
def test_the_optional_family_keeps_what_candidates_promise():
    pytest.importorskip("interpret", reason="the extra ebm is not installed")
    check_candidate(families.families()["ebm"], rows=300)
    assert "ebm" not in {one.name for one in families.select_candidates([], 300)}, "only where it is named"


@pytest.mark.parametrize("candidate", families.FAMILIES, ids=lambda one: one.name)
def test_every_family_keeps_what_candidates_promise(candidate):
    check_candidate(candidate)


def own(data: Fitting) -> Any:
    return LogisticRegression(C=data.number("C")).fit(data.matrix, data.outcome, sample_weight=data.weight)


OWN = Candidate("own", 1, "scaled", own, parameters={"C": 2.0}, space={"C": Range(0.1, 10, log=True)})


def restless(data: Fitting) -> Any:
    rng = np.random.default_rng()
    return LogisticRegression().fit(data.matrix + rng.normal(0, 1, data.matrix.shape), data.outcome)


def strange(data: Fitting) -> Any:
    return SVC().fit(data.matrix, data.outcome)


@pytest.mark.parametrize(
    ("candidate", "complaint"),
    [
        (replace(OWN, fit=restless), "the same seed"),
        (replace(OWN, fit=strange), "cannot be exported"),
        (replace(OWN, monotone=True), "directions"),
        (replace(OWN, parameters={}, fit=restless), "same seed"),
        (replace(OWN, space={"C": Range(1, 1)}), "has room"),
        (replace(OWN, fit=lambda data: own(data)), "another process"),  # noqa: PLW0108
    ],
)
def test_a_broken_promise_is_named(candidate, complaint):
    with pytest.raises(RiskloopError, match=complaint):
        check_candidate(candidate)


class Entry:
    name, value = "mine", "mine:FAMILY"

    def __init__(self, brought):
        self.brought = brought

    def load(self):
        return self.brought


@pytest.fixture
def installed(monkeypatch):
    def install(*brought):
        monkeypatch.setattr(families, "entry_points", lambda group: [Entry(one) for one in brought])
        families.families.cache_clear()

    yield install
    families.families.cache_clear()


def test_a_package_brings_its_own_family(installed):
    installed(OWN)
    assert families.select_candidates(["own"], 100) == [OWN]
    assert OWN in families.select_candidates([], 100)


def test_a_package_cannot_bring_anything_else_or_take_a_name(installed):
    for brought in ("not a candidate", replace(OWN, name="lightgbm")):
        installed([brought])
        with pytest.raises(ConfigError, match="brings no candidate of a new name"):
            families.families()


def test_blends_are_no_families_and_a_misspelt_one_is_suggested():
    assert families.select_blends(["lightgbm", "stack"]) == ("stack",)
    assert families.select_blends([]) == ("blend",)
    assert [one.name for one in families.select_candidates(["blend"], 100)] == [one.name for one in families.FAMILIES]
    with pytest.raises(ConfigError, match="did you mean 'distilled'"):
        families.select_candidates(["distiled"], 100)


def test_a_large_table_gets_larger_steps_and_that_is_no_search():
    (small,), (large,) = (families.select_candidates(["lightgbm"], rows) for rows in (10_000, 300_000))
    assert large.parameters["learning_rate"] == 2 * small.parameters["learning_rate"]
    assert large.parameters["rounds"] * 2 == small.parameters["rounds"]
    assert not large.searched(small)
    assert not small.tuned({"rounds": 50}).searched(small)
    assert small.tuned({"leaves": 9}).searched(small)
