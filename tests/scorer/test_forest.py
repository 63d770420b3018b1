"""A Forest gives the log-odds its trees say, fast or slow, and refuses arrays that are not trees."""

from __future__ import annotations

import dataclasses
import io
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from riskloop.errors import BundleRefused, DataError
from riskloop.scorer.forest import Forest
from riskloop.scorer.forest.layout import Layout
from riskloop.scorer.forest.masks import Masks
from riskloop.scorer.forest.traversal import Traversal

FloatArray = NDArray[np.float64]
NUMERIC, CATEGORICAL, LEVELS = 4, 2, 7
WIDTH = NUMERIC + CATEGORICAL


def random_forest(seed: int, leaves: list[int], **scalars: Any) -> Forest:
    """Trees of these numbers of leaves, grown at random, over numeric and categorical columns."""
    rng = np.random.default_rng(seed)
    nodes: list[list[int]] = []  # feature, left, right
    roots = []
    for count in leaves:
        roots.append(len(nodes))
        nodes.append([-1, -1, -1])
        open_leaves = [len(nodes) - 1]
        for _ in range(count - 1):
            at = open_leaves.pop(int(rng.integers(len(open_leaves))))
            nodes[at] = [int(rng.integers(WIDTH)), len(nodes), len(nodes) + 1]
            open_leaves += [len(nodes), len(nodes) + 1]
            nodes += [[-1, -1, -1], [-1, -1, -1]]
    feature, left, right = np.array(nodes, dtype=np.int32).T.copy()
    inner, size = feature >= 0, feature.size
    categorical = feature >= NUMERIC
    category_node = np.full(size, -1, dtype=np.int32)
    category_node[categorical] = np.arange(categorical.sum())
    return Forest(
        roots=np.array(roots, dtype=np.int32),
        feature=feature,
        threshold=np.where(inner & ~categorical, rng.integers(-3, 4, size) / 2, 0.0),
        left=left,
        right=right,
        missing_left=inner & (rng.random(size) < 0.5),
        value=np.where(inner, 0.0, rng.random(size)),
        category_node=category_node,
        category_left=rng.random((int(categorical.sum()), LEVELS)) < 0.5,
        n_features=WIDTH,
        **scalars,
    )


