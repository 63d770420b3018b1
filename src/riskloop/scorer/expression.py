"""Arithmetic over columns, parsed once into a small tree: never `eval`, never anything but + - * / and numbers."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import ConfigError

FloatArray = NDArray[np.float64]

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
}
_LONGEST = 500


@dataclass(frozen=True)
class Expression:
    """A formula over number columns.

    Columns whose names are not identifiers are written in backquotes: ```a.b` / `c d```.
    Division by zero and arithmetic on a missing value give a missing value (NaN), never an infinity.

    Examples
    --------
    >>> Expression("debt / income").evaluate({"debt": np.array([1.0, 2.0]), "income": np.array([4.0, 0.0])})
    array([0.25,  nan])
    """

    text: str

    @cached_property
    def _parsed(self) -> tuple[ast.expr, dict[str, str]]:
        if len(self.text) > _LONGEST:
            raise self._error(f"longer than {_LONGEST} characters")
        pieces = self.text.split("`")
        if len(pieces) % 2 == 0:
            raise self._error("a backquote is not closed")
        aliases = {f"_quoted_{i}": name for i, name in enumerate(pieces) if i % 2}
        source = "".join(f"_quoted_{i}" if i % 2 else piece for i, piece in enumerate(pieces))
        try:
            tree = ast.parse(source.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise self._error("not a formula") from None
        for node in ast.walk(tree):
            self._check(node)
        return tree, aliases

    def _check(self, node: ast.AST) -> None:
        allowed = (ast.BinOp, ast.UnaryOp, ast.USub, ast.UAdd, ast.Name, ast.Load, *_OPERATORS)
        number = isinstance(node, ast.Constant) and isinstance(node.value, (int, float))
        if not (number and not isinstance(getattr(node, "value", None), bool)) and not isinstance(node, allowed):
            raise self._error("only + - * /, numbers, column names and parentheses are allowed")

    def _error(self, why: str) -> ConfigError:
        return ConfigError(
            f"The expression {self.text[:80]!r} cannot be read: {why}.",
            where="expression",
            next_step="write for example `debt / income`",
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns the formula needs, in order of first use."""
        tree, aliases = self._parsed
        found = [aliases.get(node.id, node.id) for node in ast.walk(tree) if isinstance(node, ast.Name)]
        return tuple(dict.fromkeys(found))

    def evaluate(self, columns: Mapping[str, NDArray[Any]]) -> FloatArray:
        """Values of the formula, shape (n,)."""
        tree, aliases = self._parsed
        with np.errstate(all="ignore"):
            value = np.asarray(self._value(tree, aliases, columns), dtype=np.float64)
        return np.where(np.isfinite(value), value, np.nan)

    def _value(self, node: ast.expr, aliases: dict[str, str], columns: Mapping[str, NDArray[Any]]) -> Any:
        if isinstance(node, ast.BinOp):
            left = self._value(node.left, aliases, columns)
            right = self._value(node.right, aliases, columns)
            return _OPERATORS[type(node.op)](left, right)
        if isinstance(node, ast.UnaryOp):
            operand = self._value(node.operand, aliases, columns)
            return np.negative(operand) if isinstance(node.op, ast.USub) else operand
        if isinstance(node, ast.Name):
            return columns[aliases.get(node.id, node.id)]
        assert isinstance(node, ast.Constant)  # noqa: S101 - _check lets nothing else through
        return np.float64(node.value)  # type: ignore[arg-type]
