from __future__ import annotations

import json

import numpy as np
import pytest

from riskloop.watch.repeats import Repeats


def rows(rng, count, levels=None):
    number = rng.normal(size=count) if levels is None else rng.integers(0, levels, count).astype(float)
    return {"a": number, "b": rng.integers(0, 3, count).astype(np.int32), "c": np.where(number > 0, number, np.nan)}


def repeated(columns, times):
    return {name: np.repeat(values, times) for name, values in columns.items()}


RNG = np.random.default_rng(4)


def test_twelve_thousand_identical_rows_repeat_one():
    assert Repeats.of(repeated(rows(RNG, 1), 12_000)).share() == pytest.approx(1 - 1 / 12_000)


def test_rows_that_differ_repeat_nothing():
    assert Repeats.of(rows(RNG, 800)).share() == 0.0
    assert Repeats.of(rows(RNG, 200_000)).share() < 0.1


def test_a_file_that_was_loaded_twice_repeats_half_of_its_rows():
    assert Repeats.of(repeated(rows(RNG, 30_000), 2)).share() == pytest.approx(0.5, abs=0.06)
    assert Repeats.of(repeated(rows(RNG, 400), 2)).share() == pytest.approx(0.5)


def test_few_distinct_rows_repeat_as_often_in_a_batch_as_in_a_reference_of_its_size():
    """Of columns with few values every large table repeats itself: only the excess tells."""
    reference = Repeats.of(rows(RNG, 20_000, levels=200))
    for count in (100, 500, 2_000):
        batch = Repeats.of(rows(RNG, count, levels=200))
        assert reference.share(count) == pytest.approx(batch.share(), abs=0.06)
    assert reference.share() > 0.9


def test_parts_add_up_while_hashes_are_at_hand():
    columns = rows(RNG, 3_000, levels=4_000)
    halves = [Repeats.of({name: values[half::2] for name, values in columns.items()}) for half in (0, 1)]
    whole, added = Repeats.of(columns), halves[0] + halves[1]
    assert added.share() == whole.share()
    assert (added.hashes == whole.hashes).all()


def test_what_is_written_down_holds_no_hash_and_takes_the_same_row_twice_for_two():
    made = Repeats.of(repeated(rows(RNG, 50), 4))
    fields = json.loads(json.dumps(made.to_dict()))
    assert set(fields) == {"rows", "times", "distinct"}
    again = Repeats.from_dict(fields)
    assert again.share() == made.share() == 0.75
    assert (again + again).share() == 0.75
    assert (again + again).rows == 400


def test_zero_is_minus_zero_and_missing_is_missing():
    both = {"a": np.array([0.0, -0.0]), "b": np.array([np.nan, -np.nan])}
    assert Repeats.of(both).share() == 0.5


def test_no_rows_repeat_nothing():
    assert Repeats.of({"a": np.empty(0)}).share() == 0.0
