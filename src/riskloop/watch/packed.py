"""Profiles of windows, packed: only what was counted, since edges and levels stand in the reference."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import DataError
from riskloop.watch.column import ColumnProfile
from riskloop.watch.moments import four
from riskloop.watch.profile import Profile
from riskloop.watch.repeats import Repeats

Numbers = NDArray[np.float64]
_SMALL = 2_000
"""Characters below which nothing is compressed."""


def packed(profile: Profile) -> bytes:
    """A profile as JSON, compressed where it is large: what adds up, then lowest and highest values.

    Columns that the rows lack are left out of the reference's order; see `unpacked`.
    """
    columns = list(profile.columns.values())
    fields: dict[str, Any] = {
        "rows": profile.rows,
        "columns": list(profile.columns),
        "sums": _plain(_sums(profile, columns)),
        "ends": _plain(np.array([_ends(one) for one in _all(profile, columns)], dtype=np.float64).ravel()),
        "pairs": None if profile.pairs is None else profile.pairs.counts.ravel().tolist(),
        "repeats": None if profile.repeats is None else profile.repeats.to_dict(),
    }
    text = json.dumps(fields, separators=(",", ":"), allow_nan=False).encode()
    return zlib.compress(text, 6) if len(text) > _SMALL else text


def unpacked(reference: Profile, data: bytes) -> Profile:
    """Inverse of `packed`, beside the reference by whose edges rows were counted.

    Raises
    ------
    DataError
        If it is damaged, or was counted by other edges.
    """
    fields = _fields(data)
    try:
        return _restored(reference, fields)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise _damaged() from error


def _all(profile: Profile, columns: list[ColumnProfile]) -> list[ColumnProfile]:
    return [*columns, profile.score]


def _sums(profile: Profile, columns: list[ColumnProfile]) -> Numbers:
    parts: list[Any] = [[profile.acted, profile.reviewed, profile.cost.count, *profile.cost.sums]]
    for one in _all(profile, columns):
        parts += [[one.unknown, one.missing, one.refused], one.counts]
        parts += [[one.moments.count, *one.moments.sums]] if one.moments else []
    return np.concatenate([np.asarray(part, dtype=np.float64) for part in parts])


def _ends(one: ColumnProfile) -> tuple[float, float]:
    return one.minimum, one.maximum


def _restored(reference: Profile, fields: dict[str, Any]) -> Profile:
    sums, ends = _Reader(np.asarray(fields["sums"], dtype=np.float64)), _numbers(fields["ends"]).reshape(-1, 2)
    acted, reviewed, count, *powers = sums.take(7)
    made = []
    shapes = [*(reference.columns[name] for name in fields["columns"]), reference.score]
    for shape, (low, high) in zip(shapes, ends.tolist(), strict=True):
        unknown, missing, refused = sums.take(3)
        counts = np.rint(sums.take(len(shape.counts))).astype(np.int64)
        moments = shape.moments
        if moments:
            present, *of_column = sums.take(5)
            moments = replace(moments, count=int(present), sums=four(of_column))
        made.append(
            replace(
                shape,
                counts=counts,
                unknown=int(unknown),
                missing=int(missing),
                refused=int(refused),
                moments=moments,
                minimum=low,
                maximum=high,
            )
        )
    sums.end()
    pairs = reference.pairs
    if pairs is not None:
        told = fields["pairs"]
        counted = None if told is None else np.asarray(told, dtype=np.int64).reshape(pairs.counts.shape)
        pairs = None if counted is None else replace(pairs, counts=counted)
    return replace(
        reference,
        rows=int(fields["rows"]),
        columns=dict(zip(fields["columns"], made, strict=False)),
        score=made[-1],
        acted=int(acted),
        reviewed=int(reviewed),
        cost=replace(reference.cost, count=int(count), sums=four(powers)),
        pairs=pairs,
        repeats=None if fields["repeats"] is None else Repeats.from_dict(fields["repeats"]),
    )


class _Reader:
    """Takes values in order, as many as are asked for."""

    def __init__(self, values: Numbers) -> None:
        self._values, self._at = values, 0

    def take(self, count: int) -> Numbers:
        taken = self._values[self._at : self._at + count]
        if len(taken) < count:
            raise ValueError("there is less than was asked for")
        self._at += count
        return taken

    def end(self) -> None:
        if self._at != len(self._values):
            raise ValueError("there is more than was asked for")


def _plain(values: Numbers) -> list[float | int | None]:
    """As JSON has them: whole numbers short, none that is infinite."""
    return [int(one) if one.is_integer() else one if np.isfinite(one) else None for one in values.tolist()]


def _numbers(ends: Any) -> Numbers:
    """Pairs of lowest and highest; where nothing was present they are infinite, the wrong way round."""
    made = np.array(ends, dtype=np.float64)
    made[0::2] = np.where(np.isnan(made[0::2]), np.inf, made[0::2])
    made[1::2] = np.where(np.isnan(made[1::2]), -np.inf, made[1::2])
    return made


def _fields(data: bytes) -> dict[str, Any]:
    import msgspec

    try:
        found = msgspec.json.decode(data if data[:1] == b"{" else zlib.decompress(data))
    except (zlib.error, msgspec.DecodeError) as error:
        raise _damaged() from error
    return dict(found)


def _damaged() -> DataError:
    return DataError(
        "A stored profile is damaged, or was counted by other edges.",
        where="profiles",
        next_step="delete its rows: riskloop monitor makes them anew from the ledger",
    )
