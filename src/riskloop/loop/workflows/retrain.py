"""`riskloop retrain`: decide whether a new version is needed, learn from what became of customers, hold it against the
champion, and let it lead, challenge or wait."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from riskloop.data.recency import Recency
from riskloop.errors import Conflict, RiskloopError, Unavailable
from riskloop.keep.chain import Promotion
from riskloop.keep.locks import LEASE_SECONDS, Held, holding
from riskloop.keep.retrainings import Retraining
from riskloop.learn.evaluation.paired import PairedDifference
from riskloop.learn.plan import Watcher
from riskloop.loop.project import Project
from riskloop.loop.retraining.censoring import warnings
from riskloop.loop.retraining.exploring import cost_of_exploration
from riskloop.loop.retraining.judging import Judge
from riskloop.loop.retraining.looking import Looked, look
from riskloop.loop.retraining.settling import settle
from riskloop.loop.retraining.table import Built, build
from riskloop.loop.table import read_table
from riskloop.loop.workflows.train import TrainingResult, train
from riskloop.settings.of_data import DataSection
from riskloop.watch.need import Need

LOCK = "retraining"


@dataclass(frozen=True)
class Retrained:
    """What a retraining did.

    Attributes
    ----------
    need : Need or None
        Whether one was needed, and why; None for one that went on where another was interrupted.
    warnings : tuple of str
        What stands between the rows and the truth.
    record : Retraining or None
        As it is kept; None where nothing was trained.
    training : TrainingResult or None
    difference : PairedDifference or None
        New minus champion, per 1,000 of the newest customers.
    promotion : Promotion or None
        Where the version leads, waits for a second person, or challenges.
    """

    need: Need | None
    warnings: tuple[str, ...] = ()
    record: Retraining | None = None
    training: TrainingResult | None = None
    difference: PairedDifference | None = None
    promotion: Promotion | None = None

    @property
    def refused(self) -> bool:
        """Whether the gate said no."""
        return self.record is not None and self.record.result == "refused"

    @property
    def words(self) -> str:
        """What came of it, in one sentence."""
        if self.record is not None:
            return self.record.told
        if self.need is not None and self.need.state == "waiting":
            return f"A new version is needed, and waits. {self.need.lacking}"
        return "No new version is needed."

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, without rows."""
        return {
            "words": self.words,
            "need": None if self.need is None else self.need.to_dict(),
            "warnings": list(self.warnings),
            "result": None if self.record is None else self.record.result,
            "version": None if self.record is None else self.record.version,
            "data": None if self.record is None else self.record.data,
            "gate": [] if self.record is None else self.record.gate,
            "difference": None if self.difference is None else self.difference.to_dict(),
        }


def retrain(
    project: Project,
    *,
    if_needed: bool = False,
    window: str | None = None,
    candidates: Sequence[str] = (),
    budget: str | None = None,
    looked: Looked | None = None,
    lease_seconds: float = LEASE_SECONDS,
    watcher: Watcher | None = None,
) -> Retrained:
    """Train a new version on the old rows and the newly known outcomes, and settle what becomes of it.

    The newest of the new rows are held out: neither the champion nor the new version has learnt from them. One
    retraining runs at a time; one that was interrupted is taken up again with its own table, if the champion is still
    the same.

    Parameters
    ----------
    if_needed : bool
        Train only if there is reason to; see `riskloop.watch.need.need`.
    window : str, optional
        ``all``, ``recent:180d`` or ``sliding:50000``, in place of ``retraining.window``.
    candidates, budget : optional
        See `riskloop.loop.workflows.train.train`.
    looked : Looked, optional
        What was seen a moment ago.
    lease_seconds : float
        How long others wait for this process should it die.

    Raises
    ------
    Conflict
        If another retraining runs.
    NotFound
        If there is no champion.
    GateRefused, DataError, Unavailable
        See `riskloop.loop.workflows.train.train`; the record then says `failed`.
    """
    recency = Recency.parse(window or project.settings.retraining.window)
    with holding(project.locks, LOCK, myself(), lease_seconds) as held:
        if held is None:
            raise Conflict(
                f"Another retraining runs, by {project.locks.holder(LOCK)}.",
                where="retrain",
                next_step="wait for it; `riskloop retrain --history` shows what came of it",
            )
        begun = _interrupted(project, window)
        if begun is not None:
            return _go_on(project, begun, held, candidates, budget, watcher)
        found = looked or look(project, asked=not if_needed)
        told = warnings(found.labelled, project.settings)
        if found.need.state != "needed":
            return Retrained(found.need, told)
        seq = project.retrainings.begin(
            at=project.clock(), actor=project.actor, reasons=found.need.reasons, champion=found.champion.version
        )
        with _recorded(project, seq, held):
            built = build(project, found.labelled, found.division, recency)
            exploration = cost_of_exploration(project, read_table(project).frame)
            told += () if exploration is None else (exploration.words,)
            facts = built.to_dict() | found.labelled.to_dict() | {"warnings": list(told)}
            new_labels = int(found.division.new.sum())
            facts |= {"candidates": list(candidates), "budget": budget, "new_labels": new_labels}
            project.retrainings.note(seq, data=facts)
            return replace(
                _learn(project, seq, built, held, candidates, budget, watcher),
                need=found.need,
                warnings=told,
            )


