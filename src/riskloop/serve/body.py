"""Bodies of requests: read up to a limit, decoded strictly."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request

from riskloop.serve.problems import RequestRefused

JSON = "application/json"
CSV = "text/csv"


async def read_body(request: Request, accepted: Sequence[str], limit: int) -> tuple[str, bytes]:
    """Media type and bytes of a body.

    Raises
    ------
    RequestRefused
        415 for another media type, another charset or a compressed body; 413 above ``limit`` bytes, without reading
        further.
    """
    media_type = media_type_of(request, accepted)
    parts = [part async for part in body_parts(request, limit)]
    return media_type, parts[0] if len(parts) == 1 else b"".join(parts)


async def body_parts(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The bytes of a body as they come.

    Raises
    ------
    RequestRefused
        413 above ``limit`` bytes, without reading further.
    """
    declared, size = request.headers.get("content-length", ""), 0
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        yield part
        if not message.get("more_body", False):
            return


def media_type_of(request: Request, accepted: Sequence[str]) -> str:
    """The media type of a body, which is one of those accepted.

    Raises
    ------
    RequestRefused
        415 for another one, another charset or a compressed body.
    """
    if request.headers.get("content-type") == accepted[0] and "content-encoding" not in request.headers:
        return accepted[0]  # as nearly everybody writes it
    media_type, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    _, _, charset = parameters.partition("charset=")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise _unsupported("Compressed bodies are not read.", "send the body as it is, without Content-Encoding")
    if media_type.strip() not in accepted:
        wanted = " or ".join(accepted)
        raise _unsupported(f"The body must be {wanted}.", f"set the header Content-Type to {wanted}")
    if charset.strip(' "') not in ("", "utf-8", "utf8"):
        raise _unsupported("The body must be in UTF-8.", "encode the body as UTF-8")
    return media_type.strip()


def decode_json(data: bytes) -> Any:
    """A JSON document: no NaN, no infinity, no broken UTF-8, no endless nesting.

    Raises
    ------
    RequestRefused
        400, with the place of the fault.
    """
    try:
        return msgspec.json.decode(data)
    except RecursionError:
        reason = "it is nested too deeply"
    except UnicodeDecodeError as error:
        reason = f"it is not UTF-8 (byte {error.start})"
    except msgspec.MsgspecError as error:
        reason = str(error)
    raise RequestRefused(
        400, "not-json", f"The body cannot be read as JSON: {reason}.", next_step='send {"features": {...}} as JSON'
    )


def decode_csv(data: bytes, names: frozenset[str]) -> tuple[list[str], Iterator[list[str]]]:
    """Header and rows of a CSV text; the separator is that of ``,;|`` and tab which yields most known names.

    Raises
    ------
    RequestRefused
        400 where the text is not UTF-8 or not CSV (the rows are read as they are asked for).
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_csv(f"it is not UTF-8 (byte {error.start})") from error
    return read_lines(io.StringIO(text, newline=""), names)


def read_lines(lines: Iterator[str], names: frozenset[str]) -> tuple[list[str], Iterator[list[str]]]:
    """Like :func:`decode_csv`, for lines that may still be coming."""
    try:
        first = next(lines, "")
    except UnicodeDecodeError as error:
        raise not_csv("its first line is not UTF-8") from error
    separator = max(",;\t|", key=lambda mark: len(names & set(_header(first, mark))))
    rows = _rows(chain([first], lines), separator)
    return [name.strip() for name in next(rows, [])], rows


def _header(line: str, separator: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return []


def _rows(lines: Iterator[str], separator: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        yield from (row for row in reader if row)
    except csv.Error as error:
        raise not_csv(f"line {reader.line_num}: {error}") from error
    except UnicodeDecodeError as error:
        raise not_csv(f"it is not UTF-8 after line {reader.line_num}") from error


def not_csv(reason: str) -> RequestRefused:
    """The refusal of what should have been CSV."""
    return RequestRefused(
        400, "not-csv", f"The body cannot be read as CSV: {reason}.", next_step="send a header line and UTF-8 text"
    )


def _unsupported(message: str, next_step: str) -> RequestRefused:
    return RequestRefused(415, "unsupported-media-type", message, next_step=next_step)


def _too_large(limit: int) -> RequestRefused:
    return RequestRefused(
        413, "too-large", f"The body is larger than {limit:,} bytes.", next_step="send it in smaller parts"
    )
