"""What a privileged request says: who acts, and why."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from riskloop.data.contract import did_you_mean
from riskloop.serve.answers import FieldError
from riskloop.serve.body import JSON, decode_json, read_body
from riskloop.serve.guard import caller_of, only_from_this_machine
from riskloop.serve.problems import RequestRefused, invalid

LONGEST_TEXT = 2_000
LARGEST_VERSION = 2**31 - 1


async def said_in(request: Request, largest: int, required: tuple[str, ...], optional: str = "") -> dict[str, Any]:
    """What the request says, with its actor: whose key it is; without keys, who it says, from this machine.

    Raises
    ------
    RequestRefused
        If it says anything else, or for somebody else.
    """
    name = caller_of(request).name
    if name is None:
        only_from_this_machine(request)
    _, data = await read_body(request, (JSON,), largest)
    document = decode_json(data)
    if not isinstance(document, dict):
        raise invalid([FieldError("", "not-an-object", 'expected {"actor": "...", "reason": "..."}')])
    if name is not None and document.setdefault("actor", name) != name:
        raise RequestRefused(403, "another-actor", f"This key is {name!r}'s.", next_step="leave the actor out")
    accepted = (*required, optional) if optional else required
    errors = [
        FieldError(key, "unexpected", f"no such field{did_you_mean(key, accepted)}")
        for key in document
        if key not in accepted
    ]
    errors += [FieldError(key, *wrong) for key in required if (wrong := _not_words(document.get(key)))]
    if optional and not _is_version(document.get(optional)):
        errors.append(FieldError(optional, "not-a-version", "expected the number of a version"))
    if errors:
        raise invalid(errors)
    return document


def _not_words(value: Any) -> tuple[str, str] | None:
    if value is None:
        return "absent", "this field must be given"
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_TEXT or "\0" in value:
        return "not-a-text", f"expected a text of 1 to {LONGEST_TEXT} characters"
    return None


def _is_version(value: Any) -> bool:
    return value is None or (type(value) is int and 0 < value <= LARGEST_VERSION)
