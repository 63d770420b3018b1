"""Envelopes: who a request is about, and what is known of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from riskloop.bundle.bundle import Bundle
from riskloop.data.contract import Contract, did_you_mean
from riskloop.problem import Customer
from riskloop.serve.answers import FieldError
from riskloop.serve.body import decode_csv, read_lines
from riskloop.serve.problems import invalid

Errors = list[FieldError]
LONGEST_ID = 256
ID_PATTERN = r"^[^\u0000-\u001f\u007f-\u009f]+$"
"""No control characters: logs, headers and databases disagree about them."""

_ID = re.compile(ID_PATTERN.replace("$", r"\Z"))
_KEYS = ("id", "features", "explain")
_KNOWN = frozenset(_KEYS)


def read_envelope(document: Any, contract: Contract) -> Customer | Errors:
    """The customer of ``{"id": ..., "features": {...}, "explain": ...}``, or everything that is wrong with it."""
    if not isinstance(document, dict):
        return [FieldError("", "not-an-object", 'expected an object {"features": {...}}')]
    if document.keys() <= _KNOWN:
        features, identity, explain = document.get("features"), document.get("id"), document.get("explain", False)
        usual = type(identity) is str and 0 < len(identity) <= LONGEST_ID and identity.isprintable()
        if usual and type(features) is dict and type(explain) is bool:
            return Customer(identity, features, explain)
    errors = [_unexpected(key, contract) for key in document if key not in _KEYS]
    features = document.get("features")
    if "features" not in document:
        errors.append(FieldError("features", "absent", "this field must be given"))
    elif not isinstance(features, dict):
        errors.append(FieldError("features", "not-an-object", "expected an object with a value per feature"))
    if not isinstance(document.get("explain", False), bool):
        errors.append(FieldError("explain", "not-a-boolean", "expected true or false"))
    errors += check_id(document.get("id"))
    return errors or Customer(id_text(document.get("id")), features or {}, document.get("explain", False))


def _unexpected(key: str, contract: Contract) -> FieldError:
    hint = "; it belongs into `features`" if key in contract.by_name else did_you_mean(key, _KEYS)
    return FieldError(key, "unexpected", f"no such field{hint}")


def check_id(value: Any) -> Errors:
    """What is wrong with the id of a customer; nothing if there is none."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return []
    if not isinstance(value, str):
        return [FieldError("id", "not-an-id", "expected a text or an integer")]
    if not 0 < len(value) <= LONGEST_ID or not _ID.search(value):
        return [FieldError("id", "not-an-id", f"expected 1 to {LONGEST_ID} characters, none of them a control")]
    return []


def id_text(value: Any) -> str | None:
    """An id as the ledger keeps it: "NA" is an id like any other, and 7 is "7"."""
    return None if value is None else str(value)


def read_csv(data: bytes, bundle: Bundle) -> Iterator[Customer | Errors]:
    """The customers of a CSV text, row by row.

    Raises
    ------
    RequestRefused
        400 if this is no CSV; 422 if the header lacks a feature, repeats a name or holds an unknown one.
    """
    return _customers(bundle, partial(decode_csv, data))


def read_csv_lines(lines: Iterator[str], bundle: Bundle) -> Iterator[Customer | Errors]:
    """Like :func:`read_csv`, for lines that may still be coming."""
    return _customers(bundle, partial(read_lines, lines))


def _customers(
    bundle: Bundle, read: Callable[[frozenset[str]], tuple[list[str], Iterator[list[str]]]]
) -> Iterator[Customer | Errors]:
    contract, id_column = bundle.contract, id_column_of(bundle)
    header, rows = read(frozenset((*contract.by_name, id_column)))
    if wrong := _check_header(header, contract, id_column):
        raise invalid(wrong, what="header line")
    return (_read_row(header, row, id_column) for row in rows)


def id_column_of(bundle: Bundle) -> str:
    """Name of the column that holds the id: the training table's, else ``id``."""
    return str(bundle.card.get("id") or "id")


def _check_header(header: Sequence[str], contract: Contract, id_column: str) -> Errors:
    accepted = {*contract.by_name, *contract.known, id_column}
    errors = [
        FieldError(name, "absent", "the header line lacks this column")
        for name in contract.read_names
        if name not in header
    ]
    for position, name in enumerate(header):
        if name in header[:position]:
            errors.append(FieldError(name, "repeated", "the header line names this column twice"))
        elif name not in accepted:
            errors.append(FieldError(name, "unexpected", f"no such column{did_you_mean(name, contract.read_names)}"))
    return errors


def _read_row(header: Sequence[str], row: Sequence[str], id_column: str) -> Customer | Errors:
    if len(row) != len(header):
        return [FieldError("", "cells", f"expected {len(header)} cells, got {len(row)}")]
    features = dict(zip(header, row, strict=True))
    identity = features.get(id_column) or None
    return check_id(identity) or Customer(identity, features)
