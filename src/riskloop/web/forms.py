"""Forms as browsers send them, with and without files."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from starlette.requests import Request

from riskloop.serve.body import read_body
from riskloop.serve.problems import RequestRefused
from riskloop.web.visit import Upload

FORM = "application/x-www-form-urlencoded"
WITH_FILES = "multipart/form-data"
LARGEST_FORM = 256 * 1024
_MOST_FIELDS = 2_000


async def read_form(request: Request, limit: int) -> tuple[dict[str, str], dict[str, Upload]]:
    """Fields and files of a form; of several of one name the last counts.

    Raises
    ------
    RequestRefused
        415 for what is no form, 413 above ``limit`` bytes, 400 for one that cannot be read.
    """
    media_type, data = await read_body(request, (FORM, WITH_FILES), limit)
    if media_type == FORM:
        try:
            return dict(parse_qsl(data.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)), {}
        except ValueError as error:
            raise _unreadable() from error
    return _parts(request.headers["content-type"], data)


def _parts(content_type: str, data: bytes) -> tuple[dict[str, str], dict[str, Upload]]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1")
    message = BytesParser(policy=HTTP).parsebytes(head + data)
    if not message.is_multipart():
        raise _unreadable()
    fields: dict[str, str] = {}
    files: dict[str, Upload] = {}
    for part in message.iter_parts():
        name = _said(part, "name")
        payload = part.get_payload(decode=True)
        if name is None or not isinstance(payload, bytes):
            raise _unreadable()
        file = _said(part, "filename")
        if file is None:
            fields[name] = payload.decode("utf-8", "replace")
        else:
            files[name] = Upload(file, payload)
    return fields, files


def _said(part: Message, name: str) -> str | None:
    said = part.get_param(name, header="content-disposition")
    return said if isinstance(said, str) else None


def told(form: Mapping[str, str], name: str, longest: int = 2_000) -> str:
    """A text from a form, stripped; empty where there is none."""
    return form.get(name, "").strip()[:longest]


def _unreadable() -> RequestRefused:
    return RequestRefused(400, "not-a-form", "The form cannot be read.", next_step="reload the page and send it again")
