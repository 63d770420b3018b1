"""Models and their release over HTTP: who leads, and who shall."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from riskloop.data.contract import did_you_mean
from riskloop.errors import NotFound
from riskloop.keep.chain import Promotion, ReleaseState
from riskloop.keep.instant import utc_text
from riskloop.keep.promotions import Promotions
from riskloop.keep.versions import Version, Versions
from riskloop.serve.answers import (
    ContractSummary,
    FieldError,
    ModelAnswer,
    ReleaseAnswer,
    VersionAnswer,
    VersionsAnswer,
)
from riskloop.serve.body import JSON, decode_json, read_body
from riskloop.serve.champion import BundleStore, Champion
from riskloop.serve.config import ServeConfig
from riskloop.serve.guard import caller_of, only_from_this_machine
from riskloop.serve.predictions import json_response
from riskloop.serve.problems import RequestRefused, invalid

LONGEST_TEXT = 2_000
LARGEST_VERSION = 2**31 - 1


class Release:
    """``/model``, ``/models``, ``/models/{version}/promote`` and ``/rollback``."""

    def __init__(
        self,
        config: ServeConfig,
        champion: Champion,
        promotions: Promotions,
        versions: Versions,
        store: BundleStore,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._config = config
        self._champion = champion
        self._promotions = promotions
        self._versions = versions
        self._store = store
        self._clock = clock

    async def model(self, _request: Request) -> Response:
        """``GET /model``: the champion."""
        live = self._champion.require().champion
        bundle, record = live.bundle, live.record
        return json_response(
            ModelAnswer(
                model=live.ref,
                created_at=utc_text(record.created_at),
                policy=bundle.policy.to_dict(),
                metrics=record.metrics,
                card=bundle.card,
                contract=ContractSummary(
                    list(bundle.contract.features), {column.name: column.to_dict() for column in bundle.contract.used}
                ),
                data_fingerprint=record.data_fingerprint,
            )
        )

    async def models(self, _request: Request) -> Response:
        """``GET /models``: all versions."""
        state, versions = await asyncio.to_thread(lambda: (self._promotions.state(), self._versions.list()))
        return json_response(VersionsAnswer([_version(version, state) for version in versions]))

    async def promote(self, request: Request) -> Response:
        """``POST /models/{version}/promote``: put a version in charge. Its bundle is verified first."""
        version = int(request.path_params["version"])
        said = await self._said(request, ("actor", "reason"))
        event = await asyncio.to_thread(self.put_in_charge, version, said["actor"], said["reason"])
        return json_response(_event(event))

    async def rollback(self, request: Request) -> Response:
        """``POST /rollback``: go back to the previous champion, or to the version named."""
        said = await self._said(request, ("actor", "reason"), optional="version")
        event = await asyncio.to_thread(self.go_back, said.get("version"), said["actor"], said["reason"])
        return json_response(_event(event))

    def put_in_charge(self, version: int, actor: str, reason: str) -> Promotion:
        """Promote a version whose bundle is whole, or ask a second person to; this process follows at once."""
        if version > LARGEST_VERSION:
            raise NotFound(f"There is no version {version}.", next_step="see GET /models")
        record = self._versions.get(version)
        if record.status == "accepted":
            self._store.load(record, record.digest)
        event = self._promotions.promote(version, record.digest, actor=actor, reason=reason, at=self._clock())
        self._champion.refresh()
        return event

    def approve(self, request: int, approver: str, reason: str | None) -> Promotion:
        """Agree to what another person asked for (four eyes)."""
        event = self._promotions.approve(request, approver=approver, reason=reason, at=self._clock())
        self._champion.refresh()
        return event

    def go_back(self, version: int | None, actor: str, reason: str) -> Promotion:
        """Roll back to the previous champion, or to a version named."""
        event = self._promotions.rollback(version, actor=actor, reason=reason, at=self._clock())
        self._champion.refresh()
        return event

    async def _said(self, request: Request, required: tuple[str, ...], optional: str = "") -> dict[str, Any]:
        """What the request says, with its actor: whose key it is; without keys, who it says, from this machine."""
        name = caller_of(request).name
        if name is None:
            only_from_this_machine(request)
        _, data = await read_body(request, (JSON,), self._config.max_body_bytes)
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


def _version(version: Version, state: ReleaseState) -> VersionAnswer:
    aliases = {state.previous: "previous", state.challenger: "challenger", state.champion: "champion"}
    return VersionAnswer(
        version=version.version,
        name=version.name,
        digest=version.digest,
        status=version.status,
        alias=aliases.get(version.version),
        created_at=utc_text(version.created_at),
        metrics=version.metrics,
    )


def _event(event: Promotion) -> ReleaseAnswer:
    return ReleaseAnswer(
        seq=event.seq,
        kind=event.kind,
        version=event.version,
        previous_version=event.previous_version,
        digest=event.digest,
        actor=event.actor,
        reason=event.reason,
        at=utc_text(event.at),
        hash=event.hash,
    )
