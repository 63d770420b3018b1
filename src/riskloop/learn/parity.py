"""What the training library itself predicts, to hold the exported model against."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.errors import DataError
from riskloop.scorer.forest import Forest
from riskloop.scorer.linear import Linear

FloatArray = NDArray[np.float64]
_SMALLEST = 1e-12


def shortened(estimator: Any, rounds: int) -> Any:
    """A booster of LightGBM or XGBoost as it was after so many rounds."""
    if type(estimator).__module__.partition(".")[0] == "xgboost":
        return estimator[:rounds]
    import lightgbm

    return lightgbm.Booster(model_str=estimator.model_to_string(num_iteration=rounds))


def library_margin(estimator: Any, matrix: FloatArray, categorical: list[int]) -> FloatArray:
    """Log-odds, shape (n,), by the library's own prediction.

    Parameters
    ----------
    estimator : fitted estimator
        Of a family in `riskloop.learn.candidates`.
    matrix : float array, shape (n, p)
    categorical : list of int
        Matrix columns that hold category codes.

    Raises
    ------
    DataError
        For an estimator that gives no log-odds.
    """
    if isinstance(estimator, (Linear, Forest)):  # riskloop's own: there is no other library to compare with
        return estimator.margin(matrix)
    home = type(estimator).__module__.partition(".")[0]
    if home == "lightgbm":
        return np.asarray(estimator.predict(matrix, raw_score=True), dtype=np.float64)
    if home == "xgboost":
        import xgboost

        kinds = ["c" if position in categorical else "q" for position in range(matrix.shape[1])]
        rows = xgboost.DMatrix(matrix, feature_types=kinds, enable_categorical=True)
        return np.asarray(estimator.predict(rows, output_margin=True), dtype=np.float64)
    if home == "catboost":
        return np.asarray(estimator.predict(matrix, prediction_type="RawFormulaVal"), dtype=np.float64)
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(matrix), dtype=np.float64)
    if hasattr(estimator, "predict_proba"):
        probability: FloatArray = np.clip(estimator.predict_proba(matrix)[:, 1], _SMALLEST, 1 - _SMALLEST)
        return np.asarray(np.log(probability) - np.log1p(-probability))
    raise DataError(f"A {type(estimator).__name__} gives no log-odds.", where="parity")
