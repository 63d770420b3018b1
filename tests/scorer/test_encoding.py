from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskloop.data.contract import Column, Contract
from riskloop.errors import BundleRefused
from riskloop.scorer.encoding import Block, Encoding, sources

MISSING, UNKNOWN = -1, 3
LEVELS = ("x", "y", "z")
CODES = np.array([0, 2, UNKNOWN, MISSING, 1], dtype=np.int32)
NUMBERS = np.array([1.0, np.nan, -2.0, 0.0, 7.5])
COLUMNS = {"n": NUMBERS, "c": CODES, "m": np.array([2.0, 4.0, 0.0, np.nan, 5.0])}


def matrix(*blocks: Block) -> list[list[float]]:
    return Encoding(blocks).matrix(COLUMNS).T.tolist()


def same(ours: Any, theirs: Any) -> bool:
    return np.array_equal(np.array(ours), np.array(theirs), equal_nan=True)


def test_a_number_is_left_missing_unless_it_is_imputed():
    assert same(matrix(Block("n", "number")), [NUMBERS])
    assert same(matrix(Block("n", "number", impute=0.0)), [[1.0, 0.0, -2.0, 0.0, 7.5]])


def test_a_number_is_imputed_then_shifted_then_scaled():
    assert same(matrix(Block("n", "number", impute=3.0, shift=1.0, scale=2.0)), [[0.0, 1.0, -1.5, -0.5, 3.25]])


def test_an_indicator_tells_which_numbers_were_missing():
    for impute in (3.0, None):
        made = matrix(Block("n", "number", impute=impute, indicator=True, shift=1.0))
        assert made[1] == [0, 1, 0, 0, 0]


def test_a_number_in_pieces_tells_how_far_it_has_come_in_each():
    made = matrix(Block("n", "pieces", edges=(-1.0, 1.0, 5.0), impute=3.0, indicator=True, shift=1.0, scale=2.0))
    assert made == [
        [0.0, 1.0, -1.5, -0.5, 3.25],
        [1, 1, 0, 0.5, 1],
        [0, 0.5, 0, 0, 1],
        [0, 1, 0, 0, 0],
    ]


def test_a_sum_over_pieces_is_a_polyline_through_its_corners():
    block = Block("n", "pieces", edges=(0.0, 1.0, 3.0), shift=0.5, scale=0.25)
    columns = {"n": np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 9.0])}
    polyline = Encoding((block,)).matrix(columns)[:, 1:] @ [4.0, -3.0]
    assert polyline.tolist() == np.interp(columns["n"], [0, 1, 3], [0, 4, 1]).tolist()


def test_unknown_and_missing_categories_have_no_column_without_an_indicator():
    assert matrix(Block("c", "onehot", levels=LEVELS)) == [[1, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 1, 0, 0, 0]]


def test_with_an_indicator_missing_has_a_column_and_unknown_still_none():
    made = matrix(Block("c", "onehot", levels=LEVELS, indicator=True))
    assert made == [[1, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 1, 0, 0, 0], [0, 0, 0, 1, 0]]


def test_codes_are_nan_for_unknown_and_missing():
    assert same(matrix(Block("c", "code", levels=LEVELS)), [[0, 2, math.nan, math.nan, 1]])


def test_a_derived_number_is_missing_where_it_divides_by_zero():
    ratio = Block("ratio", "number", expression="n / m")
    assert same(matrix(ratio), [[0.5, math.nan, math.nan, math.nan, 1.5]])


def test_a_derived_number_is_imputed_like_any_other():
    ratio = Block("ratio", "number", expression="n / m", impute=-1.0, indicator=True)
    assert matrix(ratio) == [[0.5, -1, -1, -1, 1.5], [0, 1, 1, 1, 0]]


def test_neighbours_do_not_write_into_each_other():
    """An unknown category of one block must not light a level of the next."""
    first, second = Block("c", "onehot", levels=LEVELS), Block("d", "onehot", levels=("u", "v"), indicator=True)
    columns = {"c": np.array([UNKNOWN, MISSING], dtype=np.int32), "d": np.array([2, MISSING], dtype=np.int32)}
    assert Encoding((first, second)).matrix(columns).tolist() == [[0] * 6, [0] * 5 + [1]]


def test_a_category_without_levels_has_at_most_its_indicator():
    columns = {"c": np.array([0, MISSING], dtype=np.int32)}
    assert Encoding((Block("c", "onehot"),)).matrix(columns).shape == (2, 0)
    assert Encoding((Block("c", "onehot", indicator=True),)).matrix(columns).tolist() == [[0], [1]]


