"""`riskloop` alone: where a project stands, and what comes next."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from riskloop.loop.project import Project
from riskloop.settings import CONTRACT_FILE, FILE

State = Literal[
    "initialised", "checked", "refused", "waiting", "leading", "deciding", "judged", "challenged", "alarmed", "asked"
]
_CHECKED = "checked.json"


@dataclass(frozen=True)
class LastCheck:
    """What `riskloop check` last said of the training table, by the rules that are in force still.

    Attributes
    ----------
    passed : bool
    rows, kept : int
    rules : str
        sha256 of riskloop.yaml and contract.yaml.
    """

    passed: bool
    rows: int
    kept: int
    rules: str


@dataclass(frozen=True)
class Request:
    """A promotion that waits for a second person."""

    seq: int
    version: int
    actor: str


@dataclass(frozen=True)
class Standing:
    """Where a project stands.

    Attributes
    ----------
    project, target : str
    features : int
    checked : LastCheck or None
    versions : int
        How many were trained.
    newest : int or None
        The newest version.
    newest_refused : bool
        Whether the gate refused it.
    waiting : int or None
        The newest version that was accepted and is newer than the champion.
    champion, challenger : int or None
    predictions, outcomes : int
        In the ledger.
    alerts : int
        Open ones.
    requests : tuple of Request
        Promotions that another person must approve.
    """

    project: str
    target: str
    features: int
    checked: LastCheck | None
    versions: int
    newest: int | None
    newest_refused: bool
    waiting: int | None
    champion: int | None
    challenger: int | None
    predictions: int
    outcomes: int
    alerts: int
    requests: tuple[Request, ...]

    @property
    def state(self) -> State:
        """What most wants to be seen to; the first that is true."""
        if self.requests:
            return "asked"
        if self.alerts:
            return "alarmed"
        if self.challenger is not None:
            return "challenged"
        if self.champion is not None:
            return "leading" if not self.predictions else "judged" if self.outcomes else "deciding"
        if self.newest is not None:
            return "refused" if self.waiting is None else "waiting"
        return "checked" if self.checked and self.checked.passed else "initialised"

    @property
    def next_steps(self) -> tuple[str, ...]:
        """Commands, the one to begin with first."""
        return {
            "initialised": ("riskloop check", "riskloop train --promote"),
            "checked": ("riskloop train --promote",),
            "refused": ("riskloop compare", "riskloop history", "riskloop train"),
            "waiting": (f"riskloop promote {self.waiting} --reason TEXT",),
            "leading": ("riskloop serve", "riskloop score FILE --out OUT"),
            "deciding": ("riskloop monitor", "riskloop outcomes FILE"),
            "judged": ("riskloop performance", "riskloop retrain --if-needed"),
            "challenged": ("riskloop ab status",),
            "alarmed": ("riskloop alerts", "riskloop monitor"),
            "asked": tuple(f"riskloop approve {one.seq}" for one in self.requests),
        }[self.state]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"state": self.state, **asdict(self), "next_steps": list(self.next_steps)}


def standing(project: Project) -> Standing:
    """Look at every store once; nothing is changed.

    Raises
    ------
    ConfigError
        If contract.yaml cannot be read.
    Unavailable
        If the database is away.
    """
    state, versions = project.promotions.state(), project.versions.list()
    champion = state.champion or 0
    accepted = [one.version for one in versions if one.status != "refused" and one.version > champion]
    asked = project.promotions.pending()
    return Standing(
        project=project.name,
        target=project.settings.problem.target,
        features=len(project.contract.features),
        checked=last_check(project),
        versions=len(versions),
        newest=versions[-1].version if versions else None,
        newest_refused=bool(versions) and versions[-1].status == "refused",
        waiting=accepted[-1] if accepted else None,
        champion=state.champion,
        challenger=state.challenger,
        predictions=project.ledger.count(),
        outcomes=project.ledger.outcome_count(),
        alerts=len(project.alerts.list()),
        requests=tuple(Request(one.seq, one.version, one.actor) for one in asked),
    )


def keep_check(project: Project, passed: bool, rows: int, kept: int) -> None:
    """Remember what was said of the training table; a folder that cannot be written is no reason to fail."""
    with suppress(OSError):
        project.locations.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        told = json.dumps(asdict(LastCheck(passed, rows, kept, _rules(project.folder))))
        (project.locations.state / _CHECKED).write_text(told)


def last_check(project: Project) -> LastCheck | None:
    """What was said last; None if the rules have changed since."""
    try:
        found = LastCheck(**json.loads((project.locations.state / _CHECKED).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.rules == _rules(project.folder) else None


def _rules(folder: Path) -> str:
    files = [folder / name for name in (FILE, CONTRACT_FILE)]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files if path.is_file())).hexdigest()
