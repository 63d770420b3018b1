"""Joint drift: a classifier that tries to tell current rows from reference rows (Lopez-Paz and Oquab, 2017)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import Columns, Contract
from riskloop.intervals import Z95, Interval
from riskloop.learn.threads import side_by_side

FOLDS = 5
MOST_ROWS = 10_000
"""Of either side: more tell hardly more, and take longer."""
FEWEST_ROWS = 100
DIFFERENT = 0.55
"""ROC-AUC from which rows are different enough to matter; .5 is a coin."""
_MOST_LEVELS = 250
_MOST_NAMED = 10
_ID_LIKE = 0.99
_MOST_SHUFFLED = 1_000

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ToldApart:
    """How well a classifier tells current rows from reference rows that it has not seen.

    Attributes
    ----------
    roc_auc : Interval
        Out of fold; 95 % (DeLong, 1988). About .5 where nothing moved, not even jointly.
    columns : tuple of (str, float)
        What tells them apart: by how much the ROC-AUC falls where a column is shuffled, the most first.
    left_out : tuple of str
        Columns that tell rows apart by their nature: dates, and numbers that name a row.
    reference_rows, rows : int
    """

    roc_auc: Interval
    columns: tuple[tuple[str, float], ...]
    left_out: tuple[str, ...]
    reference_rows: int
    rows: int

    @property
    def different(self) -> bool:
        """Whether rows are told apart beyond chance, and well enough to matter."""
        return self.roc_auc.low > 0.5 and self.roc_auc.value >= DIFFERENT

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "roc_auc": self.roc_auc.to_dict(),
            "different": self.different,
            "columns": [{"name": name, "fall": fall} for name, fall in self.columns],
            "left_out": list(self.left_out),
            "reference_rows": self.reference_rows,
            "rows": self.rows,
        }


def tell_apart(
    contract: Contract,
    reference: Columns,
    current: Columns,
    *,
    seed: int = 0,
    days: NDArray[np.int64] | None = None,
) -> ToldApart | None:
    """Cross-validate a boosted classifier on the question which rows are current; None of fewer than 100 rows.

    Parameters
    ----------
    reference, current : Columns
        Decoded features, of shape (n,) and (m,).
    days : int array, shape (m,), optional
        The day of each current row: a day is kept within a fold, so that what is peculiar to it is not learnt.
    """
    n, m = (len(next(iter(columns.values()))) if columns else 0 for columns in (reference, current))
    if min(n, m) < FEWEST_ROWS:
        return None
    rng = np.random.default_rng(seed)
    names, left_out = _usable(contract, reference, current)
    if not names:
        return None
    rows = [np.sort(rng.permutation(size)[:MOST_ROWS]) for size in (n, m)]
    x = np.column_stack([np.concatenate([_plain(reference[c])[rows[0]], _plain(current[c])[rows[1]]]) for c in names])
    y = np.repeat([0, 1], [len(rows[0]), len(rows[1])])
    folds = np.concatenate([_folds(len(rows[0]), None, rng), _folds(len(rows[1]), days, rng, rows[1])])
    levels = {column.name: len(column.levels) for column in contract.read if column.type == "category"}
    categories = [0 < levels.get(name, 0) <= _MOST_LEVELS for name in names]
    score, falls = _out_of_fold(x, y, folds, categories, rng)
    order = np.argsort(-falls, kind="stable")[:_MOST_NAMED]
    told = tuple((names[place], float(falls[place])) for place in order if falls[place] > 0)
    return ToldApart(delong(score, y == 1), told, left_out, len(rows[0]), len(rows[1]))


def delong(score: FloatArray, positive: NDArray[np.bool_]) -> Interval:
    """ROC-AUC with its 95 % interval (DeLong et al., 1988)."""
    from scipy.stats import rankdata

    m, n = int(positive.sum()), int((~positive).sum())
    if min(m, n) < 2:
        return Interval(math.nan, math.nan, math.nan)
    every = rankdata(score)
    above = (every[positive] - rankdata(score[positive])) / n
    below = 1 - (every[~positive] - rankdata(score[~positive])) / m
    value = float(above.mean())
    half = Z95 * math.sqrt(float(above.var(ddof=1)) / m + float(below.var(ddof=1)) / n)
    return Interval(value, max(0.0, value - half), min(1.0, value + half))


def _usable(contract: Contract, reference: Columns, current: Columns) -> tuple[list[str], tuple[str, ...]]:
    names, left_out = [], []
    types = {column.name: column.type for column in contract.read}
    for name in contract.features:
        if name not in reference or name not in current:
            continue
        if types[name] == "date" or (types[name] == "number" and _id_like(reference[name])):
            left_out.append(name)
        else:
            names.append(name)
    return names, tuple(left_out)


def _id_like(values: FloatArray) -> bool:
    """Whole numbers of which hardly one occurs twice."""
    present = values[~np.isnan(values)]
    if len(present) < FEWEST_ROWS or not np.all(present == np.round(present)):
        return False
    return len(np.unique(present)) > _ID_LIKE * len(present)


def _plain(values: NDArray[Any]) -> FloatArray:
    made = values.astype(np.float64)
    return np.where(made < 0, np.nan, made) if values.dtype.kind == "i" else made


def _folds(
    rows: int, days: NDArray[np.int64] | None, rng: np.random.Generator, taken: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    blocks = None if days is None or taken is None else np.unique(days[taken], return_inverse=True)[1]
    if blocks is None or int(blocks.max()) + 1 < FOLDS:
        return rng.permutation(rows) % FOLDS
    return np.asarray((rng.permutation(int(blocks.max()) + 1) % FOLDS)[blocks])


def _out_of_fold(
    x: FloatArray, y: NDArray[np.int64], folds: NDArray[np.int64], categories: list[bool], rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Scores of rows by models that have not seen them, and by how much each column's shuffling spoils them."""
    score, falls = np.empty(len(y)), np.zeros(x.shape[1])
    columns = [place for place, category in enumerate(categories) if category]
    orders = [rng.permutation(int((folds == fold).sum()))[:_MOST_SHUFFLED] for fold in range(FOLDS)]

    def fold_of(fold: int, threads: int) -> tuple[FloatArray, FloatArray]:
        held = folds == fold
        model = _fitted(x[~held], y[~held], columns, threads)
        some, seed = orders[fold], np.random.default_rng(fold)
        return _margin(model, x[held]), _falls(model, x[held][some], y[held][some] == 1, seed)

    for fold, (margin, fall) in enumerate(side_by_side(fold_of, range(FOLDS), rows=len(y))):
        score[folds == fold] = margin
        falls += fall / FOLDS
    return score, falls


def _fitted(x: FloatArray, y: NDArray[np.int64], columns: list[int], threads: int) -> Any:
    import lightgbm

    settings = {
        "objective": "binary", "learning_rate": 0.1, "num_leaves": 15, "min_data_in_leaf": 20, "seed": 0,
        "deterministic": True, "force_row_wise": True, "num_threads": threads, "verbosity": -1,
    }  # fmt: skip
    data = lightgbm.Dataset(x, y, categorical_feature=columns, params=settings)
    return lightgbm.train(settings, data, num_boost_round=60)


def _falls(model: Any, x: FloatArray, positive: NDArray[np.bool_], rng: np.random.Generator) -> FloatArray:
    """Fall of the ROC-AUC on held-out rows when each column is shuffled."""
    whole, falls = delong(_margin(model, x), positive).value, []
    for column in range(x.shape[1]):
        other = x.copy()
        other[:, column] = rng.permutation(other[:, column])
        falls.append(whole - delong(_margin(model, other), positive).value)
    return np.nan_to_num(np.array(falls, dtype=np.float64))


def _margin(model: Any, x: FloatArray) -> FloatArray:
    return np.asarray(model.predict(x, raw_score=True, num_threads=1), dtype=np.float64)
