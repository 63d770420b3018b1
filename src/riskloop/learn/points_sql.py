"""A scorecard as SQL: one SELECT of CASE expressions, in words that SQLite, DuckDB and PostgreSQL share."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from riskloop.data.contract import Column, Contract
from riskloop.data.expression import Expression
from riskloop.errors import ConfigError
from riskloop.scorer.encoding import Block, Encoding

_OPERATORS: dict[np.ufunc, str] = {np.add: "+", np.subtract: "-", np.multiply: "*"}


def select(encoding: Encoding, contract: Contract, constant: int, table: str) -> str:
    """Every column of a table, and its points as ``score``.

    The table holds what the contract reads: numbers as numbers, categories as text without blanks around it, missing
    values as NULL or as the contract's ``missing_values``. A value that the contract refuses (an unknown level, a
    missing value where one is required) has no score: NULL. The contract's limits of numbers are not checked.

    Parameters
    ----------
    encoding : Encoding
        Bins and tables of whole points.
    contract : Contract
    constant : int
        Points that everyone has.
    table : str
        Its name; a dot separates it from its schema.

    Raises
    ------
    ConfigError
        If a derived feature uses a date: databases disagree about their parts.
    """
    cases = [_case(block, contract) for block in encoding.blocks]
    total = "\n  + ".join([*cases, *([str(constant)] if constant or not cases else [])])
    return f"SELECT *,\n  {total} AS score\nFROM {'.'.join(map(_name, table.split('.')))}\n"


def _case(block: Block, contract: Contract) -> str:
    if block.formula:
        value = _arithmetic(block.formula, contract)
        return _bins(block, value, f"{value} IS NULL", _points(block.absent))
    column = contract.by_name[block.source]
    absent = _points(block.absent) if column.nullable else "NULL"
    if block.kind == "bins":
        value = _name(column.name)
        return _bins(block, value, _or_in(f"{value} IS NULL", value, map(repr, sorted(column.missing_numbers))), absent)
    return _levels(block, column, absent)


def _bins(block: Block, value: str, is_missing: str, absent: str) -> str:
    *lower, last = map(_points, block.values)
    whens = [f" WHEN {value} < {edge!r} THEN {points}" for edge, points in zip(block.edges, lower, strict=True)]
    return f"CASE WHEN {is_missing} THEN {absent}{''.join(whens)} ELSE {last} END"


def _levels(block: Block, column: Column, absent: str) -> str:
    value = f"LOWER({_name(column.name)})" if column.ignore_case else _name(column.name)
    texts: dict[str, list[str]] = {}
    for text, code in column.codes.items():
        texts.setdefault(_points(block.values[code]), []).append(_text(text))
    whens = [f" WHEN {value} IN ({', '.join(some)}) THEN {points}" for points, some in texts.items()]
    other = {"bin": _points(block.other), "coerce": absent, "reject": "NULL"}[column.unknown]
    missing = _or_in(f"{value} IS NULL", value, map(_text, sorted(column.missing_texts)))
    return f"CASE WHEN {missing} THEN {absent}{''.join(whens)} ELSE {other} END"


def _arithmetic(expression: Expression, contract: Contract) -> str:
    loaded: list[str] = []
    for step in expression.program:
        if isinstance(step, str):
            loaded.append(_number(contract.by_name[step]))
        elif isinstance(step, float):
            loaded.append(repr(step))
        elif isinstance(step, np.ufunc):
            operands = [loaded.pop() for _ in range(step.nin)][::-1]
            loaded.append(_operation(step, operands))
        else:
            raise _no_dates(expression)
    return loaded.pop()


def _operation(step: np.ufunc, operands: list[str]) -> str:
    """Division by zero is missing, as in the contract's own arithmetic."""
    if step is np.divide:
        return f"({operands[0]} / NULLIF({operands[1]}, 0))"
    if len(operands) == 1:
        return f"(-{operands[0]})" if step is np.negative else operands[0]
    return f"({operands[0]} {_OPERATORS[step]} {operands[1]})"


def _number(column: Column) -> str:
    if column.type == "date":
        raise _no_dates(Expression(column.name))
    value = f"CAST({_name(column.name)} AS DOUBLE PRECISION)"
    for number in sorted(column.missing_numbers):
        value = f"NULLIF({value}, {number!r})"
    return value


def _no_dates(expression: Expression) -> ConfigError:
    return ConfigError(
        f"The formula {expression.text!r} uses a date: databases disagree about their parts.",
        where="scorecard",
        next_step="make it a column of the table, or score with the bundle",
    )


def _or_in(condition: str, value: str, items: Iterable[str]) -> str:
    listed = ", ".join(items)
    return f"{condition} OR {value} IN ({listed})" if listed else condition


def _points(value: float) -> str:
    return str(int(value))


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
