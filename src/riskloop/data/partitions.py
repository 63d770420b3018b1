"""A dataset of Parquet files, cut into partitions that can be read apart from each other, on any machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from riskloop.data.source import locate, read_rows
from riskloop.errors import DataError

if TYPE_CHECKING:
    import polars as pl

ROWS = 200_000
"""Of one partition, about: what is lost with a worker, and what it holds in memory."""


@dataclass(frozen=True, slots=True)
class Partition:
    """Some rows of one file.

    Attributes
    ----------
    number : int
        In the dataset, from 0.
    path : Path
    offset : int
        Rows of the file before the first of them.
    rows : int
    start : int
        Rows of the dataset before the first of them.
    """

    number: int
    path: Path
    offset: int
    rows: int
    start: int

    def read(self) -> pl.DataFrame:
        """The rows, as `riskloop.data.source.read` gives them.

        Raises
        ------
        DataError
            If the file cannot be read, or holds fewer rows than it did.
        """
        frame = read_rows(self.path, self.offset, self.rows)
        if frame.height != self.rows:
            raise DataError(
                "The file has changed since the work began.", where=str(self.path), next_step="begin anew when it rests"
            )
        return frame


def files_of(dataset: str) -> list[Path]:
    """The Parquet files of a folder, at any depth, or of a glob; in the order of their names.

    Names that begin with ``_`` or ``.`` are passed over, as every reader of such folders does.

    Raises
    ------
    DataError
        If there is none, or a file is no Parquet.
    """
    root = Path(dataset)
    if root.is_dir():
        inside = (path.relative_to(root) for path in root.rglob("*.parquet"))
        files = [root / path for path in sorted(inside) if not any(part[0] in "_." for part in path.parts)]
        if not files:
            raise DataError("The folder holds no Parquet file.", where=dataset, next_step="name a folder of .parquet")
    else:
        files = locate(dataset)
    for path in files:
        if path.suffix != ".parquet":
            raise DataError(
                "Datasets in partitions are Parquet.",
                where=str(path),
                next_step="write it as .parquet, or leave out the engine: any table is read on this machine",
            )
    return files


def cut(dataset: str, rows: int = ROWS) -> list[Partition]:
    """The partitions of a dataset, in order; no file is read but for its foot.

    Parameters
    ----------
    dataset : str
        A folder or glob of Parquet files.
    rows : int
        Of one partition, at most.

    Raises
    ------
    DataError
        If there is no Parquet file, one cannot be read, or they hold no rows.
    """
    made: list[Partition] = []
    start = 0
    for path in files_of(dataset):
        height = _height(path)
        parts = -(-height // rows)
        for part in range(parts):
            first, last = height * part // parts, height * (part + 1) // parts
            made.append(Partition(len(made), path.resolve(), first, last - first, start + first))
        start += height
    if not made:
        raise DataError("The dataset holds no rows.", where=dataset, next_step="give files with customers in them")
    return made


def _height(path: Path) -> int:
    import polars as pl

    try:
        return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            f"The Parquet file cannot be read: {str(error).splitlines()[0]}.",
            where=str(path),
            next_step="write it anew",
        ) from error
