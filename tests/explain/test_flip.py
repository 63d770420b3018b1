from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from riskloop.bundle.bundle import Bundle, Golden
from riskloop.costs import Costs
from riskloop.data.contract import Column, Contract
from riskloop.decide.policy import Policy
from riskloop.decide.reasons import Bounds, Rules
from riskloop.decide.review import Review
from riskloop.explain.flip import Flip, nearest_flip
from riskloop.scorer.calibration import Calibration
from riskloop.scorer.encoding import Block, Encoding
from riskloop.scorer.linear import Linear
from riskloop.scorer.scorer import Scorer

CONTRACT = Contract(
    (
        Column("debt", minimum=0, maximum=1_000),
        Column("income", minimum=0, nullable=True),
        Column("children", minimum=0),
        Column("plan", "category", ("basic", "premium")),
    ),
    ("debt", "income", "children", "plan"),
)
ENCODING = Encoding(
    (
        Block("debt", "number", scale=100.0),
        Block("income", "number", impute=2_000.0, scale=1_000.0),
        Block("children", "number"),
        Block("plan", "onehot", levels=("basic", "premium")),
    )
)
BASELINE = tuple(
    {"debt": 10.0 * i, "income": 1_000.0 + 30 * i, "children": float(i % 4), "plan": ("basic", "premium")[i % 2]}
    for i in range(100)
)


def bundle(weights: tuple[float, ...] = (1.0, -1.0, 0.5, 0.0, 0.0), rules: Rules | None = None) -> Bundle:
    scorer = Scorer(CONTRACT, ENCODING, Linear(np.array(weights), -3.0), Calibration())
    policy = Policy("fixed", 0.5, Costs(fp=10, fn=10))
    return Bundle("loan", scorer, policy, Golden((), ()), rules=rules or Rules(), baseline=BASELINE)


def flip_of(one: Bundle, **customer: object) -> Flip | None:
    decoded = one.contract.decode_rows([customer])
    assert not decoded.breaches
    return nearest_flip(one, decoded.columns)


def changes(flip: Flip | None) -> dict[str, tuple[object, object]]:
    assert flip is not None
    return {change.column: (change.before, change.after) for change in flip.changes}


def test_the_smallest_change_of_one_number_is_found_to_the_border():
    found = flip_of(bundle(), debt=600.0, income=1_000.0, children=0.0, plan="basic")  # the border is a debt of 400
    (column, (before, after)) = next(iter(changes(found).items()))
    assert (column, before) == ("debt", 600.0)
    assert 390 <= after < 400
    assert found.probability < 0.5
    assert found.decision == "pass"


def test_it_turns_a_favourable_decision_too():
    found = flip_of(bundle(), debt=300.0, income=1_000.0, children=0.0, plan="basic")
    assert found is not None
    assert found.decision == "act"


def test_a_whole_number_stays_whole():
    rules = Rules(actionable={"children": Bounds()})
    found = flip_of(bundle(rules=rules), debt=425.0, income=1_000.0, children=3.0, plan="basic")
    assert found is None  # the border is at half a child less than none
    found = flip_of(bundle(rules=rules), debt=325.0, income=1_000.0, children=3.0, plan="basic")
    assert changes(found) == {"children": (3.0, 1.0)}


def test_a_category_can_turn_it():
    rules = Rules(actionable={"plan": Bounds()})
    found = flip_of(bundle((1.0, -1.0, 0.0, 1.0, -1.0), rules), debt=450.0, income=1_000.0, children=0.0, plan="basic")
    assert changes(found) == {"plan": ("basic", "premium")}


def test_bounds_and_directions_are_kept():
    customer = {"debt": 600.0, "income": 1_000.0, "children": 0.0, "plan": "basic"}
    assert flip_of(bundle(rules=Rules(actionable={"debt": Bounds(minimum=450.0)})), **customer) is None
    assert flip_of(bundle(rules=Rules(actionable={"debt": Bounds(direction="up")})), **customer) is None
    only_basic = Rules(actionable={"plan": Bounds(levels=("basic",))})
    assert flip_of(bundle((1.0, -1.0, 0.0, 1.0, -1.0), only_basic), **customer) is None
    down = flip_of(bundle(rules=Rules(actionable={"debt": Bounds(direction="down")})), **customer)
    assert set(changes(down)) == {"debt"}


def test_protected_and_immutable_columns_stay():
    rules = Rules(protected=("debt",), immutable=("children",))
    found = flip_of(bundle(rules=rules), debt=500.0, income=1_000.0, children=2.0, plan="basic")
    assert set(changes(found)) == {"income"}


def test_two_columns_are_changed_where_one_is_not_enough():
    rules = Rules(actionable={"debt": Bounds(minimum=500.0), "income": Bounds(maximum=2_200.0)})
    found = flip_of(bundle(rules=rules), debt=600.0, income=1_000.0, children=0.0, plan="basic")
    assert set(changes(found)) == {"debt", "income"}
    assert changes(found)["debt"][1] >= 500
    assert changes(found)["income"][1] <= 2_200


def test_limits_of_the_contract_are_kept():
    rules = Rules(actionable={"debt": Bounds(maximum=9_999.0)})
    found = flip_of(bundle((0.4, 0.0, 0.0, 0.0, 0.0), rules), debt=10.0, income=1_000.0, children=0.0, plan="basic")
    assert 750 < changes(found)["debt"][1] <= 1_000


def test_a_missing_number_may_be_given():
    rules = Rules(actionable={"income": Bounds()})
    found = flip_of(bundle(rules=rules), debt=520.0, income=None, children=0.0, plan="basic")
    assert changes(found)["income"][0] is None


def test_where_nothing_turns_it_there_is_none():
    assert flip_of(bundle((0.0, 0.0, 0.0, 0.0, 0.0)), debt=1.0, income=1.0, children=0.0, plan="basic") is None


def test_a_case_for_review_is_not_yet_favourable():
    one = bundle()
    priced = replace(one, policy=replace(one.policy, review=Review(1.0, 1.0, label="look")))
    found = flip_of(priced, debt=390.0, income=1_000.0, children=0.0, plan="basic")  # reviewed: probability .475
    assert found is not None
    assert found.decision == "pass"
    assert changes(found)["debt"][1] < 390


@pytest.mark.parametrize("seed", range(3))
def test_every_flip_turns_the_decision_of_the_bundle(seed):
    one, rng = bundle((0.9, -1.1, 0.4, 0.7, -0.7)), np.random.default_rng(seed)
    for _ in range(10):
        customer = {"debt": rng.uniform(0, 900), "income": rng.uniform(500, 4_000), "children": 1.0, "plan": "basic"}
        found = flip_of(one, **customer)
        assert found is not None
        after = customer | {change.column: change.after for change in found.changes}
        probability, _ = one.score([customer, after])
        assert probability[1] == pytest.approx(found.probability)
        assert (probability[0] >= 0.5) != (probability[1] >= 0.5)