def test_names_and_kinds_follow_the_order_of_the_blocks():
    encoding = Encoding(
        (
            Block("c", "code", levels=LEVELS),
            Block("n", "number", indicator=True),
            Block("c", "onehot", levels=("x", "y"), indicator=True),
            Block("c", "code", levels=LEVELS),
        )
    )
    assert encoding.names == ("c", "n", "n is missing", "c=x", "c=y", "c is missing", "c")
    assert encoding.categorical == [0, 6]
    made = encoding.matrix(COLUMNS)
    assert made.shape == (5, 7)
    assert same(made[:, 0], made[:, 6])


def test_nobody_makes_an_empty_matrix():
    encoding = Encoding((Block("n", "number"), Block("c", "onehot", levels=LEVELS)))
    none = {"n": np.empty(0), "c": np.empty(0, dtype=np.int32)}
    assert encoding.matrix(none).shape == (0, 4)


def test_the_columns_given_are_not_changed():
    before = {name: values.copy() for name, values in COLUMNS.items()}
    matrix(Block("n", "number", impute=1.0, scale=2.0), Block("r", "number", expression="n", impute=0.0, shift=9.0))
    assert all(same(COLUMNS[name], values) for name, values in before.items())


def test_sources_are_the_columns_behind_the_blocks():
    blocks = [Block("n", "number"), Block("r", "number", expression="m / n"), Block("c", "code")]
    assert sources(blocks) == ("n", "m", "c")


BINS = Block("n", "bins", edges=(-1.0, 1.0, 7.0), values=(10.0, 20.0, 30.0, 40.0), absent=5.0)
TABLE = Block("c", "table", levels=LEVELS, values=(10.0, 20.0, 30.0), absent=5.0, other=7.0)


def test_a_number_gets_the_value_of_the_bin_whose_lower_edge_it_has_reached():
    assert matrix(BINS) == [[30.0, 5.0, 10.0, 20.0, 40.0]]


def test_blocks_of_bins_may_have_different_numbers_of_edges_none_among_them():
    whole = Block("m", "bins", values=(3.0,), absent=-1.0)
    assert matrix(whole, BINS, whole) == [[3.0, 3.0, 3.0, -1.0, 3.0], *matrix(BINS), [3.0, 3.0, 3.0, -1.0, 3.0]]


def test_a_derived_number_may_be_binned():
    ratio = Block("ratio", "bins", expression="n / m", edges=(1.0,), values=(0.0, 1.0), absent=9.0)
    assert matrix(ratio) == [[0.0, 9.0, 9.0, 9.0, 1.0]]


def test_a_level_has_its_value_and_missing_and_unknown_have_their_own():
    assert matrix(TABLE) == [[10.0, 30.0, 7.0, 5.0, 20.0]]


def test_a_level_beyond_the_unknown_one_is_unknown():
    assert Encoding((TABLE,)).matrix({"c": np.array([99], dtype=np.int32)}).tolist() == [[7.0]]


