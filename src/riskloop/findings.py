"""A Finding: one thing that is wrong with a table, a model or a release, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    code : str
        Stable, kebab-case name of the rule, e.g. ``leakage-single-feature``.
    severity : {"error", "warning", "info"}
        ``error`` blocks (exit code 3); ``warning`` is shown; ``info`` is listed.
    message : str
        What is wrong, in one sentence with its numbers.
    next_step : str
        What to do about it.
    column : str or None
        The column concerned, if it is one.
    rows : int
        How many rows are concerned (0 where rows are not the unit).
    evidence : dict
        Plain JSON values behind the message.
    """

    code: str
    severity: Severity
    message: str
    next_step: str
    column: str | None = None
    rows: int = 0
    evidence: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def blocking(findings: Iterable[Finding]) -> list[Finding]:
    """Those findings that stop the work."""
    return [finding for finding in findings if finding.severity == "error"]


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Findings with the gravest first; otherwise in the order found."""
    return sorted(findings, key=lambda finding: _ORDER[finding.severity])
