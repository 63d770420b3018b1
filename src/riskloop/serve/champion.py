"""The champion: the bundle that answers, followed through the promotion log and swapped in one step."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from riskloop.bundle.bundle import Bundle
from riskloop.bundle.load import load
from riskloop.bundle.sign import KeyRing
from riskloop.errors import BundleRefused, RiskloopError, Unavailable
from riskloop.explain.reasoner import Reasoner
from riskloop.keep.chain import LIVE, Promotion, release_state
from riskloop.keep.promotions import Promotions
from riskloop.keep.versions import Version, Versions
from riskloop.serve.answers import ModelRef
from riskloop.serve.problems import RequestRefused

RETRY_POLLS = 20
"""A refused bundle is tried again after so many polls: it may have been restored."""

_log = logging.getLogger("riskloop.serve")


@dataclass(frozen=True, slots=True)
class Live:
    """A verified bundle in charge. A request takes one reference and keeps it to its end."""

    bundle: Bundle
    record: Version
    reasoner: Reasoner
    alias: str = "champion"

    @property
    def ref(self) -> ModelRef:
        return ModelRef(self.record.name, self.record.version, self.alias, self.bundle.digest)


class BundleStore:
    """The folder of bundles, read with the project's trusted keys."""

    def __init__(self, folder: Path, keys: KeyRing) -> None:
        self._folder = folder
        self._keys = keys

    def load(self, record: Version, digest: str) -> Bundle:
        """The bundle of a version, verified.

        Raises
        ------
        BundleRefused
            If it is missing, altered, unsigned, answers its golden requests otherwise, or is not the one with that
            digest.
        """
        path = self._folder / record.bundle
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise BundleRefused("The bundle lies outside the project's bundles.", where=record.bundle)
        bundle = load(path, self._keys.trusted())
        if bundle.digest != digest:
            raise BundleRefused(
                f"This is the bundle {bundle.digest[:16]}, not {digest[:16]} which was promoted.",
                where=record.bundle,
                next_step="restore the bundle from its store",
            )
        return bundle


class Champion:
    """Follows the promotion log; a context manager whose thread polls until its end.

    Attributes
    ----------
    live : Live or None
        What answers now. Replaced as a whole, never changed: read it once per request.
    refused : RiskloopError or None
        Why the version that should lead does not.
    away : Unavailable or None
        Why the log cannot be read; the live bundle stays in charge meanwhile.
    """

    def __init__(
        self, promotions: Promotions, versions: Versions, store: BundleStore, *, poll_seconds: float = 0.25
    ) -> None:
        self.live: Live | None = None
        self.refused: RiskloopError | None = None
        self.away: Unavailable | None = None
        self._promotions = promotions
        self._versions = versions
        self._store = store
        self._poll_seconds = poll_seconds
        self._seen = -1
        self._polls = 0
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="riskloop-champion", daemon=True)

    def require(self) -> Live:
        """What answers now.

        Raises
        ------
        RequestRefused
            503 without a champion.
        """
        live = self.live
        if live is None:
            raise RequestRefused(503, "no-champion", self._why_none(), next_step="promote a version: riskloop promote")
        return live

    def refresh(self) -> None:
        """Look at the log now and follow it."""
        with self._turn:
            try:
                self._look()
            except Unavailable as error:
                if self.away is None:
                    _log.warning("the promotion log is away: %s", error)
                self.away = error
            else:
                self.away = None

    def __enter__(self) -> Self:
        self.refresh()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._stop.wait(self._poll_seconds):
            try:
                self.refresh()
            except Exception:  # the thread must live: a service that no longer follows is worse than one that lags
                _log.exception("the promotion log could not be followed")

    def _look(self) -> None:
        self._polls += 1
        try_again = self.refused is not None and self._polls % RETRY_POLLS == 0
        if self._promotions.head_seq() == self._seen and not try_again:
            return
        events = self._promotions.events()
        state = release_state(events)
        if state.champion is not None:
            self._lead(state.champion, promoted_digest(events, state.champion))
        self._seen = state.head_seq

    def _lead(self, version: int, digest: str) -> None:
        live = self.live
        if live and (live.record.version, live.bundle.digest) == (version, digest):
            self.refused = None
            return
        try:
            record = self._versions.get(version)
            bundle = self._store.load(record, digest)
            self.live = Live(bundle, record, Reasoner(bundle))
        except Unavailable:
            raise
        except Exception as error:  # whatever is wrong with a new bundle, the old one must go on answering
            self._refuse(version, error)
        else:
            self.refused = None
            _log.info("version %s (%s) leads", version, digest[:16])

    def _refuse(self, version: int, error: Exception) -> None:
        expected = isinstance(error, RiskloopError)
        if self.refused is None:
            _log.error("version %s cannot lead: %s", version, error, exc_info=None if expected else error)
        self.refused = error if isinstance(error, RiskloopError) else BundleRefused(f"It cannot be loaded: {error!r}.")

    def _why_none(self) -> str:
        reason = self.refused or self.away
        return f"No champion is loaded: {reason.message}" if reason else "No version has been promoted yet."


def promoted_digest(events: Iterable[Promotion], version: int) -> str:
    """The digest under which a version was last put in charge."""
    return [event.digest for event in events if event.version == version and event.kind in LIVE][-1]
