"""The Subject of a document: one version, and everything that is known about it, gathered once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from riskloop.bundle.bundle import Bundle
from riskloop.keep.chain import Head, Promotion, VerifyResult
from riskloop.keep.versions import Version
from riskloop.report.documents.tree import Source

NEEDED = (
    "balancing",
    "calibration",
    "costs",
    "data_fingerprint",
    "decided",
    "examination",
    "fairness",
    "family",
    "findings",
    "importance",
    "not_used",
    "out_of_fold",
    "overrides",
    "policies",
    "positive",
    "rows",
    "seed",
    "split",
    "test",
    "why",
)
"""What the card of a bundle must hold."""


@dataclass(frozen=True)
class Subject:
    """A version as documents see it.

    Attributes
    ----------
    version : Version
    bundle : Bundle
        Verified.
    settings : mapping
        Those it was trained under.
    alias : {"champion", "challenger", "previous"} or None
    events : tuple of Promotion
        The whole promotion log.
    verified : VerifyResult
        Of the log's hash chain.
    head : Head
        Of that chain.
    four_eyes : bool
        Whether a promotion needs a second person now.
    key : str
        Fingerprint of the key that signed the bundle.
    files : mapping of str to str
        SHA-256 of the bundle's files.
    generated : datetime
    """

    version: Version
    bundle: Bundle
    settings: Mapping[str, Any]
    alias: str | None
    events: tuple[Promotion, ...]
    verified: VerifyResult
    head: Head
    four_eyes: bool
    key: str
    files: Mapping[str, str]
    generated: datetime

    @property
    def card(self) -> Mapping[str, Any]:
        return self.bundle.card

    @property
    def summary(self) -> Mapping[str, Any]:
        return self.version.summary

    @property
    def currency(self) -> str:
        return self.bundle.policy.costs.currency

    @property
    def reasons(self) -> Mapping[str, Any] | None:
        """What the bundle says about reason codes; None where it has none."""
        found = self.card.get("reasons")
        return found if isinstance(found, Mapping) else None

    @property
    def sensitive(self) -> tuple[str, ...]:
        """Protected columns that the project names."""
        return tuple(self.settings["problem"]["sensitive"])

    @property
    def policies(self) -> list[Mapping[str, Any]]:
        """Policies on the test block, with the champion of that day where there was one."""
        return list(self.summary.get("policies") or self.card["policies"])

    @property
    def importance(self) -> list[tuple[str, float]]:
        """Features, the most important first."""
        return sorted(self.card["importance"].items(), key=lambda item: (-item[1], item[0]))

    @property
    def of_bundle(self) -> Source:
        return Source({"bundle": self.bundle.digest})

    @property
    def of_data(self) -> Source:
        """The training table, as the bundle records it."""
        return Source({"data": str(self.card["data_fingerprint"]), "bundle": self.bundle.digest})

    @property
    def of_log(self) -> Source:
        return Source({"log": self.head.hash})

    @cached_property
    def of_record(self) -> Source:
        """What is recorded of the version beside its bundle: contenders, gate, settings."""
        fields = asdict(self.version)
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"), default=str)
        return Source({"record": hashlib.sha256(text.encode()).hexdigest(), "bundle": self.bundle.digest})
