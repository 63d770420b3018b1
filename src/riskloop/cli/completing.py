"""What a shell may offer for a value: read from small files, so that nobody waits for a key.

Nothing here imports more than the standard library, raises, or changes anything; where the project cannot be read,
there is nothing to offer.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import typer

CANDIDATES = (
    *("logistic_regression", "scorecard", "gam", "lightgbm", "xgboost", "catboost", "hist_gradient_boosting"),
    *("gradient_boosting", "decision_tree", "random_forest", "ebm", "blend", "stack", "voting", "distilled"),
)
METRICS = (
    *("accuracy", "precision", "recall", "f1", "roc_auc", "pr_auc", "brier", "log_loss", "ks", "gini", "lift_10"),
    *("calibration_error", "calibration_slope", "calibration_intercept", "cost_per_thousand", "act_rate", "composite"),
)
SCENARIOS = ("churn", "loan")
_STATE = Path(".riskloop") / "riskloop.db"
_CONTRACT = "contract.yaml"
_COLUMN = re.compile(r"^  (?:'([^']+)'|\"([^\"]+)\"|([^\s#'\"][^:]*)):")


def versions(context: typer.Context, incomplete: str) -> list[str]:
    """Numbers of the versions, the newest first."""
    return [name for name in _versions(_folder(context)) if name.startswith(incomplete)]


def columns(context: typer.Context, incomplete: str) -> list[str]:
    """Columns of the contract; of a list a,b the last."""
    return _last_of_list(incomplete, _columns(_folder(context)))


def changes(context: typer.Context, incomplete: str) -> list[str]:
    """Columns of the contract, to be given a value."""
    return [f"{name}=" for name in _columns(_folder(context)) if name.startswith(incomplete)]


def candidates(incomplete: str) -> list[str]:
    """Families and blends; of a list a,b the last."""
    return _last_of_list(incomplete, CANDIDATES)


def metrics(incomplete: str) -> list[str]:
    """Metrics to sort by."""
    return [name for name in METRICS if name.startswith(incomplete)]


def scenarios(incomplete: str) -> list[str]:
    """Scenarios of simulated customers."""
    return [name for name in SCENARIOS if name.startswith(incomplete)]


def _last_of_list(incomplete: str, names: Iterable[str]) -> list[str]:
    before, comma, last = incomplete.rpartition(",")
    taken = set(before.split(","))
    return [f"{before}{comma}{name}" for name in names if name.startswith(last) and name not in taken]


def _folder(context: typer.Context) -> Path:
    return Path(context.params.get("project") or ".")


def _versions(folder: Path) -> list[str]:
    if os.environ.get("RISKLOOP_DATABASE_URL") or not (folder / _STATE).is_file():
        return []
    address = f"{(folder / _STATE).resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=0.1)) as connection:
            rows = connection.execute("SELECT version FROM versions ORDER BY version DESC").fetchall()
    except sqlite3.Error:
        return []
    return [str(version) for (version,) in rows]


def _columns(folder: Path) -> Iterator[str]:
    try:
        lines = (folder / _CONTRACT).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError):
        return
    within = False
    for line in lines:
        if line and not line[0].isspace():
            within = line.startswith("columns:")
        elif within and (found := _COLUMN.match(line)):
            yield next(name for name in found.groups() if name)