def test_a_trend_is_kept_by_numbers_and_fixed_by_bins_and_asked_of_nothing_else():
    contract = Contract(
        (Column("n", monotone="decreasing"), Column("m", monotone="increasing"), Column("c", "category", LEVELS))
    )
    encoding = Encoding(
        (
            Block("c", "onehot"),
            Block("n", "number", impute=0.0, indicator=True, shift=1.0, scale=2.0),
            Block("m", "number"),
            Block("n", "pieces", impute=0.0, indicator=True, edges=(0.0, 1.0)),
            BINS,
            Block("free", "number", expression="n / m"),
            Block("free", "bins", expression="m", values=(1.0,)),
            Block("c", "onehot", levels=LEVELS, indicator=True),
            TABLE,
            Block("c", "code", levels=LEVELS),
        )
    )
    assert encoding.monotone(contract) == [-1, 0, 1, -1, -1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert len(encoding.names) == 15


@pytest.mark.parametrize(
    ("block", "column", "fits"),
    [
        (Block("x", "number"), Column("x"), True),
        (Block("x", "pieces", edges=(0.0, 1.0)), Column("x"), True),
        (Block("x", "bins", values=(1.0,)), Column("x"), True),
        (Block("x", "table", levels=("a",), values=(1.0,)), Column("x", "category", ("a",)), True),
        (Block("x", "onehot", levels=("a",)), Column("x", "category", ("a",)), True),
        (Block("y", "number", expression="month(x)"), Column("x", "date"), True),
        (Block("y", "bins", expression="x * 2", values=(1.0,)), Column("x"), True),
        (Block("x", "number"), Column("x", "date"), False),
        (Block("x", "bins", values=(1.0,)), Column("x", "date"), False),
        (Block("x", "number"), Column("x", "category", ("a",)), False),
        (Block("y", "number", expression="x * 2"), Column("x", "category", ("a",)), False),
        (Block("x", "table", levels=("b",), values=(1.0,)), Column("x", "category", ("a",)), False),
        (Block("x", "code", levels=()), Column("x"), False),
    ],
)
def test_a_block_reads_columns_that_it_can_be_made_of(block, column, fits):
    assert block.reads(column) is fits


finite = st.floats(-1e6, 1e6)


@st.composite
def bins(draw: st.DrawFn) -> Block:
    edges = tuple(sorted(draw(st.lists(finite, unique=True, max_size=4))))
    values = draw(st.tuples(*[finite] * (len(edges) + 1)))
    formula = draw(st.none() | st.just("n0 / n1"))
    return Block(draw(st.sampled_from(["n0", "n1"])), "bins", formula, edges=edges, values=values, absent=draw(finite))


@st.composite
def pieces(draw: st.DrawFn) -> Block:
    edges = tuple(sorted(draw(st.lists(finite, unique=True, min_size=2, max_size=5))))
    source, formula = draw(st.sampled_from(["n0", "n1"])), draw(st.none() | st.just("n0 / n1"))
    impute, scale = draw(st.none() | finite), draw(st.floats(1e-6, 1e6))
    return Block(source, "pieces", formula, impute, draw(st.booleans()), draw(finite), scale, edges=edges)


@st.composite
def tables(draw: st.DrawFn) -> Block:
    levels = draw(st.lists(st.text(max_size=3), unique=True, max_size=4).map(tuple))
    values, absent, other = draw(st.tuples(*[finite] * len(levels))), draw(finite), draw(finite)
    return Block(draw(st.sampled_from(["c0", "c1"])), "table", levels=levels, values=values, absent=absent, other=other)


blocks = st.one_of(
    st.builds(
        Block,
        st.sampled_from(["n0", "n1"]),
        st.just("number"),
        st.none() | st.sampled_from(["n0 / n1", "n1 - 2 * `c d`"]),
        st.none() | finite | st.just(0.0),
        st.booleans(),
        finite,
        st.floats(1e-6, 1e6),
    ),
    st.builds(
        Block,
        st.sampled_from(["c0", "c1"]),
        st.sampled_from(["onehot", "code"]),
        indicator=st.booleans(),
        levels=st.lists(st.text(max_size=3), unique=True, max_size=4).map(tuple),
    ),
    bins(),
    pieces(),
    tables(),
)
rows = st.lists(
    st.fixed_dictionaries(
        {name: finite | st.sampled_from([math.nan, 0.0]) for name in ("n0", "n1", "c d")}
        | {name: st.integers(-1, 5) for name in ("c0", "c1")}
    ),
    min_size=1,
    max_size=6,
)


def columns_of(some: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        name: np.array([row[name] for row in some], dtype=np.int32 if name in ("c0", "c1") else np.float64)
        for name in some[0]
    }


def by_hand(block: Block, row: dict[str, Any]) -> list[float]:
    """One block of one row, as its documentation says."""
    if block.kind == "table":
        code = row[block.source]
        return [block.absent if code < 0 else dict(enumerate(block.values)).get(code, block.other)]
    if block.kind in ("number", "pieces", "bins"):
        values = {name: np.array([value]) for name, value in row.items()}
        value = float(block.formula.evaluate(values)[0]) if block.formula else row[block.source]
        missing = math.isnan(value)
        if block.kind == "bins":
            return [block.absent if missing else block.values[sum(edge <= value for edge in block.edges)]]
        value = block.impute if missing and block.impute is not None else value
        with np.errstate(over="ignore"):
            come = [float(np.clip(np.float64(value - low) / (high - low), 0, 1)) for low, high in pairwise(block.edges)]
        return [(value - block.shift) / block.scale, *come, *([float(missing)] if block.indicator else [])]
    code = row[block.source]
    if block.kind == "code":
        own = [float(code) if 0 <= code < len(block.levels) else math.nan]
        return own + ([0.0] if block.indicator else [])
    return [float(code == level) for level in range(len(block.levels))] + ([float(code < 0)] if block.indicator else [])


unhurried = settings(deadline=None, max_examples=150)


@unhurried
@given(st.lists(blocks, min_size=1, max_size=6), rows)
def test_the_matrix_is_what_each_block_says_of_each_row(some_blocks, some_rows):
    encoding = Encoding(tuple(some_blocks))
    expected = [[value for block in some_blocks for value in by_hand(block, row)] for row in some_rows]
    made = encoding.matrix(columns_of(some_rows))
    assert made.shape == (len(some_rows), len(encoding.names))
    assert same(made, np.array(expected).reshape(made.shape))


@unhurried
@given(st.lists(blocks, min_size=1, max_size=6), rows)
def test_a_row_alone_makes_the_same_bits(some_blocks, some_rows):
    encoding = Encoding(tuple(some_blocks))
    together = encoding.matrix(columns_of(some_rows))
    for position, row in enumerate(some_rows):
        assert encoding.matrix(columns_of([row])).tobytes() == np.ascontiguousarray(together[position]).tobytes()


@unhurried
@given(st.lists(blocks, max_size=6))
def test_blocks_come_back_from_json(some_blocks):
    encoding = Encoding(tuple(some_blocks))
    document = json.loads(json.dumps(encoding.to_dict()))
    assert Encoding.from_dict(document) == encoding


def test_defaults_are_not_written_but_a_zero_that_means_something_is():
    encoding = Encoding((Block("n", "number", impute=0.0), Block("m", "number")))
    written = encoding.to_dict()["blocks"]
    assert written == [{"source": "n", "kind": "number", "impute": 0.0}, {"source": "m", "kind": "number"}]


SOUND = {"source": "n", "kind": "number"}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"blocks": None},
        {"blocks": {}},
        {"blocks": "n"},
        {"blocks": [None]},
        {"blocks": [[]]},
        {"blocks": [{}]},
        {"blocks": [{"source": "n"}]},
        {"blocks": [{"kind": "number"}]},
        *(
            {"blocks": [SOUND | change]}
            for change in (
                {"kind": "pickle"},
                {"kind": 1},
                {"source": None},
                {"source": ["n"]},
                {"colour": "red"},
                {"impute": "0"},
                {"impute": True},
                {"impute": math.nan},
                {"impute": math.inf},
                {"impute": 10**400},
                {"shift": None},
                {"shift": -math.inf},
                {"scale": 0},
                {"scale": -1.0},
                {"scale": math.nan},
                {"indicator": 1},
                {"levels": "xy"},
                {"levels": [1]},
                {"levels": [["x"]]},
                {"expression": ""},
                {"expression": "a ** 2"},
                {"expression": 1},
                {"kind": "code", "expression": "a / b"},
                {"values": [1.0]},
                {"edges": [1.0]},
                {"absent": 1.0},
                {"levels": ["x"]},
            )
        ),
        *(
            {"blocks": [{"source": "n", "kind": "bins", "edges": [1.0, 2.0], "values": [0, 1, 2.5]} | change]}
            for change in (
                {"edges": [2.0, 1.0]},
                {"edges": [1.0, 1.0]},
                {"edges": [1.0, math.nan]},
                {"edges": [1.0, math.inf]},
                {"edges": [1.0]},
                {"edges": [[1.0], 2.0]},
                {"edges": ["1", "2"]},
                {"edges": {"1": 1.0}},
                {"values": [0, 1]},
                {"values": [0, 1, True]},
                {"values": [0, 1, math.nan]},
                {"values": [0, 1, 10**400]},
                {"absent": math.inf},
                {"absent": None},
                {"impute": 0.0},
                {"indicator": True},
                {"scale": 2.0},
                {"levels": ["x"]},
                {"other": 1.0},
            )
        ),
        *(
            {"blocks": [{"source": "n", "kind": "pieces", "edges": [1.0, 2.0]} | change]}
            for change in ({"edges": []}, {"edges": [1.0]}, {"edges": [2.0, 1.0]}, {"values": [1.0]}, {"absent": 1.0})
        ),
        *(
            {"blocks": [{"source": "c", "kind": "table", "levels": ["x", "y"], "values": [0.5, 1]} | change]}
            for change in (
                {"levels": ["x"]},
                {"values": []},
                {"values": [None, 1]},
                {"edges": [1.0]},
                {"other": math.nan},
                {"expression": "c"},
                {"indicator": True},
            )
        ),
    ],
)
def test_a_malformed_encoding_is_refused(document):
    with pytest.raises(BundleRefused) as refused:
        Encoding.from_dict(document)
    assert refused.value.where == "encoding"
