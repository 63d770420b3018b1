"""Files that grow chunk by chunk, and a folder that appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

import polars as pl

from riskloop.errors import UsageError

MANIFEST = "simulation.json"


class _GrowingFile(Protocol):
    """A table on disk: all appended frames have the same columns; close it before reading."""

    def append(self, frame: pl.DataFrame) -> None: ...

    def close(self) -> None: ...


class _Csv:
    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self._begun = False

    def append(self, frame: pl.DataFrame) -> None:
        frame.write_csv(self._file, include_header=not self._begun)
        self._begun = True

    def close(self) -> None:
        self._file.close()


class _Parquet:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def append(self, frame: pl.DataFrame) -> None:
        import pyarrow.parquet as pq  # type: ignore[import-untyped, unused-ignore]

        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        self._writer = self._writer or pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class TableFolder:
    """Tables in one folder, written chunk by chunk; the suffix of a name says the format."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: dict[str, _GrowingFile] = {}
        self._rows: dict[str, int] = {}

    def append(self, name: str, frame: pl.DataFrame) -> None:
        """Add rows to the file of that name, relative to the folder."""
        if name not in self._open:
            path = self._root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open[name] = _Parquet(path) if path.suffix == ".parquet" else _Csv(path)
        self._open[name].append(frame)
        self._rows[name] = self._rows.get(name, 0) + frame.height

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._open.values():
            file.close()

    def files(self) -> dict[str, dict[str, Any]]:
        """Rows and SHA-256 of each file, once closed."""
        return {name: {"rows": rows, "sha256": _sha256(self._root / name)} for name, rows in self._rows.items()}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refuse_to_overwrite(out: Path) -> None:
    """Raise UsageError if writing a simulation to ``out`` would destroy anything but an earlier simulation."""
    if not out.exists():
        return
    if not out.is_dir():
        raise UsageError(f"{out.name!r} is a file.", where=str(out), next_step="name a folder")
    if Path.cwd().is_relative_to(out):
        raise UsageError(
            "A simulation replaces its folder, and this is the one you are in.",
            where=str(out),
            next_step="name a folder inside it",
        )
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir()}
    foreign = sorted(files - _written_before(out))
    if foreign:
        raise UsageError(
            f"The folder holds {len(foreign)} files that are no simulation, such as {foreign[0]!r}.",
            where=str(out),
            next_step="name a new or empty folder",
        )


def _written_before(out: Path) -> set[str]:
    try:
        manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        return {MANIFEST, *manifest["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def swap_in(fresh: Path, out: Path, replaced: Path) -> None:
    """Put ``fresh`` in the place of ``out``; what was there moves to ``replaced``, or back if that fails."""
    if not out.exists():
        fresh.rename(out)
        return
    out.rename(replaced)
    try:
        fresh.rename(out)
    except OSError:
        replaced.rename(out)
        raise
