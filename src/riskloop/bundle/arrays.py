"""Arrays on disk: an uncompressed ``.npz`` that NumPy opens too, read by these few lines instead.

NumPy's own reader allocates what a header claims before it looks at the data, and inflates what a zip holds. Here a
header is one of a closed set of texts and claims exactly the bytes that follow it: nothing to unpickle, nothing to
inflate, nothing to evaluate.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TYPES = ("|b1", "<i4", "<i8", "<f8")
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    r"\{'descr': '([^']{3})', 'fortran_order': False, 'shape': \(((?:\d{1,15}, ?)*(?:\d{1,15})?)\), \} *\n"
)


def to_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The file of some arrays; the same values are the same bytes, whatever their layout in memory.

    Raises
    ------
    ValueError
        For an array of a type outside the closed set (bool, int32, int64, float64).
    """
    plain = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    for name, array in plain.items():
        if array.dtype.str not in _TYPES:
            raise ValueError(f"the array {name!r} holds {array.dtype}")
    buffer = io.BytesIO()
    np.savez(buffer, **plain)  # type: ignore[arg-type]
    return buffer.getvalue()


def from_bytes(data: bytes) -> dict[str, NDArray[Any]]:
    """Inverse of `to_bytes`; the arrays cannot be written to.

    Raises
    ------
    ValueError
        If the file is anything that `to_bytes` does not write. A broken zip raises what `zipfile` raises.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        _check_members(members, len(data))
        return {member.filename.removesuffix(".npy"): _array(archive.read(member)) for member in members}


def _check_members(members: Sequence[zipfile.ZipInfo], size: int) -> None:
    if len({member.filename for member in members}) != len(members):
        raise ValueError("two arrays have the same name")
    if not all(member.filename.endswith(".npy") and member.compress_type == zipfile.ZIP_STORED for member in members):
        raise ValueError("a member is no array, or is compressed")
    if sum(member.file_size for member in members) > size:
        raise ValueError("the arrays claim more bytes than the file has")


def _array(data: bytes) -> NDArray[Any]:
    start = len(_MAGIC) + 2
    stop = start + int.from_bytes(data[len(_MAGIC) : start], "little")
    header = _HEADER.fullmatch(data[start:stop].decode("ascii"))
    if not data.startswith(_MAGIC) or not header or header[1] not in _TYPES:
        raise ValueError("the header is not one of a plain array")
    dtype = np.dtype(header[1])
    shape = tuple(int(length) for length in header[2].split(",") if length.strip())
    if math.prod(shape) * dtype.itemsize != len(data) - stop:
        raise ValueError("the header claims other bytes than those that follow")
    return np.frombuffer(data, dtype, offset=stop).reshape(shape)
