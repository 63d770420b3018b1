"""What a look at a batch or the ledger found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from riskloop.findings import Finding
from riskloop.keep.versions import Version
from riskloop.learn.evaluation.metrics import Evaluation
from riskloop.loop.watching.beside import Classified
from riskloop.loop.watching.runs import SegmentDrift, WindowDrift
from riskloop.watch.drift import Drift
from riskloop.watch.groups import GroupRate
from riskloop.watch.performance import Estimated
from riskloop.watch.profile import Profile
from riskloop.watch.windows import Period


@dataclass(frozen=True)
class Monitored:
    """What `monitor` found.

    Attributes
    ----------
    name : str
        Of the batch, or since when the ledger was read.
    path : str
        The file, or ``ledger``.
    version : Version
    drift : Drift
    current : Profile
        Of the rows seen.
    estimated : Estimated
        Performance to be expected, from the probabilities alone.
    realised : Evaluation or None
        On the rows whose outcome is known.
    promised : mapping
        Metrics of the test block, from the card.
    not_judged : tuple of str
        Columns of the contract that the rows lack.
    personal : frozenset of str
        Columns of which no value is quoted.
    findings : tuple of Finding
    by : str or None
        The period of the windows that were asked for.
    windows : tuple of WindowDrift
        Window by window, the oldest first.
    segments : tuple of SegmentDrift
        By level of a column, where asked for.
    groups : tuple of GroupRate
        By window and level of protected attributes, where rows have them.
    classifier : Classified or None
        Where asked for.
    """

    name: str
    path: str
    version: Version
    digest: str
    currency: str
    drift: Drift
    reference: Profile
    current: Profile
    estimated: Estimated
    realised: Evaluation | None
    promised: Mapping[str, Any]
    not_judged: tuple[str, ...]
    personal: frozenset[str]
    findings: tuple[Finding, ...]
    generated: datetime
    by: Period | None = None
    windows: tuple[WindowDrift, ...] = ()
    segments: tuple[SegmentDrift, ...] = ()
    groups: tuple[GroupRate, ...] = ()
    classifier: Classified | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "path": self.path,
            "version": self.version.version,
            "digest": self.digest,
            "currency": self.currency,
            **self.drift.to_dict(),
            "estimated": self.estimated.to_dict(),
            "realised": None if self.realised is None else self.realised.to_dict(),
            "promised": dict(self.promised),
            "not_judged": list(self.not_judged),
            "findings": [one.to_dict() for one in self.findings],
            "generated": self.generated.isoformat(),
            "by": self.by,
            "windows": [one.to_dict() for one in self.windows],
            "segments": [one.to_dict() for one in self.segments],
            "groups": [one.to_dict() for one in self.groups],
            "classifier": None if self.classifier is None else self.classifier.to_dict(),
        }
