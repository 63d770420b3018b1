"""`riskloop score` for tables of any size: part by part, in little memory, and on from where it was interrupted."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl

from riskloop.bundle.bundle import Bundle
from riskloop.data.linked.join import Linker
from riskloop.data.source import Source, locate, read_in_parts
from riskloop.errors import Conflict
from riskloop.findings import Finding, by_severity
from riskloop.keep.versions import Version
from riskloop.loop.project import Project
from riskloop.loop.table import Table
from riskloop.loop.workflows.score import (
    DecidedTable,
    Scored,
    Told,
    check_output,
    decide_table,
    log_decisions,
    write_table,
)

ROWS = 100_000
"""Of one part."""
LARGE_BYTES = 64 << 20
"""From this size on a table is scored in parts (Parquet, which is packed, from a quarter)."""


def is_large(source: Source) -> bool:
    """Whether a table is better scored in parts."""
    return (
        sum(path.stat().st_size * (4 if path.suffix == ".parquet" else 1) for path in locate(source.path)) > LARGE_BYTES
    )


def score_in_parts(
    project: Project,
    source: Source,
    out: Path,
    *,
    version: int | None = None,
    log: bool = True,
    reasons: bool = False,
    language: str = "en",
    rows: int = ROWS,
    progress: Callable[[int], None] = lambda _rows: None,
) -> Scored:
    """Decide about every customer of a file, part by part; the output appears whole at the end.

    Finished parts lie in a folder beside the output until then. Interrupted, the same command goes on after the last of
    them; decisions that were kept already are not kept twice. Findings are those of each part: what spans parts, such
    as an id that comes back in another one, is not seen. Each linked table is read once, onto the disk where it is
    large; customers without an event time are seen as of the moment when the work began.

    Parameters
    ----------
    progress : callable
        Told the number of rows that are done, after each part.

    Raises
    ------
    UsageError
        If the output is of another kind, or is the input.
    NotFound
        If there is no champion.
    DataError
        If the file lacks a column of the contract, or a linked table cannot be read.
    """
    check_output(source, out)
    record, bundle = project.bundle(version)
    linked = [project.linked_sources[one.name] for one in bundle.linked.tables if one.name in project.linked_sources]
    key = _key([source, *linked], record, log=log, reasons=reasons, language=language, rows=rows)
    parts = _Parts.open(out, key, project.clock())
    work = Work(project, record, bundle, Told(reasons=reasons, language=language), log)
    done = list(parts.finished())
    started, seen = sum(one.rows for one in done), 0
    progress(started)
    problem = project.settings.problem.problem()
    with Linker(bundle.linked, project.linked_sources, problem, as_of=parts.began, told=bool(done)) as linker:
        for frame in _from(read_in_parts(source, rows), started):
            joined = linker.join(frame)
            table = Table(joined.frame, source.path, joined.findings)
            decided = work.decide(table, first_row=started + seen + 1)
            logged = work.log(decided, parts.run, started + seen)
            done.append(replace(decided.scored, logged=logged))
            parts.add(decided.output, done[-1])
            seen += frame.height
            progress(started + seen)
    parts.assemble(out)
    return together(done, out)


def _from(frames: Iterator[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """What is left after so many rows."""
    for frame in frames:
        if rows >= frame.height:
            rows -= frame.height
        else:
            yield frame[rows:] if rows else frame
            rows = 0


def _key(sources: Sequence[Source], record: Version, **told: Any) -> str:
    """What must not have changed for parts to be taken up again."""
    paths = [path for source in sources for path in locate(source.path)]
    files = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    text = json.dumps([files, record.version, record.digest, told], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Work:
    """Decide about a part and keep its decisions, once."""

    project: Project
    record: Version
    bundle: Bundle
    told: Told
    keep: bool

    def decide(self, table: Table, first_row: int) -> DecidedTable:
        """Decide about the customers of a part whose first row has that number."""
        return decide_table(self.project, self.record, self.bundle, table, self.told, first_row=first_row)

    def log(self, decided: DecidedTable, run: str, offset: int) -> int:
        """Keep the decisions of a part. Their ids follow from the run and the row, so that a part which was kept, and
        interrupted before it was written down, is found to be there."""
        if not self.keep:
            return 0
        numbers = count(offset)
        try:
            return log_decisions(self.project, self.record, decided, lambda: f"{run}-{next(numbers)}")
        except Conflict:
            self._log_rest(decided, run, offset)
        return decided.scored.scored

    def _log_rest(self, decided: DecidedTable, run: str, offset: int) -> None:
        """Keep what an interrupted part had not kept yet; another worker may be at it at this moment."""
        names = [f"{run}-{offset + number}" for number in range(decided.scored.scored)]
        missing = self._missing(names)
        while missing:
            wanted, given = set(missing), iter(names)
            rest = [bool(row) and next(given) in wanted for row in decided.answer["error"].is_null().to_list()]
            chosen = pl.Series(rest)
            left = replace(
                decided,
                answer=decided.answer.filter(chosen),
                features=decided.features.filter(chosen),
                ids=None if decided.ids is None else decided.ids.filter(chosen),
                why=None if decided.why is None else _moved(decided.why, rest),
            )
            before = missing
            try:
                log_decisions(self.project, self.record, left, iter(missing).__next__)
            except Conflict:
                missing = self._missing(names)
                if missing == before:
                    raise
            else:
                missing = []

    def _missing(self, names: list[str]) -> list[str]:
        kept = self.project.ledger.kept(names)
        return [name for name in names if name not in kept]


def _moved(why: dict[int, Any], kept: list[bool]) -> dict[int, Any]:
    places = [row for row, keep in enumerate(kept) if keep]
    return {place: why[row] for place, row in enumerate(places) if row in why}


@dataclass(frozen=True)
class _Parts:
    """The finished parts of one output, in a folder beside it."""

    folder: Path
    run: str
    suffix: str
    began: datetime

    @classmethod
    def open(cls, out: Path, key: str, now: datetime) -> _Parts:
        """The parts of the same work where it was interrupted; others are thrown away."""
        folder, state = out.with_name(f".{out.name}.parts"), out.with_name(f".{out.name}.parts") / "run.json"
        try:
            found = json.loads(state.read_text())
        except (OSError, ValueError):
            found = {}
        if found.get("key") != key:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            found = {"key": key, "run": uuid.uuid4().hex, "began": now.isoformat()}
            state.write_text(json.dumps(found))
        return cls(folder, found["run"], out.suffix, datetime.fromisoformat(found["began"]))

    def finished(self) -> Iterator[Scored]:
        """What the finished parts add up to, in their order."""
        for number in count():
            told = self._told(number)
            if not told.exists():
                return
            yield scored_from(json.loads(told.read_text()))

    def add(self, output: pl.DataFrame, scored: Scored) -> None:
        """Write a part down; it is finished once its figures are there."""
        number = next(number for number in count() if not self._told(number).exists())
        write_table(output, self._file(number))
        draft = self._told(number).with_suffix(".draft")
        draft.write_text(json.dumps(asdict(scored), default=str))
        draft.replace(self._told(number))

    def assemble(self, out: Path) -> None:
        """The output, and no more parts."""
        files = [self._file(number) for number in range(sum(1 for _ in self.finished()))]
        draft = out.with_name(f".{out.name}.draft")
        if self.suffix == ".parquet":
            pl.scan_parquet(files).sink_parquet(draft)
        else:
            with draft.open("wb") as whole:
                for number, file in enumerate(files):
                    with file.open("rb") as part:
                        if number:
                            part.readline()
                        shutil.copyfileobj(part, whole)
        draft.replace(out)
        shutil.rmtree(self.folder)

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:06d}{self.suffix}"

    def _told(self, number: int) -> Path:
        return self.folder / f"{number:06d}.json"


def scored_from(document: dict[str, Any]) -> Scored:
    """What `dataclasses.asdict` made of a part's figures, and JSON carried."""
    findings = tuple(Finding(**finding) for finding in document["findings"])
    return Scored(**(document | {"out": Path(), "findings": findings}))


def together(parts: Sequence[Scored], out: Path) -> Scored:
    """What all parts add up to; a finding of several parts is told by the first, with all its rows."""
    found: dict[tuple[str, str | None], Finding] = {}
    for finding in (finding for part in parts for finding in part.findings):
        before = found.get((finding.code, finding.column))
        rows = finding.rows + (before.rows if before else 0)
        found[finding.code, finding.column] = replace(before or finding, rows=rows)
    sums = ("rows", "scored", "acted", "reviewed", "expected_cost", "expected_gain", "turned_away", "forgone", "logged")
    return replace(
        parts[0],
        out=out,
        findings=tuple(by_severity(found.values())),
        **{name: sum(getattr(part, name) for part in parts) for name in sums},
    )
