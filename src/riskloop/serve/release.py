"""Models and their release over HTTP: who leads, and who shall."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from riskloop.errors import NotFound
from riskloop.keep.chain import Promotion, ReleaseState
from riskloop.keep.instant import utc_text
from riskloop.keep.promotions import Promotions
from riskloop.keep.versions import Version, Versions
from riskloop.serve.answers import ContractSummary, ModelAnswer, ReleaseAnswer, VersionAnswer, VersionsAnswer
from riskloop.serve.champion import BundleStore, Champion
from riskloop.serve.config import ServeConfig
from riskloop.serve.predictions import json_response
from riskloop.serve.saying import LARGEST_VERSION, said_in


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
        said = await said_in(request, self._config.max_body_bytes, ("actor", "reason"))
        event = await asyncio.to_thread(self.put_in_charge, version, said["actor"], said["reason"])
        return json_response(_event(event))

    async def rollback(self, request: Request) -> Response:
        """``POST /rollback``: go back to the previous champion, or to the version named."""
        said = await said_in(request, self._config.max_body_bytes, ("actor", "reason"), optional="version")
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