def random_rows(seed: int, n: int) -> FloatArray:
    """Rows on and beside the thresholds, with missing values and codes outside the table."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-8, 9, (n, WIDTH)) / 4
    X[:, NUMERIC:] = rng.integers(-1, LEVELS + 3, (n, CATEGORICAL))
    X[rng.random(X.shape) < 0.2] = np.nan
    return X


def walk(forest: Forest, x: FloatArray) -> list[float]:
    """The leaf value of each tree for one row, by the definition."""
    found = []
    for root in forest.roots:
        node = int(root)
        while forest.feature[node] >= 0:
            value, sets = float(x[forest.feature[node]]), forest.category_node[node]
            if math.isnan(value):
                left = bool(forest.missing_left[node])
            elif sets >= 0:
                left = 0 <= value < LEVELS and bool(forest.category_left[sets, int(value)])
            else:
                left = value <= forest.threshold[node]
            node = int(forest.left[node] if left else forest.right[node])
        found.append(float(forest.value[node]))
    return found


def in_order(forest: Forest, values: list[float]) -> float:
    total = forest.base
    for value in values:
        total += value
    return total


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    leaves=st.lists(st.integers(1, 64), min_size=1, max_size=12),
    n=st.integers(0, 40),
)
def test_masks_and_traversal_both_reach_the_leaves_that_the_definition_gives(
    seed: int, leaves: list[int], n: int
) -> None:
    forest = random_forest(seed, leaves, base=0.25)
    X = random_rows(seed, n)
    expected = np.array([in_order(forest, walk(forest, x)) for x in X])
    for evaluator in (Masks(forest, Layout.of(forest)), Traversal(forest)):
        assert np.array_equal(evaluator.total(X), expected)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 30), float32=st.booleans(), leaves=st.sampled_from([20, 90]))
def test_a_row_alone_gets_the_same_bits_as_among_others(seed: int, n: int, float32: bool, leaves: int) -> None:
    forest = random_forest(seed, [leaves] * 40, base=-0.3, float32_sum=float32)
    X = random_rows(seed, n)
    alone = np.concatenate([forest.margin(X[i : i + 1]) for i in range(n)])
    assert np.array_equal(forest.margin(X), alone)


@pytest.mark.parametrize("right", [True, False])
def test_a_chain_of_64_leaves_fills_a_word_to_its_last_bit(right: bool) -> None:
    inner = np.arange(63)
    child, leaf = 2 * inner + 2, 2 * inner + 1  # the chain goes on at `child`
    size = 127
    feature, left, other = (np.full(size, -1, dtype=np.int32) for _ in range(3))
    feature[2 * inner] = 0
    (other if right else left)[2 * inner] = child
    (left if right else other)[2 * inner] = leaf
    threshold = np.zeros(size)
    threshold[2 * inner] = inner if right else 62 - inner
    forest = Forest(
        roots=np.array([0], dtype=np.int32),
        feature=feature,
        threshold=threshold,
        left=left,
        right=other,
        missing_left=np.zeros(size, dtype=np.bool_),
        value=np.where(feature < 0, np.arange(size), 0.0),
        category_node=np.full(size, -1, dtype=np.int32),
        n_features=1,
    )
    X = np.arange(-1.0, 65.0)[:, np.newaxis]
    expected = [walk(forest, x)[0] for x in X]
    assert Layout.of(forest).fits
    assert np.array_equal(forest.margin(X), expected)
    assert len(set(expected)) == 64


def test_trees_of_more_than_64_leaves_are_walked() -> None:
    forest = random_forest(3, [200, 5])
    X = random_rows(3, 50)
    assert not Layout.of(forest).fits
    assert np.array_equal(forest.margin(X), [in_order(forest, walk(forest, x)) for x in X])


def test_a_table_too_large_for_memory_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    forest = random_forest(3, [20] * 5)
    expected = forest.margin(random_rows(0, 9))
    monkeypatch.setattr("riskloop.scorer.forest.layout.TABLE_BYTES", 10)
    assert not Layout.of(forest).fits
    assert np.array_equal(dataclasses.replace(forest).margin(random_rows(0, 9)), expected)


def test_averaged_probabilities_become_log_odds_of_their_mean() -> None:
    forest = random_forest(5, [4, 9, 16], average=True)
    X = random_rows(5, 30)
    mean = np.array([np.mean(walk(forest, x)) for x in X])
    assert forest.margin(X) == pytest.approx(np.log(mean / (1 - mean)), abs=1e-12)


def test_a_certain_average_is_clipped() -> None:
    forest = random_forest(5, [4], average=True)
    X = random_rows(5, 30)
    for certain, margin in ((0.0, -27.631), (1.0, 27.631)):
        sure = dataclasses.replace(forest, value=np.full_like(forest.value, certain))
        assert sure.margin(X) == pytest.approx(np.full(30, margin), abs=1e-3)


def test_float32_inputs_are_rounded_before_they_are_compared() -> None:
    forest = random_forest(0, [2])
    forest = dataclasses.replace(
        forest,
        feature=np.array([0, -1, -1], dtype=np.int32),
        threshold=np.array([float(np.float32(0.1)), 0.0, 0.0]),
        category_node=np.full(3, -1, dtype=np.int32),
        category_left=np.zeros((0, 0), dtype=np.bool_),
    )
    X = np.full((1, WIDTH), np.nextafter(float(np.float32(0.1)), 1))
    assert forest.margin(X)[0] == forest.value[2]
    assert dataclasses.replace(forest, float32_inputs=True).margin(X)[0] == forest.value[1]


def test_zeros_may_be_missing_in_numeric_columns_and_stay_codes_in_categorical_ones() -> None:
    forest = random_forest(8, [30] * 5)
    X = random_rows(8, 60)
    missing = X.copy()
    missing[:, :NUMERIC][X[:, :NUMERIC] == 0] = np.nan
    assert not np.array_equal(forest.margin(X), forest.margin(missing))
    assert np.array_equal(dataclasses.replace(forest, zero_missing=True).margin(X), forest.margin(missing))


def test_a_matrix_of_another_width_is_an_error() -> None:
    with pytest.raises(DataError, match="6 columns"):
        random_forest(0, [3]).margin(np.zeros((2, 5)))


def test_arrays_survive_a_file_without_pickle() -> None:
    forest = random_forest(1, [30] * 8, base=0.1, float32_inputs=True)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **forest.to_arrays())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        again = Forest.from_arrays(arrays)
    X = random_rows(1, 50)
    assert np.array_equal(again.margin(X), forest.margin(X))
    assert again.float32_inputs is True


def altered(name: str, value: Any, at: int | None = None) -> dict[str, Any]:
    arrays = random_forest(2, [6, 9, 12]).to_arrays()
    if at is None:
        arrays[name] = value
    else:
        arrays[name] = arrays[name].copy()
        arrays[name][at] = value
    return arrays


@pytest.mark.parametrize(
    ("name", "value", "at"),
    [
        ("roots", 1, 0),
        ("roots", 0, 1),
        ("roots", 10**6, 2),
        ("roots", -(2**31), 2),
        ("roots", np.zeros(0, dtype=np.int32), None),
        ("feature", WIDTH, 0),
        ("feature", -2, 0),
        ("feature", -1, 0),
        ("threshold", np.nan, 0),
        ("threshold", np.inf, 0),
        ("left", 0, 0),
        ("left", -1, 0),
        ("left", 2, 0),
        ("right", 10**6, 0),
        ("right", 12, 0),
        ("value", np.nan, 3),
        ("value", 1.7e308, slice(None)),
        ("category_node", 10**6, 0),
        ("category_node", 0, slice(None)),
        ("category_left", np.zeros((1, 3), dtype=np.bool_), None),
        ("category_left", np.zeros(3, dtype=np.bool_), None),
        ("left", np.zeros(3), None),
        ("value", np.array([None] * 51), None),
        ("value", np.array(["1.0"] * 51), None),
        ("threshold", np.zeros((51, 1)), None),
        ("base", np.array(np.nan), None),
        ("base", np.array([0.0, 1.0]), None),
        ("n_features", np.array(0), None),
        ("n_features", np.array(6.0), None),
        ("average", np.array(1), None),
        ("version", np.array(2), None),
        ("missing_left", np.full(51, 2, dtype=np.uint8).view(np.bool_), None),
    ],
)
def test_arrays_that_are_not_trees_are_refused(name: str, value: Any, at: Any) -> None:
    with pytest.raises(BundleRefused, match="forest"):
        Forest.from_arrays(altered(name, value, at))


def test_an_absent_array_is_named() -> None:
    arrays = random_forest(2, [6]).to_arrays()
    del arrays["threshold"]
    with pytest.raises(BundleRefused, match="threshold"):
        Forest.from_arrays(arrays)


def test_averages_outside_zero_and_one_are_refused() -> None:
    with pytest.raises(BundleRefused, match="probabilities"):
        Forest.from_arrays(altered("value", 1.5, 50) | {"average": np.array(True)})


def test_a_tree_thousands_of_levels_deep_is_refused() -> None:
    size = 20_001
    inner = np.arange(size) % 2 == 0
    inner[-1] = False
    node = np.arange(size)
    chain: dict[str, NDArray[Any]] = {
        "roots": np.zeros(1, dtype=np.int32),
        "feature": np.where(inner, 0, -1).astype(np.int32),
        "left": np.where(inner, node + 1, -1).astype(np.int32),
        "right": np.where(inner, node + 2, -1).astype(np.int32),
        "threshold": np.zeros(size),
        "value": np.zeros(size),
        "missing_left": np.zeros(size, dtype=np.bool_),
        "category_node": np.full(size, -1, dtype=np.int32),
        "category_left": np.zeros((0, 0), dtype=np.bool_),
    }
    with pytest.raises(BundleRefused, match="deeper"):
        Forest.from_arrays(random_forest(0, [1]).to_arrays() | chain)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_altered_arrays_are_refused_or_score_finitely(data: st.DataObject) -> None:
    arrays: dict[str, NDArray[Any]] = random_forest(data.draw(st.integers(0, 50)), [6, 1, 70, 12]).to_arrays()
    for name in data.draw(st.lists(st.sampled_from(sorted(arrays)), min_size=1, max_size=3, unique=True)):
        arrays[name] = mutated(arrays[name], data)
    try:
        forest = Forest.from_arrays(arrays)
    except BundleRefused:
        return
    X = np.resize(random_rows(0, 20), (20, min(forest.n_features, 100)))
    if forest.n_features == X.shape[1]:
        assert np.isfinite(forest.margin(X)).all()
        assert np.isfinite(forest.margin(X[:1])).all()


def mutated(array: NDArray[Any], data: st.DataObject) -> NDArray[Any]:
    array = np.atleast_1d(array).copy()
    how = data.draw(st.sampled_from(["set", "roll", "cut", "repeat", "cast", "bytes"]))
    if how == "set" and array.dtype.kind in "if":
        extremes = [-(2**31), -2, -1, 0, 1, 2, 5, 2**31 - 1]
        array.flat[data.draw(st.integers(0, array.size - 1))] = data.draw(st.sampled_from(extremes))
    elif how == "roll":
        array = np.roll(array, data.draw(st.integers(-3, 3)))
    elif how == "cut":
        array = array[: data.draw(st.integers(0, len(array)))]
    elif how == "repeat":
        array = np.concatenate([array, array])
    elif how == "cast":
        array = array.astype(data.draw(st.sampled_from(["i1", "i8", "f4", ">i4", "U3", "O", "?"])))
    else:
        raw = array.view(np.uint8).reshape(-1)
        raw[data.draw(st.integers(0, raw.size - 1))] ^= np.uint8(1 << data.draw(st.integers(0, 7)))
    return array
