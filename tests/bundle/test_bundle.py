from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from riskloop.bundle.bundle import Golden, raw_rows
from riskloop.errors import BundleRefused, ContractError


def test_rows_that_break_the_contract_get_no_probability_and_leave_the_others_alone(linear_bundle):
    good = linear_bundle.golden.requests[0]
    probability, decoded = linear_bundle.score([good, good | {"age": 7.0}, {}, good])
    assert np.isnan(probability).tolist() == [False, True, True, False]
    assert probability[0] == probability[3] == linear_bundle.golden.probability[0]
    assert {breach.code for breach in decoded.breaches} == {"below-minimum", "absent"}


def test_a_customer_gets_the_same_bits_alone_and_among_others(bundle):
    customers = bundle.golden.requests
    together, _ = bundle.score(customers)
    alone = [bundle.score([customer])[0][0] for customer in customers]
    assert together.tolist() == alone


def test_nobody_is_scored_as_nobody(bundle):
    probability, _ = bundle.score([])
    assert probability.shape == (0,)


def test_golden_requests_written_back_from_columns_decode_to_the_same(linear_bundle):
    contract = linear_bundle.contract
    decoded = contract.decode_rows(linear_bundle.golden.requests)
    again = contract.decode_rows(raw_rows(contract, decoded.columns, range(decoded.rows)))
    assert not again.breaches
    for name, values in decoded.columns.items():
        assert np.array_equal(again.columns[name], values, equal_nan=values.dtype.kind == "f")


def test_an_unknown_category_cannot_be_written_back(linear_bundle):
    row = linear_bundle.golden.requests[0] | {"plan": "gold"}
    decoded = linear_bundle.contract.decode_rows([row])
    with pytest.raises(ContractError, match="unknown category"):
        raw_rows(linear_bundle.contract, decoded.columns, [0])


@pytest.mark.parametrize("off", [1.1e-9, -1e-8, 0.5, float("nan")])
def test_golden_answers_that_are_off_are_refused(linear_bundle, off):
    golden = linear_bundle.golden
    answers = (*golden.probability[:-1], golden.probability[-1] + off)
    with pytest.raises(BundleRefused, match="golden requests are off"):
        replace(linear_bundle, golden=Golden(golden.requests, answers)).check_golden()


def test_golden_answers_within_the_parity_are_taken(linear_bundle):
    golden = linear_bundle.golden
    answers = tuple(value + 9e-10 for value in golden.probability)
    replace(linear_bundle, golden=Golden(golden.requests, answers)).check_golden()
