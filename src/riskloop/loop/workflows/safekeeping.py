"""`riskloop backup` and `riskloop restore`: the whole state of a project in one file, and back, on any database."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from riskloop.errors import Conflict, DataError, RiskloopError, UsageError
from riskloop.loop.project import Project
from riskloop.settings import FILE

FORMAT = 1
_MANIFEST = "manifest.json"
_STATE = ("bundles", "keys", "reports", "trainings", "mlartifacts", "spool")
"""Folders of the state; what is not here is made again."""
_MLFLOW = "mlflow.db"


@dataclass(frozen=True)
class BackedUp:
    """A backup that was made or restored.

    Attributes
    ----------
    path : str
        The file.
    made_at : datetime
    rows : dict of str to int
        By table.
    files : int
        Beside the tables.
    size : int
        Bytes of the backup.
    left_out : tuple of str
        What lies elsewhere and needs a backup of its own.
    """

    path: str
    made_at: datetime
    rows: dict[str, int]
    files: int
    size: int
    left_out: tuple[str, ...]


def backup(project: Project, out: Path, *, keys: bool = True) -> BackedUp:
    """Write the whole state of a project into one file, readable by its owner only; the service may go on meanwhile.

    It holds customers' data, and the signing key unless told otherwise: keep it as you keep the database.

    Parameters
    ----------
    keys : bool
        Whether the signing key goes with it; without it a restored project can serve, and not train.

    Raises
    ------
    UsageError
        If the file exists, or lies within the state.
    Unavailable
        If the database is away.
    RiskloopError
        If the file cannot be written.
    """
    from riskloop.keep.copying import dump

    state = project.locations.state
    if out.exists():
        raise UsageError("There is such a file already.", where=str(out), next_step="name another one")
    if out.resolve().is_relative_to(state):
        raise UsageError(
            "A backup does not belong in the state it saves.", where=str(out), next_step="put it elsewhere"
        )
    with _draft(out) as draft, tempfile.TemporaryDirectory(dir=out.resolve().parent, prefix=".backup-") as scratch:
        folder = Path(scratch)
        # Tables first: what they name (bundles, reports) is never removed, so that it is there when files are read.
        (folder / "tables").mkdir()
        rows = dump(project.engine, lambda name: (folder / "tables" / f"{name}.jsonl").open("wb"))
        files = dict(_files(project, folder, keys=keys))
        tables = {f"tables/{name}.jsonl": folder / "tables" / f"{name}.jsonl" for name in rows}
        left_out = _left_out(project)
        made_at = project.clock()
        manifest = {
            "format": FORMAT,
            "project": project.name,
            "made_at": made_at.isoformat(),
            "rows": rows,
            "left_out": left_out,
            "files": {name: _sha256(path) for name, path in (tables | files).items()},
        }
        (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1))
        with tarfile.open(draft, "w:gz", compresslevel=3) as archive:
            for name, path in ({_MANIFEST: folder / _MANIFEST} | tables | files).items():
                archive.add(path, name, recursive=False)
    return BackedUp(str(out), made_at, rows, len(files), out.stat().st_size, left_out)


def restore(path: Path, folder: Path, open_here: Callable[[Path], Project]) -> BackedUp:
    """Make a project of a backup: in a folder where there is none, and a database that is empty.

    Every file is held against its hash, the promotion log against its chain, and the champion's bundle against its
    signature before the project counts as restored; files of a restore that failed are removed.

    Parameters
    ----------
    open_here : callable
        Opens the project of a folder; its database may be another than the one that was saved.

    Raises
    ------
    Conflict
        If there is a project, or something in the database.
    DataError
        If the file is no backup, or was altered.
    Unavailable
        If the database is away.
    """
    from riskloop.keep.copying import fill

    if (folder / FILE).exists() or (folder / ".riskloop").exists():
        raise Conflict("There is a project here already.", where=str(folder), next_step="name an empty folder")
    with _unpacked(path, folder) as (unpacked, manifest):
        for name in ("project", "state"):
            if (unpacked / name).is_dir():
                shutil.copytree(
                    unpacked / name, folder / ("" if name == "project" else ".riskloop"), dirs_exist_ok=True
                )
        (folder / ".riskloop").mkdir(exist_ok=True)
        (folder / ".riskloop").chmod(0o700)
        project = open_here(folder)
        rows = fill(project.engine, lambda name: _read_lines(unpacked / "tables" / f"{name}.jsonl"), manifest["rows"])
        if rows != manifest["rows"]:
            raise DataError("The backup does not hold the rows that it names.", where=str(path))
        verified = project.promotions.verify()
        if not verified.ok:
            raise DataError(f"The promotion log is broken: {verified.why}.", where=str(path))
        if project.promotions.state().champion is not None:
            project.bundle()
        project.engine.dispose()
    files = sum(not name.startswith("tables/") for name in manifest["files"])
    made_at = datetime.fromisoformat(manifest["made_at"])
    return BackedUp(str(path), made_at, rows, files, path.stat().st_size, tuple(manifest["left_out"]))


def _files(project: Project, scratch: Path, *, keys: bool) -> Iterator[tuple[str, Path]]:
    for path in sorted(project.folder.glob("*.yaml")):
        yield f"project/{path.name}", path
    state = project.locations.state
    for folder in _STATE:
        for path in sorted((state / folder).rglob("*")):
            secret = folder == "keys" and path.suffix != ".pub"
            if path.is_file() and not path.is_symlink() and (keys or not secret):
                yield f"state/{path.relative_to(state).as_posix()}", path
    store = state / _MLFLOW
    if store.is_file():
        with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(scratch / _MLFLOW)) as copy:
            source.backup(copy)
        yield f"state/{_MLFLOW}", scratch / _MLFLOW


def _left_out(project: Project) -> tuple[str, ...]:
    places = project.locations
    found = []
    if not places.tracking_uri.startswith("sqlite:"):
        found.append("MLflow: " + make_url(places.tracking_uri).render_as_string(hide_password=True))
    found.append(f"training data: {project.settings.data.path}")
    return tuple(found)


@contextmanager
def _draft(out: Path) -> Iterator[Path]:
    draft = out.with_name(f".{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        yield draft
        draft.replace(out)
    except OSError as error:
        raise RiskloopError(
            f"The backup cannot be written: {error.strerror}.", where=str(out), next_step="free space, check the rights"
        ) from error
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _unpacked(path: Path, folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The files of a backup, each held against its hash; on failure nothing of them stays in the project's folder."""
    before = set(folder.iterdir()) if folder.exists() else None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.resolve().parent, prefix=".restore-") as scratch:
            yield Path(scratch), _extract(path, Path(scratch))
    except BaseException:
        for made in set(folder.iterdir()) - (before or set()):
            shutil.rmtree(made, ignore_errors=True) if made.is_dir() else made.unlink()
        if before is None:
            folder.rmdir()
        raise


def _extract(path: Path, into: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataError("No such file.", where=str(path), next_step="name what `riskloop backup` wrote")
    try:
        with tarfile.open(path, "r:gz") as archive:
            archive.extractall(into, filter="data")
        manifest = json.loads((into / _MANIFEST).read_text())
        files, written = manifest["files"], manifest["format"]
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"This is no backup of riskloop, or a damaged one: {error}.", where=str(path), next_step="take another one"
        ) from error
    if written != FORMAT:
        raise DataError(
            f"The backup is of format {written}, not {FORMAT}.", where=str(path), next_step="use the riskloop it is of"
        )
    there = {one.relative_to(into).as_posix() for one in into.rglob("*") if one.is_file()} - {_MANIFEST}
    altered = sorted(there ^ set(files)) or [name for name, hashed in files.items() if _sha256(into / name) != hashed]
    if altered:
        raise DataError(f"The backup was altered: {altered[0]}.", where=str(path), next_step="take another one")
    return dict(manifest)


def _read_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as lines:
        yield from lines


def _sha256(path: Path) -> str:
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
