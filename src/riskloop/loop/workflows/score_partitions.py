"""`riskloop score --engine`: a dataset in partitions, decided about by any number of workers, each partition once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from riskloop.data.partitions import ROWS, Partition, cut
from riskloop.engines.engine import Engine
from riskloop.errors import Conflict, UsageError
from riskloop.loop.posting import Post, Reopen
from riskloop.loop.project import Project
from riskloop.loop.table import Table
from riskloop.loop.workflows.score import Scored, Told
from riskloop.loop.workflows.score_parts import Work, scored_from, together

SCHEMA = "riskloop/scored-dataset/1"


def score_partitions(
    project: Project,
    dataset: str,
    out: Path,
    *,
    engine: Engine,
    reopen: Reopen,
    version: int | None = None,
    log: bool = True,
    reasons: bool = False,
    language: str = "en",
    rows: int = ROWS,
    progress: Callable[[int], None] = lambda _rows: None,
) -> Scored:
    """Decide about every customer of a Parquet dataset; the output is a folder of Parquet files, one per partition.

    Beside it lies ``OUT.manifest.json``, which names them, with their hashes.

    Finished partitions lie in a folder beside the output, which takes its name once all are there. Interrupted, the
    same command goes on with those that are missing; finished, it changes nothing and says again what was done. A
    partition that is done twice, by a worker that died or was thought dead, yields the same bytes, and its decisions
    are kept once: their ids follow from the run and the row. Findings are those of each partition, as in
    `score_in_parts`.

    Parameters
    ----------
    dataset : str
        A folder or glob of Parquet files.
    reopen : callable
        Opens the project where a worker is; a function of a module.
    progress : callable
        Told the number of rows that are done, after each partition.

    Raises
    ------
    UsageError
        If the output is no folder, or in the input, or the bundle reads linked tables, or workers elsewhere are to
        write to SQLite.
    Conflict
        If there are other decisions under that name.
    NotFound
        If there is no champion.
    DataError
        If a file cannot be read, or lacks a column of the contract.
    """
    _check_output(dataset, out)
    record, bundle = project.bundle(version)
    if bundle.linked.tables:
        raise UsageError(
            "A table with linked tables is scored as a whole.", where=dataset, next_step="leave out --engine"
        )
    if log and engine.shared and project.locations.database_url.startswith("sqlite"):
        raise UsageError(
            "Workers on other machines cannot write to a ledger in SQLite.",
            where="RISKLOOP_DATABASE_URL",
            next_step="name a PostgreSQL, here and for the workers; or keep no record of these decisions: --no-log",
        )
    partitions = cut(dataset, rows)
    told = {"log": log, "reasons": reasons, "language": language, "rows": rows}
    post = Post.of(project, reopen, record)
    place = _Place.open(out, _key(partitions, post, told))
    if place.finished:
        return place.result(out)
    if log:
        project.ledger.count()  # brings the tables up to date before many ask for them
    task = _Task(post, place.folder, place.run, Told(reasons=reasons, language=language), log)
    left = [one for one in partitions if not _figures(place.folder, one).exists()]
    seen = sum(one.rows for one in partitions) - sum(one.rows for one in left)
    progress(seen)
    for _, scored in engine.each(partial(score_partition, task), left):
        seen += scored.rows
        progress(seen)
    return place.finish(out, partitions, post)


@dataclass(frozen=True)
class _Task:
    """What a worker is told about the work."""

    post: Post
    folder: Path
    run: str
    told: Told
    log: bool


def score_partition(task: _Task, partition: Partition) -> Scored:
    """Decide about a partition, keep its decisions, write them down, and its figures last."""
    project, bundle = task.post.open()
    work = Work(project, task.post.record, bundle, task.told, task.log)
    decided = work.decide(Table(partition.read(), str(partition.path)), first_row=partition.start + 1)
    scored = replace(decided.scored, logged=work.log(decided, task.run, partition.start))
    with _draft(task.folder / name_of(partition)) as draft:
        decided.output.write_parquet(draft)
        digest = hashlib.sha256(draft.read_bytes()).hexdigest()
    with _draft(_figures(task.folder, partition)) as draft:
        draft.write_text(json.dumps(asdict(scored) | {"sha256": digest}, default=str))
    return scored


def name_of(partition: Partition) -> str:
    """The file of its decisions."""
    return f"part-{partition.number:06d}.parquet"


@dataclass(frozen=True)
class _Place:
    """Where partitions lie: beside the output until all are there, then in it."""

    folder: Path
    run: str
    finished: bool

    @classmethod
    def open(cls, out: Path, key: str) -> _Place:
        """Where this work is, or is to begin; unfinished work of another kind is thrown away.

        Raises
        ------
        Conflict
            If something else has the output's name.
        """
        out = out.resolve()
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            if _document(manifest_of(out)).get("key") != key:
                raise Conflict(
                    "There is something else under this name.", where=str(out), next_step="remove it, or name another"
                )
            return cls(out, "", finished=True)
        folder = out.with_name(f".{out.name}.parts")
        found = _document(folder / "run.json")
        if found.get("key") != key:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            found = {"key": key, "run": uuid.uuid4().hex}
            with _draft(folder / "run.json") as draft:
                draft.write_text(json.dumps(found))
        return cls(folder, found["run"], finished=False)

    def finish(self, out: Path, partitions: Sequence[Partition], post: Post) -> Scored:
        """The manifest, and the output's name."""
        told = [_document(_figures(self.folder, one)) for one in partitions]
        files = [
            {
                "file": name_of(one),
                "rows": one.rows,
                "sha256": figures.pop("sha256"),
                "of": {"path": str(one.path), "offset": one.offset},
            }
            for one, figures in zip(partitions, told, strict=True)
        ]
        whole = together([scored_from(figures) for figures in told], out)
        document = {
            "schema": SCHEMA,
            "key": _document(self.folder / "run.json")["key"],
            "run": self.run,
            "name": post.record.name,
            "version": post.record.version,
            "digest": post.record.digest,
            "result": asdict(whole),
            "partitions": files,
        }
        with _draft(manifest_of(out)) as draft:
            draft.write_text(json.dumps(document, default=str, indent=1))
        self.folder.replace(out.resolve())
        _tidy(out)
        return whole

    def result(self, out: Path) -> Scored:
        """What was done, from the manifest."""
        _tidy(out)
        document = _document(manifest_of(out))
        lacking = [one["file"] for one in document["partitions"] if not (self.folder / one["file"]).is_file()]
        if lacking:
            raise Conflict(
                f"{len(lacking)} finished partitions are gone, for example {lacking[0]}.",
                where=str(out),
                next_step="remove the folder and score anew",
            )
        return replace(scored_from(document["result"]), out=out)


