"""Cards: what a version says of itself, read from its bundle once its signature holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from riskloop.bundle.load import read_verified
from riskloop.bundle.sign import KeyRing
from riskloop.decide.policy import Policy
from riskloop.decide.reason_texts import Texts
from riskloop.decide.tally import Tally
from riskloop.errors import BundleRefused
from riskloop.keep.versions import Version
from riskloop.serve.config import ServeConfig

_MOST = 40


@dataclass(frozen=True)
class Card:
    """A version with its card and its policy.

    Attributes
    ----------
    version : Version
    said : mapping
        The card; empty where the bundle was refused.
    policy : Policy or None
    texts : Texts
        What its features are called.
    refused : BundleRefused or None
    """

    version: Version
    said: Mapping[str, Any]
    policy: Policy | None
    texts: Texts
    refused: BundleRefused | None = None

    @cached_property
    def test(self) -> Tally | None:
        """Scores of the test block, counted."""
        return self._tally("test")

    @cached_property
    def out_of_fold(self) -> Tally | None:
        """Scores of training rows by models that had not seen them: here thresholds may be tried."""
        return self._tally("out_of_fold")

    def _tally(self, name: str) -> Tally | None:
        try:
            return Tally.from_dict(self.said["tallies"][name])
        except (KeyError, TypeError, ValueError):  # of a version that was trained before there were any
            return None

    @property
    def family(self) -> str:
        return str(self.said.get("family") or self.version.summary.get("family") or "–")

    @property
    def currency(self) -> str:
        return self.policy.costs.currency if self.policy else "EUR"


class Cards:
    """Reads cards; blocks while it does, and remembers them by digest."""

    def __init__(self, config: ServeConfig) -> None:
        self._folder = config.bundles
        self._keys = KeyRing(config.keys)
        self._held: dict[str, Card] = {}

    def of(self, version: Version) -> Card:
        """The card of a version; of one whose bundle is not whole only what the list of versions knows."""
        if version.digest not in self._held:
            while len(self._held) >= _MOST:
                self._held.pop(next(iter(self._held)))
            self._held[version.digest] = self._read(version)
        return self._held[version.digest]

    def _read(self, version: Version) -> Card:
        path = self._folder / version.bundle
        try:
            if not path.resolve().is_relative_to(self._folder.resolve()):
                raise BundleRefused("The bundle lies outside the project's bundles.", where=version.bundle)  # noqa: TRY301
            read = read_verified(path, self._keys.trusted())
            told = {name: json.loads(read[f"{name}.json"]) for name in ("card", "policy", "reasons")}
            reasons = told["reasons"].get("rules", told["reasons"])
            texts = Texts.from_dict(reasons["texts"]) if isinstance(reasons.get("texts"), dict) else Texts()
            return Card(version, told["card"], Policy.from_dict(told["policy"]), texts)
        except BundleRefused as refused:
            return Card(version, {}, None, Texts(), refused)
