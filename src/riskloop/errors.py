"""Every error riskloop raises on purpose.

RiskloopError            exit 1   something went wrong; says where and what to do next
├── UsageError           exit 2   the command or the call is malformed
│   └── ConfigError      exit 2   riskloop.yaml or contract.yaml does not say what it must
├── DataError            exit 1   a table cannot be read or cannot be learnt from
│   └── ContractError    exit 1   rows that break the contract
├── GateRefused          exit 3   a gate said no: the quality gate, the promotion gate
├── NotFound             exit 1   no such version, customer, project
├── Conflict             exit 1   another writer was first
├── BundleRefused        exit 1   a bundle is altered, unsigned, of an unknown form or off by more than 1e-9
├── MissingExtra         exit 1   an optional dependency is not installed
└── Unavailable          exit 1   a store (database, MLflow) is away
"""

from __future__ import annotations

from typing import Any, ClassVar


class RiskloopError(Exception):
    """Root of all deliberate errors.

    Parameters
    ----------
    message : str
        What is wrong, in one sentence.
    where : str, optional
        The place: a file, a column, a line, a setting.
    next_step : str, optional
        What the reader can do about it.
    details : optional
        Machine-readable evidence (plain JSON values).
    """

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "error"

    def __init__(
        self, message: str, *, where: str | None = None, next_step: str | None = None, details: Any = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.next_step = next_step
        self.details = details

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        step = f" Next: {self.next_step}" if self.next_step else ""
        return f"{place}{self.message}{step}"

    def to_dict(self) -> dict[str, Any]:
        """The one shape in which errors reach machines (CLI ``--json``, HTTP problem details)."""
        fields = {
            "code": self.code,
            "message": self.message,
            "where": self.where,
            "next_step": self.next_step,
            "details": self.details,
        }
        return {key: value for key, value in fields.items() if value is not None}


class UsageError(RiskloopError):
    """The command or the call is malformed."""

    exit_code = 2
    code = "usage"


class ConfigError(UsageError):
    """riskloop.yaml or contract.yaml does not say what it must."""

    code = "config"


class DataError(RiskloopError):
    """A table cannot be read or cannot be learnt from."""

    code = "data"


class ContractError(DataError):
    """Rows that break the contract."""

    code = "contract"


class GateRefused(RiskloopError):
    """A gate said no: that of quality, of promotion, or of an experiment that has not decided."""

    exit_code = 3
    code = "gate-refused"


class NotFound(RiskloopError):
    """There is no such version, customer or project."""

    code = "not-found"


class Conflict(RiskloopError):
    """Another writer was first."""

    code = "conflict"


class BundleRefused(RiskloopError):
    """A bundle is altered, unsigned, of an unknown form, or off by more than 1e-9."""

    code = "bundle-refused"


class MissingExtra(RiskloopError):
    """An optional dependency is not installed."""

    code = "missing-extra"


class Unavailable(RiskloopError):
    """A store (database, MLflow) is away."""

    code = "unavailable"
