from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from riskloop.data.contract import Column, Contract
from riskloop.data.leakage import auc, find_leakage
from riskloop.findings import Finding

N = 4_000
RNG = np.random.default_rng(0)
OUTCOME = RNG.random(N) < 0.2
NOISE = RNG.normal(size=N)


def telling(area_shift: float) -> NDArray[np.float64]:
    return NOISE + area_shift * OUTCOME


def look(values: NDArray[Any], name: str = "x", **options: Any) -> list[Finding]:
    whole = values.dtype.kind == "i"
    levels = tuple(f"l{code}" for code in range(int(values.max()) + 1)) if whole else ()
    column = Column(name, "category" if whole else "number", levels, nullable=True)
    return find_leakage(Contract((column,), (name,)), {name: values}, OUTCOME, **options)


def told(findings: list[Finding]) -> list[tuple[str, str]]:
    assert all(finding.next_step for finding in findings)
    return [(finding.code, finding.severity) for finding in findings]


@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=40))
def test_the_auc_is_that_of_scikit_learn_ties_included(rows: list[tuple[bool, int]]) -> None:
    outcome, score = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    expected = roc_auc_score(outcome, score) if 0 < outcome.sum() < len(outcome) else 0.5
    assert auc(outcome, score) == pytest.approx(expected)


def test_noise_is_no_leak() -> None:
    assert look(NOISE) == []
    assert look(RNG.integers(0, 200, N).astype(np.int32)) == []


def test_a_feature_that_knows_the_outcome_blocks() -> None:
    assert told(look(telling(9.0))) == [("leakage-single-feature", "error")]
    assert told(look(-telling(9.0))) == [("leakage-single-feature", "error")]
    assert told(look(OUTCOME.astype(np.int32))) == [("leakage-single-feature", "error")]


def test_a_feature_that_is_merely_very_good_is_a_question() -> None:
    assert told(look(telling(3.0))) == [("leakage-suspect", "warning")]


def test_another_models_output_blocks_if_it_tells_something() -> None:
    assert told(look(telling(2.0), "Naive_Bayes_Classifier_1")) == [("leakage-model-output", "error")]
    assert look(NOISE, "probation_months") == []


def test_a_post_outcome_name_blocks_if_it_tells_something_and_is_asked_about_if_not() -> None:
    for name in ("churn_reason", "recoveries", "charge_off_amount", "closing_date"):
        assert told(look(telling(1.0), name)) == [("leakage-post-outcome", "error")]
        assert told(look(NOISE, name)) == [("leakage-suspect", "warning")]


def test_being_filled_may_tell_the_outcome() -> None:
    values = np.where(OUTCOME, NOISE, np.nan)
    assert told(look(values)) == [("leakage-missingness", "error")]
    codes = np.where(OUTCOME, 1, -1).astype(np.int32)
    codes[OUTCOME & (NOISE > 1.8)] = -1
    assert told(look(codes))[0][1] == "error"


def test_an_override_is_reported_and_does_not_block() -> None:
    (finding,) = look(telling(9.0), allowed=["x"])
    assert finding.severity == "warning"
    assert finding.evidence["allowed"] is True
    assert "features.allow" in finding.message


def test_ids_that_carry_the_target_are_told() -> None:
    order = np.argsort(np.argsort(telling(3.0))).astype(np.float64)
    assert told(look(NOISE, ids=order)) == [("id-carries-target", "warning")]
    assert look(NOISE, ids=np.arange(N, dtype=np.float64)) == []


def test_an_order_that_follows_the_outcome_is_told_once() -> None:
    contract = Contract((Column("x"),), ("x",))
    drifting = RNG.random(N) < np.linspace(0.02, 0.5, N)
    (finding,) = find_leakage(contract, {"x": NOISE}, drifting)
    assert (finding.code, finding.severity) == ("row-order-carries-target", "warning")
    assert "row_order" in finding.next_step
    assert find_leakage(contract, {"x": NOISE}, drifting, in_time_order=True) == []
    (finding,) = find_leakage(contract, {"x": NOISE}, np.sort(OUTCOME))
    assert finding.severity == "info"
    assert "do not split by row order" in finding.next_step
