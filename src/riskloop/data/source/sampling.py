"""A sample of a table, spread evenly, without loading the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskloop.data.source.written import Source

if TYPE_CHECKING:
    import polars as pl

_ROW = "\0row"


def sampled(scan: pl.LazyFrame, source: Source) -> pl.DataFrame:
    """All rows, or those whose scrambled number (Knuth's multiplicative hash) falls into the wanted share."""
    import polars as pl

    if not source.sample_rows:
        return scan.collect()
    total = scan.select(pl.len()).collect(engine="streaming").item()
    scrambled = (pl.col(_ROW).cast(pl.UInt64) * 2_654_435_761) % 2**32
    chosen = scan.with_row_index(_ROW).filter(scrambled < source.sample_rows / max(total, 1) * 2**32)
    return chosen.drop(_ROW).collect(engine="streaming")


def first_line(error: Exception) -> str:
    """What a library says in its first line."""
    return str(error).strip().split("\n", 1)[0].rstrip(".")