def manifest_of(out: Path) -> Path:
    """Beside the output: some readers of a folder stumble over a file that is no Parquet."""
    return out.with_name(f"{out.name}.manifest.json")


def _tidy(out: Path) -> None:
    """Leave nothing but decisions."""
    for path in out.iterdir():
        if path.suffix != ".parquet" or path.name.startswith("."):
            path.unlink()


class _draft:  # noqa: N801 - reads as the context manager that it is
    """A file that takes its name when it is whole and on disk; each writer has its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")

    def __enter__(self) -> Path:
        return self._draft

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            with self._draft.open("rb") as stream:
                os.fsync(stream.fileno())
            self._draft.replace(self._path)
        else:
            self._draft.unlink(missing_ok=True)


def _figures(folder: Path, partition: Partition) -> Path:
    return folder / f"part-{partition.number:06d}.json"


def _document(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _key(partitions: Sequence[Partition], post: Post, told: dict[str, Any]) -> str:
    """What must not have changed for partitions to be taken up again."""
    files = {str(one.path): one.path.stat() for one in partitions}
    seen = [(path, stat.st_size, stat.st_mtime_ns) for path, stat in files.items()]
    text = json.dumps([seen, post.record.version, post.record.digest, post.settings, told], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _check_output(dataset: str, out: Path) -> None:
    if out.suffix in (".csv", ".parquet"):
        raise UsageError(
            "Decisions in partitions are a folder of files.", where=str(out), next_step="name a folder as --out"
        )
    root = Path(dataset).resolve()
    if root.is_dir() and (out.resolve() == root or out.resolve().is_relative_to(root)):
        raise UsageError("The output would lie in the input.", where=str(out), next_step="name another --out")
