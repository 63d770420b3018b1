"""RiskClassifier: riskloop's learning as a scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from riskloop.data.contract import Column, Columns, Contract
from riskloop.data.split import folds as make_folds
from riskloop.decide.prices import check_priced, declare
from riskloop.learn.block import Block
from riskloop.learn.candidates.families import select_blends, select_candidates
from riskloop.learn.plan import Plan
from riskloop.learn.refitting import refit
from riskloop.learn.selecting import select


class RiskClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Cross-fitted choice among families, calibration and a priced threshold, behind ``fit`` and ``predict_proba``.

    Parameters
    ----------
    candidates : sequence of str
        Families to compare, see `riskloop.learn.candidates.families.FAMILIES`.
    cost_fp, cost_fn : float or str
        Cost of a needless action and of a missed positive, in any one currency; an amount, or arithmetic over the
        frame's columns such as ``"0.6 * loan"``. The positive class is ``classes_[1]``.
    folds : int
        Cross-validation folds, at most; fewer when a class is small.
    seed : int

    Attributes
    ----------
    classes_ : array, shape (2,)
    scorer_ : Scorer
        What serves: contract, encoding, plain-array model, calibration.
    policy_ : Policy
        The threshold of `predict`.
    choice_ : Choice
        The family chosen and why.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(400, 3))
    >>> model = RiskClassifier(cost_fn=10).fit(X, X[:, 0] > 0.5)
    >>> model.choice_.chosen.name
    'logistic_regression'
    """

    def __init__(
        self,
        candidates: Sequence[str] = ("logistic_regression",),
        cost_fp: float | str = 1.0,
        cost_fn: float | str = 1.0,
        folds: int = 5,
        seed: int = 42,
    ) -> None:
        self.candidates = candidates
        self.cost_fp = cost_fp
        self.cost_fn = cost_fn
        self.folds = folds
        self.seed = seed

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Learn from a matrix of numbers, or a data frame of numbers and categories, of n rows.

        Raises
        ------
        ValueError
            If y is not binary, or X and y do not fit together.
        """
        X, y = self._checked(X, y)
        outcome = y == self.classes_[1]
        contract = _contract(X)
        rarer = int(min(outcome.sum(), (~outcome).sum()))
        if rarer < 2:
            raise ValueError(f"The rarer class has {rarer} row; with n_samples={len(outcome)} nothing can be held out.")
        plan = Plan(
            select_candidates(list(self.candidates), len(outcome)),
            declare(fp=self.cost_fp, fn=self.cost_fn),
            select_blends(list(self.candidates)),
            folds=min(self.folds, rarer),
            seed=self.seed,
        )
        fold = make_folds(outcome, np.arange(len(outcome)), count=plan.folds, seed=plan.seed)
        block = Block(contract, _columns(contract, X), outcome, fold)
        check_priced(plan.costs, plan.costs_of(block.columns))
        self.choice_, contenders = select(block, plan)
        self.scorer_ = refit(block, plan, self.choice_.chosen, contenders).scorer
        self.policy_ = self.choice_.chosen.policy
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Calibrated probabilities, shape (n, 2), in the order of ``classes_``."""
        check_is_fitted(self)
        positive = self.scorer_.probability(_columns(self.scorer_.contract, self._checked_again(X)))
        return np.column_stack([1 - positive, positive])

    def predict(self, X: Any) -> NDArray[Any]:
        """The class whose choice is cheaper in expectation, shape (n,)."""
        check_is_fitted(self)
        columns = _columns(self.scorer_.contract, self._checked_again(X))
        act = self.policy_.act(self.scorer_.probability(columns), self.policy_.costs.of(columns))
        labels: NDArray[Any] = self.classes_[act.astype(int)]
        return labels

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def _checked(self, X: Any, y: ArrayLike) -> tuple[Any, NDArray[Any]]:
        if _is_frame(X):
            validate_data(self, X, skip_check_array=True)
            labels = np.asarray(y)
        else:
            X, labels = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2)
        check_classification_targets(labels)
        kind = type_of_target(labels, input_name="y", raise_unknown=True)
        if kind != "binary":
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        self.classes_ = np.unique(labels)
        if len(self.classes_) < 2:
            raise ValueError("Classifier can't train when only one class is present.")
        return X, labels

    def _checked_again(self, X: Any) -> Any:
        if _is_frame(X):
            validate_data(self, X, reset=False, skip_check_array=True)
            return X
        return validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)


def _is_frame(X: Any) -> bool:
    """A data frame of pandas or polars with named columns, some of which are no numbers."""
    return hasattr(X, "columns") and not all(_is_number(X[name]) for name in X.columns)


def _is_number(series: Any) -> bool:
    return bool(getattr(series.dtype, "kind", None) in tuple("iuf") or getattr(series.dtype, "is_numeric", bool)())


def _names(X: Any) -> list[str]:
    return [str(name) for name in X.columns] if hasattr(X, "columns") else [f"x{i}" for i in range(X.shape[1])]


def _contract(X: Any) -> Contract:
    """Every column nullable and open to new categories: a library user has no other gate."""
    columns = []
    for position, name in enumerate(_names(X)):
        if not hasattr(X, "columns") or _is_number(X[X.columns[position]]):
            columns.append(Column(name, nullable=True))
        else:
            texts = _texts(X[X.columns[position]])
            levels = tuple(sorted({text for text in texts if text is not None}))
            columns.append(Column(name, "category", levels=levels, nullable=True, unknown="bin"))
    return Contract(tuple(columns), tuple(column.name for column in columns))


def _texts(series: Any) -> list[str | None]:
    return [None if value is None or value != value else str(value) for value in series.to_list()]


def _columns(contract: Contract, X: Any) -> Columns:
    columns: Columns = {}
    for position, column in enumerate(contract.used):
        values = X[X.columns[position]] if hasattr(X, "columns") else X[:, position]
        if column.type == "number":
            columns[column.name] = np.array(values, dtype=np.float64)
        else:
            known = column.codes
            codes = [-1 if text is None else known.get(text, len(known)) for text in _texts(values)]
            columns[column.name] = np.array(codes, dtype=np.int32)
    return columns
