"""Arithmetic over columns, parsed once into a short program: never `eval`, only + - * /, numbers and parts of dates."""

from __future__ import annotations

import ast
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from riskloop.data.dates import PARTS
from riskloop.errors import ConfigError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """A part of a date, such as its month, as an operator beside NumPy's."""

    name: str
    nin: ClassVar[int] = 1

    def __call__(self, days: Any) -> Any:
        return PARTS[self.name](days)


Step = str | float | np.ufunc | Part
"""A column to load, a constant to load, or an operator on what was loaded last."""

_OPERATORS: dict[type[ast.AST], np.ufunc] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.USub: np.negative,
    ast.UAdd: np.positive,
}
_LONGEST = 500


@dataclass(frozen=True)
class Expression:
    """A formula over number and date columns.

    A date is a number of days: ``closed_on - opened_on`` is the days between. Its parts are ``year``, ``month``,
    ``day``, ``quarter``, ``weekday`` (Monday is 0), ``is_weekend`` and ``hour``: ``month(opened_on)``.

    Columns whose names are not identifiers are written in backquotes: ```a.b` / `c d```.
    Division by zero, overflow and arithmetic on a missing value give a missing value (NaN), never an infinity, also
    where they happen on the way: ``1 / (a / b)`` is missing where ``b`` is 0.

    Examples
    --------
    >>> Expression("debt / income").evaluate({"debt": np.array([1.0, 2.0]), "income": np.array([4.0, 0.0])})
    array([0.25,  nan])
    """

    text: str

    @cached_property
    def program(self) -> tuple[Step, ...]:
        """The formula in postfix order: evaluated without recursion, however deep it is nested.

        Raises
        ------
        ConfigError
            If the text is not a formula over at least one column.
        """
        if len(self.text) > _LONGEST:
            raise self._error(f"longer than {_LONGEST} characters")
        source, columns = self._unquoted()
        try:
            tree = ast.parse(source.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise self._error("not a formula") from None
        steps = tuple(self._step(node, columns) for node in _postfix(tree))
        if not any(isinstance(step, str) for step in steps):
            raise self._error("it names no column")
        return steps

    def _unquoted(self) -> tuple[str, dict[str, str]]:
        """The text with a plain name in place of each quoted one, and the column each stands for."""
        pieces = self.text.split("`")
        if len(pieces) % 2 == 0:
            raise self._error("a backquote is not closed")
        prefix = "quoted"
        while prefix in self.text:
            prefix += "_"
        aliases = {f"{prefix}{i}": name for i, name in enumerate(pieces) if i % 2}
        return "".join(f" {prefix}{i} " if i % 2 else piece for i, piece in enumerate(pieces)), aliases

    def _step(self, node: ast.expr, aliases: Mapping[str, str]) -> Step:
        if isinstance(node, ast.Name):
            return aliases.get(node.id, node.id)
        if isinstance(node, ast.BinOp | ast.UnaryOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)]
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return self._number(node.value)  # type: ignore[arg-type]
        if isinstance(node, ast.Call):
            return self._part(node)
        raise self._error("only + - * /, numbers, column names, parentheses and parts of dates are allowed")

    def _part(self, call: ast.Call) -> Part:
        if not isinstance(call.func, ast.Name) or call.func.id not in PARTS:
            raise self._error(f"the only functions are {', '.join(PARTS)}")
        if len(call.args) != 1 or call.keywords:
            raise self._error(f"{call.func.id} takes one date")
        return Part(call.func.id)

    def _number(self, value: float) -> float:
        if not abs(value) <= sys.float_info.max:  # before the conversion: an integer may be longer than any float
            raise self._error("a number is too large")
        return float(value)

    def _error(self, why: str) -> ConfigError:
        return ConfigError(
            f"The expression {self.text[:80]!r} cannot be read: {why}.",
            where="expression",
            next_step="write for example `debt / income`, and names that hold blanks or dots in backquotes",
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns the formula needs, in order of first use."""
        return tuple(dict.fromkeys(step for step in self.program if isinstance(step, str)))

    def evaluate(self, columns: Mapping[str, NDArray[Any]]) -> FloatArray:
        """Values of the formula, shape (n,)."""
        loaded: list[Any] = []
        with np.errstate(all="ignore"):
            for step in self.program:
                if isinstance(step, np.ufunc | Part):
                    operands = loaded[-step.nin :]
                    del loaded[-step.nin :]
                    loaded.append(_finite(step(*operands)))
                else:
                    loaded.append(columns[step] if isinstance(step, str) else step)
        return np.asarray(loaded.pop(), dtype=np.float64)


def _postfix(tree: ast.expr) -> Iterator[ast.expr]:
    """Operands before their operator, from left to right."""
    pending, found = [tree], []
    while pending:
        node = pending.pop()
        found.append(node)
        children = node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
        pending += [child for child in children if isinstance(child, ast.expr)]
    return reversed(found)


def _finite(value: Any) -> Any:
    return np.where(np.isfinite(value), value, math.nan)
