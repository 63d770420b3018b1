from __future__ import annotations

import json
from functools import reduce

import numpy as np
import pytest

from riskloop.errors import DataError
from riskloop.watch.packed import packed, unpacked
from riskloop.watch.profile import Profile
from tests.watch.test_blocks import CONTRACT, days, scores, together

RNG = np.random.default_rng(2)
ROWS = together(days(RNG, 20, 80, 0.0))
REFERENCE = Profile.of(CONTRACT, ROWS, scores(ROWS))


def window(rows=90):
    columns = days(RNG, 1, rows, 0.2)[0]
    return REFERENCE.measure(columns, scores(columns))


def same(one, other):
    return json.dumps(one.to_dict(), sort_keys=True) == json.dumps(other.to_dict(), sort_keys=True)


@pytest.mark.parametrize("rows", [0, 1, 90, 4_000])
def test_what_is_packed_comes_back(rows):
    made = window(rows)
    assert same(unpacked(REFERENCE, packed(made)), made)


def test_windows_add_up_as_their_rows_do():
    columns = days(RNG, 6, 50, 0.2)
    parts = [REFERENCE.measure(one, scores(one)) for one in columns]
    stored = [unpacked(REFERENCE, packed(one)) for one in parts]
    whole = REFERENCE.measure(together(columns), scores(together(columns)))
    added = reduce(Profile.merge, stored)
    assert added.rows == whole.rows
    assert all((one.counts == whole.columns[name].counts).all() for name, one in added.columns.items())
    assert (added.pairs.counts == whole.pairs.counts).all()
    assert added.cost.mean == pytest.approx(whole.cost.mean)


def test_columns_that_are_lacking_stay_so():
    columns = {name: values for name, values in days(RNG, 1, 50, 0.0)[0].items() if name != "plan"}
    made = REFERENCE.measure(columns, scores(columns))
    again = unpacked(REFERENCE, packed(made))
    assert list(again.columns) == ["x", "y"]
    assert (again.pairs, again.repeats) == (None, None)


def test_it_is_small():
    assert len(packed(window())) < 4_000


def test_what_is_damaged_or_of_another_reference_is_one_clear_error():
    with pytest.raises(DataError, match="other edges"):
        unpacked(REFERENCE, packed(window())[:-9])
    with pytest.raises(DataError, match="other edges"):
        unpacked(Profile(0), packed(window()))
