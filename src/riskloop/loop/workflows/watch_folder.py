"""`riskloop monitor --batch FOLDER --watch`: each new batch of a folder is monitored once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from riskloop.errors import NotFound, RiskloopError, Unavailable
from riskloop.keep.batches import Batch, Verdict
from riskloop.loop.project import Project
from riskloop.loop.watching.batches import complete, digest_of, sizes_in
from riskloop.loop.watching.monitored import Monitored
from riskloop.loop.workflows.monitor import monitor_batch


@dataclass(frozen=True)
class Arrived:
    """A batch that came, a sentence about it, and what was found; of one that could not be monitored, the error."""

    path: Path
    told: str
    found: Monitored | None = None
    error: RiskloopError | None = None

    def batch(self, digest: str, size: int, at: datetime) -> Batch:
        """As it is remembered."""
        verdict: Verdict = self.found.drift.verdict if self.found else "failed"
        version = self.found.version.version if self.found else None
        return Batch(self.path.name, digest, size, verdict, version, self.told, at)


def watch_folder(
    project: Project,
    folder: Path,
    looks: Iterable[object],
    *,
    version: int | None = None,
    finish: Callable[[Monitored], str] = lambda found: found.drift.verdict,
) -> Iterator[Arrived]:
    """Look at a folder again and again, and monitor each batch when it is complete, the oldest first.

    A batch is complete when its size is that of the look before; names of unfinished files are passed over. What was
    monitored is remembered by name and content in the database, once it is over: interrupted, the same call goes on
    with the batch it was at. A batch that cannot be monitored is remembered as failed and does not hold up the others;
    the next call tries it again.

    Parameters
    ----------
    looks : iterable
        Gives something when it is time to look again; its end ends the watch.
    finish : callable
        Does what belongs to a monitored batch, such as its report, and gives the sentence that is remembered of it.

    Raises
    ------
    NotFound
        If there is no such folder, no champion or no such version.
    Unavailable
        If the database is away.
    """
    if not folder.is_dir():
        raise NotFound("There is no such folder.", where=str(folder), next_step="make it, or name another with --batch")
    project.bundle(version)
    before, known = sizes_in(folder), set[tuple[str, int, int]]()
    for _ in looks:
        now = sizes_in(folder)
        for path in complete(before, now):
            try:
                seen = (path.name, now[path], path.stat().st_mtime_ns)
                if seen in known:
                    continue
                digest = digest_of(path)
            except FileNotFoundError:
                continue
            known.add(seen)
            remembered = project.batches.get(path.name, digest)
            if remembered is None or remembered.verdict == "failed":
                arrived = _monitored(project, path, version, finish)
                project.batches.add(arrived.batch(digest, now[path], project.clock()))
                yield arrived
        before = now


def _monitored(project: Project, path: Path, version: int | None, finish: Callable[[Monitored], str]) -> Arrived:
    try:
        found = monitor_batch(project, str(path), version=version)
        return Arrived(path, finish(found), found)
    except Unavailable:
        raise
    except RiskloopError as error:
        return Arrived(path, str(error), error=error)
