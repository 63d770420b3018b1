"""Cards: what a version says of itself, read from its bundle once its signature holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from riskloop.decide.policy import Policy
from riskloop.decide.reason_texts import Texts
from riskloop.decide.tally import Tally
from riskloop.errors import BundleRefused, NotFound, RiskloopError
from riskloop.keep.versions import Version
from riskloop.serve.champion import BundleStore

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
    refused : RiskloopError or None
    """

    version: Version
    said: Mapping[str, Any]
    policy: Policy | None
    texts: Texts
    refused: RiskloopError | None = None

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

    def __init__(self, store: BundleStore) -> None:
        self._store = store
        self._held: dict[str, Card] = {}

    def of(self, version: Version) -> Card:
        """The card of a version; of one whose bundle is not whole only what the list of versions knows.

        Raises
        ------
        Unavailable
            If the store behind the folder does not answer.
        """
        if version.digest not in self._held:
            while len(self._held) >= _MOST:
                self._held.pop(next(iter(self._held)))
            self._held[version.digest] = self._read(version)
        return self._held[version.digest]

    def _read(self, version: Version) -> Card:
        try:
            read = self._store.files(version)
            told = {name: json.loads(read[f"{name}.json"]) for name in ("card", "policy", "reasons")}
            texts = told["reasons"].get("rules", {}).get("texts")
            named = Texts.from_dict(texts) if isinstance(texts, dict) else Texts()
            return Card(version, told["card"], Policy.from_dict(told["policy"]), named)
        except (BundleRefused, NotFound) as refused:
            return Card(version, {}, None, Texts(), refused)
