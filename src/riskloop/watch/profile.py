"""The Profile: a summary of columns and scores that stands for the training rows, and holds none of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import Column, Columns, Contract

FloatArray = NDArray[np.float64]
BINS = 20


def profile(contract: Contract, columns: Columns, probability: FloatArray, act: NDArray[np.bool_]) -> dict[str, Any]:
    """Summarise n rows.

    Parameters
    ----------
    contract : Contract
    columns : Columns
        Decoded features, arrays of shape (n,).
    probability : float array, shape (n,)
        Scores of the same rows, out of fold when they are training rows.
    act : bool array, shape (n,)
        Decisions.

    Returns
    -------
    dict
        Plain JSON values: per number its share missing, mean, standard deviation, minimum, maximum, quantile edges
        and counts between them; per category the count of every level; the score likewise; the share acted on.
    """
    return {
        "rows": len(probability),
        "columns": {column.name: _column(column, columns[column.name]) for column in contract.used},
        "score": _number(probability),
        "act_rate": _share(act),
    }


def _column(column: Column, values: NDArray[Any]) -> dict[str, Any]:
    return _category(column, values) if column.type == "category" else _number(values)


def _number(values: FloatArray) -> dict[str, Any]:
    present = values[~np.isnan(values)]
    summary: dict[str, Any] = {"type": "number", "missing": _share(np.isnan(values))}
    if not len(present):
        return summary
    edges = np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1]))
    counts = np.bincount(np.searchsorted(edges, present, side="left"), minlength=len(edges) + 1)
    return summary | {
        "mean": float(present.mean()),
        "std": float(present.std(ddof=1)) if len(present) > 1 else 0.0,
        "minimum": float(present.min()),
        "maximum": float(present.max()),
        "edges": edges.tolist(),
        "counts": counts.tolist(),
    }


def _category(column: Column, codes: NDArray[np.int32]) -> dict[str, Any]:
    counts = np.bincount(codes[codes >= 0], minlength=len(column.levels) + 1)
    return {
        "type": "category",
        "missing": _share(codes < 0),
        "counts": {level: int(count) for level, count in zip(column.levels, counts, strict=False)},
        "unknown": int(counts[len(column.levels) :].sum()),
    }


def _share(mask: NDArray[np.bool_]) -> float:
    """Of no rows, none."""
    return float(mask.mean()) if len(mask) else 0.0
