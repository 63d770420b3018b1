from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from riskloop.bundle.arrays import from_bytes, to_bytes

some = st.sampled_from(["?", "<i4", "<i8", "<f8"]).flatmap(
    lambda dtype: arrays(np.dtype(dtype), array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)


@given(st.dictionaries(st.sampled_from("abcd"), some, max_size=3))
def test_arrays_come_back_bit_for_bit_with_type_and_shape(given_arrays):
    again = from_bytes(to_bytes(given_arrays))
    assert again.keys() == given_arrays.keys()
    for name, array in given_arrays.items():
        assert again[name].dtype == array.dtype
        assert again[name].shape == array.shape
        assert again[name].tobytes() == array.tobytes()


def test_arrays_that_were_read_cannot_be_changed():
    array = from_bytes(to_bytes({"a": np.zeros(3)}))["a"]
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1.0


@pytest.mark.parametrize("array", [np.zeros(2, np.float32), np.array(["a"]), np.array([None]), np.zeros(2, ">f8")])
def test_arrays_outside_the_closed_set_of_types_are_not_written(array):
    with pytest.raises(ValueError, match="the array 'a' holds"):
        to_bytes({"a": array})
