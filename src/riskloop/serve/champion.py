"""The champion, and who challenges it: followed through the promotion log and swapped in one step."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import replace
from types import TracebackType
from typing import Self

from riskloop.bundle.bundle import Bundle
from riskloop.bundle.load import load, read_verified
from riskloop.bundle.sign import KeyRing
from riskloop.decide.arms import Exploration, Split
from riskloop.errors import BundleRefused, RiskloopError, Unavailable
from riskloop.explain.reasoner import Reasoner
from riskloop.keep.artifacts import Bundles
from riskloop.keep.chain import LIVE, Promotion, challenge, release_state
from riskloop.keep.promotions import Promotions
from riskloop.keep.versions import Version, Versions
from riskloop.serve.config import WhenReasons
from riskloop.serve.problems import RequestRefused
from riskloop.serve.received import Reader
from riskloop.serve.rollout import Arms, Live

RETRY_POLLS = 20
"""A refused bundle is tried again after so many polls: it may have been restored."""

_log = logging.getLogger("riskloop.serve")


class BundleStore:
    """The bundles, read with the project's trusted keys."""

    def __init__(self, bundles: Bundles, keys: KeyRing) -> None:
        self._bundles = bundles
        self._keys = keys

    def load(self, record: Version, digest: str) -> Bundle:
        """The bundle of a version, verified.

        Raises
        ------
        BundleRefused
            If it is missing, altered, unsigned, answers its golden requests otherwise, or is not the one with that
            digest.
        NotFound, Unavailable
            If it is not on this machine, and the store behind has it not or does not answer.
        """
        bundle = load(self._bundles.path(record.bundle), self._keys.trusted())
        if bundle.digest != digest:
            raise BundleRefused(
                f"This is the bundle {bundle.digest[:16]}, not {digest[:16]} which was promoted.",
                where=record.bundle,
                next_step="restore the bundle from its store",
            )
        return bundle

    def files(self, record: Version) -> dict[str, bytes]:
        """The files of a version's bundle, once hashes and signature hold; for who wants its card and not its model.

        Raises
        ------
        BundleRefused, NotFound, Unavailable
            See :meth:`load`.
        """
        return read_verified(self._bundles.path(record.bundle), self._keys.trusted())


class Champion:
    """Follows the promotion log; a context manager whose thread polls until its end.

    Attributes
    ----------
    arms : Arms or None
        Who answers now. Replaced as a whole, never changed: read it once per request.
    refused : RiskloopError or None
        Why the version that should lead does not.
    challenger_refused : RiskloopError or None
        Why the version that should challenge does not; the champion answers everybody meanwhile.
    away : Unavailable or None
        Why the log cannot be read; the live bundle stays in charge meanwhile.
    """

    def __init__(
        self,
        promotions: Promotions,
        versions: Versions,
        store: BundleStore,
        *,
        poll_seconds: float = 0.25,
        exploration: Exploration | None = None,
        reasons: WhenReasons = "asked",
    ) -> None:
        self._reasons = reasons
        self.arms: Arms | None = None
        self.refused: RiskloopError | None = None
        self.challenger_refused: RiskloopError | None = None
        self.away: Unavailable | None = None
        self._promotions = promotions
        self._versions = versions
        self._store = store
        self._poll_seconds = poll_seconds
        self._exploration = exploration
        self._seen = -1
        self._polls = 0
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="riskloop-champion", daemon=True)

    @property
    def live(self) -> Live | None:
        """The champion."""
        arms = self.arms
        return arms.champion if arms else None

    def require(self) -> Arms:
        """Who answers now.

        Raises
        ------
        RequestRefused
            503 without a champion.
        """
        arms = self.arms
        if arms is None:
            raise RequestRefused(503, "no-champion", self._why_none(), next_step="promote a version: riskloop promote")
        return arms

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
        unsettled = self.refused or self.challenger_refused
        if self._promotions.head_seq() == self._seen and not (unsettled and self._polls % RETRY_POLLS == 0):
            return
        events = self._promotions.events()
        state = release_state(events)
        if state.champion is not None:
            champion = self._lead(state.champion, promoted_digest(events, state.champion))
            if champion is not None:
                self._settle(champion, challenge(events))
        self._seen = state.head_seq

    def _lead(self, version: int, digest: str) -> Live | None:
        """The bundle of the champion; the old one where the new one is refused."""
        try:
            live = self._load(version, digest, "champion")
        except Unavailable:
            raise
        except Exception as error:  # whatever is wrong with a new bundle, the old one must go on answering
            self._refuse(version, error)
            return self.live
        self.refused = None
        return live

    def _settle(self, champion: Live, event: Promotion | None) -> None:
        """Put champion and challenger in charge, in one step."""
        challenger, split = None, None
        if event is not None and event.version != champion.record.version:
            try:
                split = Split.from_dict(event.details)
                challenger = self._load(event.version, event.digest, "challenger")
                self.challenger_refused = None
            except Unavailable:
                raise
            except Exception as error:  # a challenger must never stand in the way of the champion
                if self.challenger_refused is None:
                    _log.exception("version %s cannot challenge", event.version)
                self.challenger_refused = _in_our_words(error)
        else:
            self.challenger_refused = None
        arms = Arms(champion, challenger, split if challenger else None, self._exploration)
        before, self.arms = self.arms, arms
        if before is None or before.champion is not champion:
            _log.info("version %s (%s) leads", champion.record.version, champion.bundle.digest[:16])

    def _load(self, version: int, digest: str, alias: str) -> Live:
        """The bundle of a version, the one in memory where it is there already."""
        arms = self.arms
        for live in (arms.champion, arms.challenger) if arms else ():
            if live and (live.record.version, live.bundle.digest) == (version, digest):
                return live if live.alias == alias else replace(live, alias=alias)
        record = self._versions.get(version)
        bundle = self._store.load(record, digest)
        return Live(bundle, record, Reasoner(bundle), alias, self._reasons, Reader(bundle.contract))

    def _refuse(self, version: int, error: Exception) -> None:
        expected = isinstance(error, RiskloopError)
        if self.refused is None:
            _log.error("version %s cannot lead: %s", version, error, exc_info=None if expected else error)
        self.refused = _in_our_words(error)

    def _why_none(self) -> str:
        reason = self.refused or self.away
        return f"No champion is loaded: {reason.message}" if reason else "No version has been promoted yet."


def _in_our_words(error: Exception) -> RiskloopError:
    return error if isinstance(error, RiskloopError) else BundleRefused(f"It cannot be loaded: {error!r}.")


def promoted_digest(events: Iterable[Promotion], version: int) -> str:
    """The digest under which a version was last put in charge."""
    return [event.digest for event in events if event.version == version and event.kind in LIVE][-1]
