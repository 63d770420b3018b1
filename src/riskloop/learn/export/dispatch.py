"""From a fitted model of any supported library to the plain arrays that serve it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from riskloop.errors import DataError
from riskloop.learn.export import catboost, ebm, lightgbm, linear, sklearn, xgboost
from riskloop.scorer.forest import Forest
from riskloop.scorer.linear import Linear
from riskloop.scorer.scorer import Model

# By name, so that no library is imported to export the model of another.
_EXPORTERS: dict[str, Callable[[Any], Model]] = {
    "lightgbm.Booster": lightgbm.booster,
    "lightgbm.LGBMClassifier": lightgbm.classifier,
    "xgboost.Booster": xgboost.booster,
    "xgboost.XGBClassifier": xgboost.classifier,
    "catboost.CatBoostClassifier": catboost.classifier,
    "interpret.ExplainableBoostingClassifier": ebm.classifier,
    "sklearn.DecisionTreeClassifier": sklearn.decision_tree,
    "sklearn.ExtraTreesClassifier": sklearn.random_forest,
    "sklearn.GradientBoostingClassifier": sklearn.gradient_boosting,
    "sklearn.HistGradientBoostingClassifier": sklearn.hist_gradient_boosting,
    "sklearn.LogisticRegression": linear.logistic_regression,
    "sklearn.RandomForestClassifier": sklearn.random_forest,
}


def export(model: Any) -> Model:
    """The model's trees in the one form that is served, with the model's own raw margin.

    Categorical columns of the matrix hold the codes the model was trained on; NaN is missing.

    Parameters
    ----------
    model : object
        A fitted model of two classes, or a subclass of one; a model in its served form is returned as it is.

    Raises
    ------
    DataError
        If the model is of another kind, or uses something that has no place in a Forest.
    """
    if isinstance(model, (Linear, Forest)):
        return model
    for kind in type(model).__mro__:
        exporter = _EXPORTERS.get(f"{kind.__module__.split('.')[0]}.{kind.__name__}")
        if exporter:
            return exporter(model)
    raise DataError(
        f"A {type(model).__name__} cannot be exported.", next_step=f"use one of {', '.join(sorted(_EXPORTERS))}"
    )
