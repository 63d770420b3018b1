"""What is received: envelopes that are as they should be, decoded in one go.

The usual road makes a document of a body, a customer of the document, and numbers of the customer's features. Here the
contract is a type, and the decoder makes a body into it and checks it while it reads (msgspec). Whatever does not
fit, for whatever reason, is left to the usual road, which knows what to say of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from riskloop.data.column import LARGEST_NUMBER, BrokenRule, Column
from riskloop.data.contract import Contract
from riskloop.problem import Customer
from riskloop.serve.envelope import LONGEST_ID

FEW = 4
"""Up to so many customers one number after the other is the faster way."""

_Number = int | float | None


class Received(NamedTuple):
    """A customer whose features are a record of the contract's type; see :class:`riskloop.problem.Customer`."""

    id: str
    features: msgspec.Struct
    explain: bool

    def customer(self) -> Customer:
        """The same customer as a mapping."""
        names, values = self.features.__struct_encode_fields__, astuple(self.features)
        return Customer(self.id, dict(zip(names, values, strict=True)), self.explain)


class Reader:
    """Reads customers of one contract; both ways give the same numbers, to the last bit."""

    def __init__(self, contract: Contract) -> None:
        self._names = contract.read_names
        columns = contract.read
        plain = [column.type == "number" and not column.missing_numbers for column in columns]
        fields: list[tuple[str, Any]] = [(f"f{at}", _Number if one else Any) for at, one in enumerate(plain)]
        features = msgspec.defstruct(
            "Features",
            fields,
            rename={f"f{at}": name for at, name in enumerate(self._names)},
            forbid_unknown_fields=True,
            gc=False,
        )
        envelope = msgspec.defstruct(
            "Envelope",
            [("id", str), ("features", features), ("explain", bool, False)],
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(envelope).decode
        self._readers: list[Callable[[object], float]] = [column.usual for column in columns]
        self._special = [(at, column.usual) for at, column in enumerate(columns) if not plain[at]]
        lowest, highest = zip(*map(_range, columns), strict=True) if columns else ((), ())
        self._lowest = np.where(plain, lowest, -np.inf)
        self._highest = np.where(plain, highest, np.inf)
        self._may_lack = np.array([column.nullable for column in columns]) | ~np.array(plain, dtype=bool)

    def read(self, data: bytes) -> Received | None:
        """The customer of a body; None if anything about it is unusual."""
        try:
            document = self._decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        identity = document.id
        if 0 < len(identity) <= LONGEST_ID and identity.isprintable():
            return Received(identity, document.features, document.explain)
        return None

    def values(self, received: Sequence[Received]) -> list[Sequence[float] | None]:
        """For each customer what :meth:`riskloop.data.contract.Contract.decode_row` says."""
        rows: list[Any] = [astuple(one.features) for one in received]
        if len(rows) <= FEW or 2 * len(self._special) > len(self._names):
            return [self._one(row) for row in rows]
        if self._special:
            return self._checked([self._specially(row) for row in rows])
        return self._checked(rows)

    def _one(self, row: Sequence[object]) -> list[float] | None:
        try:
            return [read(value) for read, value in zip(self._readers, row, strict=True)]
        except BrokenRule:
            return None

    def _specially(self, row: Sequence[Any]) -> list[Any] | None:
        values = list(row)
        try:
            for at, read in self._special:
                values[at] = read(values[at])
        except BrokenRule:
            return None
        return values

    def _checked(self, rows: Sequence[Any]) -> list[Sequence[float] | None]:
        empty = (0.0,) * len(self._names)
        matrix: NDArray[np.float64] = np.array([empty if row is None else row for row in rows], dtype=np.float64)
        right = (matrix >= self._lowest) & (matrix <= self._highest) | np.isnan(matrix) & self._may_lack
        keeps = right.all(axis=1).tolist()
        return [
            values if good and row is not None else None for values, good, row in zip(matrix, keeps, rows, strict=True)
        ]


def _range(column: Column) -> tuple[float, float]:
    low = -LARGEST_NUMBER if column.minimum is None else max(column.minimum, -LARGEST_NUMBER)
    high = LARGEST_NUMBER if column.maximum is None else min(column.maximum, LARGEST_NUMBER)
    return low, high