def history(project: Project) -> tuple[Retraining, ...]:
    """All retrainings, the oldest first."""
    return project.retrainings.list()


def myself() -> str:
    """Who this process is, for those who wait for it."""
    return f"{socket.gethostname()}:{os.getpid()}"


class _recorded:  # noqa: N801 - read as a word: with _recorded(...)
    """Says in the record how a retraining ended that did not end well."""

    def __init__(self, project: Project, seq: int, held: Held) -> None:
        self._project, self._seq, self._held = project, seq, held

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            return
        fields: dict[str, Any] = {"result": "interrupted", "told": "Interrupted; the next one goes on."}
        if isinstance(error, Exception) and not isinstance(error, Unavailable):
            said = error.message if isinstance(error, RiskloopError) else f"{type(error).__name__}: {error}"
            fields = {"result": "failed", "told": f"Failed: {said}", "finished_at": self._project.clock()}
        with suppress(Unavailable, Conflict):  # it stays `running`: the next one goes on, or does so already
            self._held.check()
            self._project.retrainings.note(self._seq, **fields)


def _interrupted(project: Project, window: str | None) -> Retraining | None:
    """The retraining to go on with, if it is the one asked for: who began it is gone, for nobody holds the lease."""
    champion = project.promotions.state().champion
    *others, last = project.retrainings.unfinished() or (None,)
    for one in others:
        if one is not None:
            _give_up(project, one)
    if last is None:
        return None
    path = last.data.get("path")
    asked = window is None or str(Recency.parse(window)) == last.data.get("window")
    if asked and path and (project.folder / path).is_file() and last.champion == champion:
        return last
    _give_up(project, last)
    return None


def _give_up(project: Project, one: Retraining) -> None:
    told = "Interrupted, and not gone on with."
    project.retrainings.note(one.seq, result="failed", told=told, finished_at=project.clock())


def _go_on(
    project: Project,
    begun: Retraining,
    held: Held,
    candidates: Sequence[str],
    budget: str | None,
    watcher: Watcher | None,
) -> Retrained:
    """Finish a retraining that was interrupted, on the table that it had made; its journal has finished candidates."""
    data = begun.data
    project.retrainings.note(begun.seq, result="running", told="")
    with _recorded(project, begun.seq, held):
        if begun.version is not None:  # trained and judged; what was to become of it was not settled yet
            return _finish(project, begun, Built.from_dict(data))
        done = _learn(
            project,
            begun.seq,
            Built.from_dict(data),
            held,
            candidates or data.get("candidates", ()),
            budget or data.get("budget"),
            watcher,
        )
        return replace(done, warnings=tuple(data.get("warnings", ())))


def _learn(
    project: Project,
    seq: int,
    built: Built,
    held: Held,
    candidates: Sequence[str],
    budget: str | None,
    watcher: Watcher | None,
) -> Retrained:
    learning = _learning(project, built, budget)
    judge = Judge(
        learning.contract,
        project.settings.problem.problem(),
        margin=project.settings.retraining.margin,
        minimum_rows=project.settings.fairness.minimum_rows,
        currency=project.settings.costs.currency,
        seed=project.settings.training.seed,
    )
    try:
        done = train(learning, candidates=candidates, judge=judge, watcher=watcher)
    finally:
        learning.engine.dispose()
    gate = [check.to_dict() for check in done.gate]
    difference = None if judge.difference is None else judge.difference.to_dict()
    held.check()  # whoever has taken over in the meantime settles it
    project.retrainings.note(seq, version=done.version.version, gate=gate, difference=difference)
    begun = next(one for one in project.retrainings.list() if one.seq == seq)
    return replace(_finish(project, begun, built), training=done)


def _finish(project: Project, begun: Retraining, built: Built) -> Retrained:
    """Settle what becomes of a version that was trained and judged."""
    assert begun.version is not None  # noqa: S101 - it was noted
    difference = None if begun.difference is None else PairedDifference(**begun.difference)
    settled = settle(
        project,
        project.versions.get(begun.version),
        difference,
        reasons=begun.reasons,
        customers=built.held,
        details={"retraining": {"seq": begun.seq, "data": built.sha256, "difference": begun.difference}},
    )
    project.retrainings.note(begun.seq, result=settled.result, told=settled.told, finished_at=project.clock())
    record = next(one for one in project.retrainings.list() if one.seq == begun.seq)
    return Retrained(None, tuple(begun.data.get("warnings", ())), record, None, difference, settled.event)


def _learning(project: Project, built: Built, budget: str | None) -> Project:
    """The project as it learns from that table: the newest rows are its test block."""
    settings = project.settings
    asked = {
        "split": "row_order",
        "test_share": built.test_share,
        "budget": budget or settings.retraining.budget,
    }
    sections = {"data": DataSection(path=Path(built.path).as_posix()), "training": settings.training.but(asked)}
    return replace(project, settings=settings.model_copy(update=sections))
