from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskloop.decide.arms import Split, place
from riskloop.errors import UsageError

CUSTOMERS = [f"C-{number}" for number in range(20_000)]


@pytest.mark.parametrize("share", [0.05, 0.5, 0.8])
def test_a_challenger_answers_its_share(share):
    split = Split(share, salt="a")
    answered = sum(split.arm_of(customer) == "challenger" for customer in CUSTOMERS)
    assert answered / len(CUSTOMERS) == pytest.approx(share, abs=0.01)


@given(st.text(), st.text(max_size=20), st.floats(0.01, 0.99))
def test_a_customer_stays_in_an_arm(customer, salt, share):
    assert Split(share, salt=salt).arm_of(customer) == Split(share, salt=salt).arm_of(customer)
    assert 0 <= place(customer, salt) < 1


def test_a_larger_share_takes_nobody_back():
    small = {one for one in CUSTOMERS if Split(0.1, salt="a").arm_of(one) == "challenger"}
    large = {one for one in CUSTOMERS if Split(0.3, salt="a").arm_of(one) == "challenger"}
    assert small < large


def test_another_salt_shuffles_anew():
    halves = [{one for one in CUSTOMERS if Split(0.5, salt=salt).arm_of(one) == "challenger"} for salt in "ab"]
    assert len(halves[0] & halves[1]) / len(CUSTOMERS) == pytest.approx(0.25, abs=0.01)


def test_a_shadow_answers_nobody_and_nobody_in_particular_is_the_champions():
    assert {Split(0.0, shadow=True).arm_of(customer) for customer in CUSTOMERS[:50]} == {"champion"}
    assert Split(0.99).arm_of(None) == "champion"


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_a_share_lies_between_none_and_all(share):
    with pytest.raises(UsageError):
        Split(share)


def test_a_split_survives_its_way_through_the_log():
    split = Split(0.2, salt="x")
    assert Split.from_dict(split.to_dict()) == split
    assert Split.from_dict({}).shadow
