"""Rows to compare with, where they can be reached: the training table, else what the ledger held before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import numpy as np
import polars as pl

from riskloop.bundle.bundle import Bundle
from riskloop.data.column import category_text
from riskloop.data.contract import Columns
from riskloop.data.frames import decode_frame
from riskloop.errors import RiskloopError
from riskloop.learn.telling_apart import FEWEST_ROWS, MOST_ROWS
from riskloop.loop.project import Project
from riskloop.loop.table import read_table
from riskloop.loop.watching.seen import MISSING
from riskloop.watch.profile import Profile, Scores


@dataclass(frozen=True, eq=False)
class ReferenceRows:
    """Decoded rows, and where they are from: ``training`` or ``ledger``."""

    columns: Columns
    origin: str

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0


def training_rows(project: Project, bundle: Bundle) -> ReferenceRows | None:
    """The rows of the training table that keep the contract; None where it is not there or of another shape."""
    try:
        frame = read_table(project, project.source, bundle.linked).frame
        decoded = decode_frame(bundle.contract, frame)
    except (RiskloopError, OSError, pl.exceptions.PolarsError):
        return None
    kept = ~decoded.broken()
    return ReferenceRows({name: values[kept] for name, values in decoded.columns.items()}, "training")


def earlier_rows(project: Project, version: int, bundle: Bundle, before: datetime) -> ReferenceRows | None:
    """What the ledger held of a version before a moment; None of fewer than 100 rows."""
    first = project.ledger.first_at()
    if first is None or first >= before:
        return None
    rows = [one.features for one in islice(project.ledger.within(version, first, before), MOST_ROWS)]
    if len(rows) < FEWEST_ROWS:
        return None
    return ReferenceRows(bundle.contract.decode_kept(rows).columns, "ledger")


def by_level(bundle: Bundle, reference: Profile, rows: ReferenceRows, column: str) -> dict[str, Profile]:
    """For every level of a category column, the profile of its rows, without scores."""
    nobody = np.zeros(0)
    scores = Scores(nobody, nobody.astype(bool), nobody.astype(bool), nobody)
    levels = next(one.levels for one in bundle.contract.read if one.name == column)
    codes, found = rows.columns[column], {}
    for code in np.unique(codes).tolist():
        chosen = codes == code
        level = MISSING if code < 0 else levels[code] if code < len(levels) else None
        if level is not None:
            some = {name: values[chosen] for name, values in rows.columns.items()}
            found[category_text(level) or MISSING] = reference.measure(some, scores)
    return found
