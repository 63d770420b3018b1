"""The outcome: from the target column to a boolean per row."""

from __future__ import annotations

import operator
import shlex
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from riskloop.data.column import is_number
from riskloop.data.contract import did_you_mean
from riskloop.data.frames import as_text
from riskloop.errors import DataError
from riskloop.problem import Problem

FEWEST_POSITIVES = 50
_POSITIVE_WORDS = ("1", "yes", "true", "y", "t", "bad", "default", "churned", "attrited customer", ">50k")
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def guess_positive(frame: pl.DataFrame, target: str) -> str:
    """The value of a binary target that is most likely the risk: a well-known word, else the rarer value.

    Raises
    ------
    DataError
        If the target is not binary.
    """
    counts = as_text(_column(frame, target)).drop_nulls().value_counts(sort=True)
    values = counts.to_series(0).to_list()
    if not values:
        raise _never_known(target)
    if len(values) == 1:
        raise _single_class(target, values[0])
    if len(values) != 2:
        shown = ", ".join(map(repr, values[:5]))
        raise DataError(
            f"The target has {len(values)} different values ({shown}{', ...' if len(values) > 5 else ''}).",
            where=f"column {target!r}",
            next_step=f"make it binary: {_as_binary(target, values)}",
        )
    known = [value for value in values if value.lower() in _POSITIVE_WORDS]
    return str(known[0] if len(known) == 1 else values[1])


def _as_binary(target: str, values: Sequence[str]) -> str:
    """How a target of several values is asked for: numbers by a comparison, words by the one that is the risk."""
    if all(is_number(value) for value in values):
        return f'--target "{target} > 0" or another comparison, or --positive VALUE for one value against the rest'
    return f"name the value that is the risk, against all others: --positive {shlex.quote(min(values, key=len))}"


def two_valued(frame: pl.DataFrame) -> tuple[str, ...]:
    """Columns of exactly two values: those that could be a target."""
    return tuple(name for name in frame.columns if as_text(frame[name]).drop_nulls().n_unique() == 2)


def outcome(frame: pl.DataFrame, problem: Problem) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The outcome of every row and whether it is known, fit to learn from.

    Returns
    -------
    positive, known : bool arrays, shape (n,)

    Raises
    ------
    DataError
        If the target is absent, the positive value never occurs, all rows are of one class, or positives are too few.
    """
    positive, known = known_outcome(frame, problem)
    if not known.any():
        raise _never_known(problem.target_column)
    if not positive.any() and problem.target in frame.columns:
        raise _never_positive(frame, problem)
    _enough(positive[known], problem)
    return positive, known


def can_learn(frame: pl.DataFrame, problem: Problem) -> bool:
    """Whether the table has the target, and enough of both outcomes."""
    if problem.target_column not in frame.columns:
        return False
    positive, known = known_outcome(frame, problem)
    return _rarer(positive[known]) >= FEWEST_POSITIVES


def known_outcome(frame: pl.DataFrame, problem: Problem) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The outcome of every row and whether it is known, however few; see `outcome`."""
    if problem.target in frame.columns or problem.comparison is None:
        return _by_value(frame, problem)
    return _by_comparison(frame, problem)


def _column(frame: pl.DataFrame, name: str) -> pl.Series:
    if name not in frame.columns:
        raise DataError(
            f"The table has no column {name!r}{did_you_mean(name, frame.columns)}.",
            where="target",
            next_step="name one of its columns",
        )
    return frame[name]


def _by_value(frame: pl.DataFrame, problem: Problem) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    text = as_text(_column(frame, problem.target))
    positive = (text == problem.positive.strip()).fill_null(False).to_numpy()
    return positive, text.is_not_null().to_numpy()


def _never_known(target: str) -> DataError:
    return DataError(
        "No row has an outcome that can be read.",
        where=f"column {target!r}",
        next_step="name the column that says what became of the customers",
    )


def _never_positive(frame: pl.DataFrame, problem: Problem) -> DataError:
    values = as_text(frame[problem.target]).drop_nulls().unique().sort().to_list()
    more = ", ..." if len(values) > 5 else ""
    return DataError(
        f"The positive value {problem.positive!r} does not occur; "
        f"the target holds {', '.join(map(repr, values[:5]))}{more}{did_you_mean(problem.positive, values)}.",
        where=f"column {problem.target!r}",
        next_step="name the value that is the risk with --positive",
    )


def _by_comparison(frame: pl.DataFrame, problem: Problem) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    assert problem.comparison is not None  # noqa: S101 - the caller has looked
    name, sign, constant = problem.comparison
    text = as_text(_column(frame, name))
    numbers = text.cast(pl.Float64, strict=False)
    try:
        compared = _COMPARE[sign](numbers, float(constant))
    except ValueError:
        compared = _COMPARE[sign](text, constant.strip("'\""))
        return compared.fill_null(False).to_numpy(), text.is_not_null().to_numpy()
    return compared.fill_null(False).to_numpy(), numbers.is_not_null().to_numpy()


def _single_class(target: str, value: str) -> DataError:
    return DataError(
        f"Every row has the same outcome, {value!r}.",
        where=f"column {target!r}",
        next_step="give a table with both outcomes",
    )


def _rarer(positive: NDArray[np.bool_]) -> int:
    return int(min(positive.sum(), (~positive).sum()))


def _enough(positive: NDArray[np.bool_], problem: Problem) -> None:
    rarer = _rarer(positive)
    if rarer == 0:
        raise _single_class(problem.target_column, problem.positive)
    if rarer < FEWEST_POSITIVES:
        raise DataError(
            f"Only {rarer} of {len(positive):,} rows have the rarer outcome; {FEWEST_POSITIVES} are needed "
            "to learn and to check a decision.",
            where=f"column {problem.target_column!r}",
            next_step="gather more outcomes, or widen the definition of the target",
        )
