"""The model script that MLflow runs: a bundle as an ordinary pyfunc (models from code; nothing is pickled)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from riskloop.bundle.bundle import Bundle
from riskloop.bundle.load import load
from riskloop.errors import ContractError


class RiskloopModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Answers a table of customers with probability and decision, by the same bundle that the service loads."""

    bundle: Bundle

    def load_context(self, context: Any) -> None:
        """See MLflow."""
        self.bundle = load(Path(context.artifacts["bundle"]), context.model_config["trusted"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        """Columns ``probability`` and ``decision``, one row per customer."""
        rows: list[dict[str, Any]] = model_input.astype(object).where(model_input.notna(), None).to_dict("records")  # type: ignore[assignment]
        probability, decoded = self.bundle.score(rows, typed=False)
        if decoded.breaches:
            breach = decoded.breaches[0]
            raise ContractError(f"{breach.message} (row {breach.rows[0]}).", where=f"column {breach.column!r}")
        decisions = self.bundle.policy.decide_many(probability, self.bundle.policy.costs.of(decoded.columns))
        return pd.DataFrame(
            {"probability": probability, "decision": decisions.decision.astype(str)}, index=model_input.index
        )


mlflow.models.set_model(RiskloopModel())
