"""Evidently's own drift report, about the rows we watch. The only module that knows Evidently.

Evidently takes seconds to import, so it is when a report is asked for. It can tell its makers about its use; that is
switched off before. Its page carries its libraries and fonts within it, and is told to load nothing from elsewhere.
"""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from riskloop.data.contract import Column, Columns, Contract
from riskloop.errors import DataError, MissingExtra, RiskloopError
from riskloop.report.files import write_whole

if TYPE_CHECKING:
    import pandas as pd

ROWS = 20_000
"""Most rows of either side that Evidently is given: it takes 26 s or more for a million."""
SILENCE = ("DO_NOT_TRACK", "ITERATIVE_DO_NOT_TRACK", "EVIDENTLY_DISABLE_TELEMETRY")
_ALONE = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline' "
    "'unsafe-eval'; style-src 'unsafe-inline'; font-src data:; img-src data: blob:\">"
)


@dataclass(frozen=True)
class EvidentlyReport:
    """What Evidently wrote.

    Attributes
    ----------
    files : mapping of str to Path
        ``html`` and ``json``.
    evidently : str
        Its version.
    reference_rows, rows : int
        That it was given.
    left_out : tuple of str
        Columns that it was not: personal ones, and such as hold no value on one of the sides, at which it stops.
    """

    files: Mapping[str, Path]
    evidently: str
    reference_rows: int
    rows: int
    left_out: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "engine": "evidently",
            "version": self.evidently,
            "files": {kind: str(path) for kind, path in self.files.items()},
            "reference_rows": self.reference_rows,
            "rows": self.rows,
            "left_out": list(self.left_out),
        }


def require_evidently() -> SimpleNamespace:
    """Its names, with everything silenced that it could send.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    for name in SILENCE:
        os.environ[name] = "1"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from evidently import DataDefinition, Dataset, Report, __version__
            from evidently.presets import DataDriftPreset
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "Evidently's report is asked for, and Evidently is not installed.",
            where="--engine evidently",
            next_step="pip install 'riskloop[evidently]', or leave out --engine",
        ) from error
    return SimpleNamespace(
        DataDefinition=DataDefinition, Dataset=Dataset, Report=Report, Preset=DataDriftPreset, version=__version__
    )


def write_evidently(
    contract: Contract, reference: Columns, current: Columns, folder: Path, stem: str
) -> EvidentlyReport:
    """Write ``stem.html`` and ``stem.json``: Evidently's drift preset with its defaults, about these rows.

    Parameters
    ----------
    contract : Contract
    reference, current : Columns
        Decoded, of shape (n,) and (m,). What they have in common is compared.
    folder : Path
    stem : str

    Raises
    ------
    MissingExtra
        If Evidently is not installed.
    DataError
        If no column is left to compare.
    RiskloopError
        If Evidently gives up, or the files cannot be written.
    """
    evidently = require_evidently()
    shared = [column for column in contract.read if column.name in reference and column.name in current]
    kept = [one for one in shared if not one.personal and _some(reference[one.name]) and _some(current[one.name])]
    left_out = tuple(column.name for column in contract.read if column not in kept)
    if not kept:
        raise DataError(
            "No column is left that Evidently can compare.",
            where=stem,
            next_step="leave out --engine: our own report says what is missing",
        )
    before, now = _table(kept, reference), _table(kept, current)
    page, told = _run(evidently, kept, before, now)
    names = {"html": f"{stem}.html", "json": f"{stem}.json"}
    document = {"evidently": evidently.version, "rows": len(now), "reference_rows": len(before), **told}
    write_whole(folder, {names["html"]: page, names["json"]: json.dumps(document, indent=1, allow_nan=False) + "\n"})
    files = {kind: folder / name for kind, name in names.items()}
    return EvidentlyReport(files, evidently.version, len(before), len(now), left_out)


def _some(values: np.ndarray[Any, Any]) -> bool:
    return bool((~np.isnan(values)).any() if values.dtype.kind == "f" else (values >= 0).any())


def _table(kept: list[Column], columns: Columns) -> pd.DataFrame:
    """Numbers as they are, categories in words; a level the contract does not know is one of its own."""
    import pandas as pd

    made: dict[str, Any] = {}
    for column in kept:
        values = columns[column.name]
        if column.type == "category":
            words = np.array([*column.levels, "(unknown)", None], dtype=object)
            made[column.name] = words[values]  # missing is -1, which is the last
        else:
            made[column.name] = values
    return pd.DataFrame(made)


def _run(
    evidently: SimpleNamespace, kept: list[Column], reference: pd.DataFrame, current: pd.DataFrame
) -> tuple[str, dict[str, Any]]:
    numbers = [column.name for column in kept if column.type != "category"]
    categories = [column.name for column in kept if column.type == "category"]
    definition = evidently.DataDefinition(numerical_columns=numbers, categorical_columns=categories)
    sides = [evidently.Dataset.from_pandas(one, data_definition=definition) for one in (current, reference)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's, where a column is constant or a batch is one row
            made = evidently.Report([evidently.Preset()]).run(*sides)
            page, told = made.get_html_str(as_iframe=False), json.loads(made.json(), parse_constant=_undefined)
    except Exception as error:
        raise RiskloopError(
            f"Evidently {evidently.version} gave up: {type(error).__name__}: {error}",
            where="--engine evidently",
            next_step="leave out --engine: our own report is written",
        ) from error
    return page.replace("<head>", "<head>" + _ALONE, 1), {key: _plain(value) for key, value in told.items()}


def _undefined(_name: str) -> None:
    """NaN and infinity are not JSON."""


def _plain(value: Any) -> Any:
    """The same without numbers that JSON lacks, which Evidently also hides in text."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
