"""Leakage: columns that know the outcome because they were written after it, or by another model."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import MISSING_CODE, Columns, Contract
from riskloop.findings import Finding

BLOCKING_AUC = 0.998
SUSPECT_AUC = 0.95
MODEL_AUC = 0.8
AFTERWARDS_AUC = 0.65
"""A name alone proves nothing (`collections_last_year` may be known in time): it must also tell something."""
ID_AUC = 0.7
ORDER_AUC = 0.6
SORTED_AUC = 0.95

_MODEL_NAME = re.compile(
    r"(classifier|naive_?bayes|predict|proba|logit|score_?(hat|model)|model_?score|_pred$)", re.IGNORECASE
)
_AFTERWARDS_NAME = re.compile(
    r"(churn_?(date|reason)|cancel\w*_?(date|reason)|clos(ed|ing)_?date|recover(y|ies)|collection|charge_?off|"
    r"write_?off|exit_?(date|reason)|after_?default)",
    re.IGNORECASE,
)


def auc(outcome: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """ROC-AUC with ties counted half (Mann-Whitney)."""
    order = np.argsort(score, kind="stable")
    ranked, positive = score[order], outcome[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    sizes = np.diff(np.r_[starts, len(ranked)])
    mean_rank = starts + (sizes + 1) / 2
    positives = np.add.reduceat(positive.astype(np.int64), starts)
    total, negatives = int(positives.sum()), int(len(outcome) - positives.sum())
    if not total or not negatives:
        return 0.5
    return float(((mean_rank * positives).sum() - total * (total + 1) / 2) / (total * negatives))


def find_leakage(
    contract: Contract,
    columns: Columns,
    outcome: NDArray[np.bool_],
    *,
    ids: NDArray[np.float64] | None = None,
    allowed: Iterable[str] = (),
    in_time_order: bool = False,
    seed: int = 0,
) -> list[Finding]:
    """Look at every feature alone, at the ids and at the order of the rows.

    Parameters
    ----------
    contract : Contract
    columns : Columns
        Decoded features, arrays of shape (n,).
    outcome : bool array, shape (n,)
    ids : float array, shape (n,), optional
        The ids, or their places in the alphabet.
    allowed : iterable of str
        Columns the user keeps in spite of a finding: reported as warnings.
    in_time_order : bool
        The rows are known to be in time order and are split so: an order that follows the outcome is then expected.
    seed : int
        For the halves on which categories are scored.

    Returns
    -------
    list of Finding
        ``error`` where learning must stop until the column is dropped or allowed.
    """
    kept = set(allowed)
    findings: list[Finding] = []
    for name in contract.features:
        found = _column_finding(name, as_score(contract, name, columns, outcome, seed), outcome)
        if (found is None or found.severity != "error") and _tells_by_absence(columns[name], outcome):
            found = _absence(name)
        if found is not None:
            findings.append(_allow(found, name in kept))
    if ids is not None:
        findings += _id_findings(strength(outcome, ids))
    if not in_time_order:
        findings += _order_findings(strength(outcome, np.arange(len(outcome), dtype=np.float64)))
    return findings


def as_score(
    contract: Contract, name: str, columns: Columns, outcome: NDArray[np.bool_], seed: int
) -> NDArray[np.float64]:
    """A column as a score, shape (n,): numbers with the median where missing, categories by their rate out of fold."""
    values = columns[name]
    if contract.by_name[name].type != "category":
        return np.where(np.isnan(values), np.nanmedian(values) if not np.isnan(values).all() else 0.0, values)
    return _target_rates(values, outcome, seed)


def _target_rates(codes: NDArray[np.int32], outcome: NDArray[np.bool_], seed: int) -> NDArray[np.float64]:
    """Each half scored with the other half's outcome rate per level, so that rare levels cannot flatter."""
    half = np.random.default_rng((seed, len(codes))).random(len(codes)) < 0.5
    shifted = codes - codes.min()
    rates = np.empty(len(codes))
    for mine, other in ((half, ~half), (~half, half)):
        count = np.bincount(shifted[other], minlength=int(shifted.max()) + 1)
        positive = np.bincount(shifted[other], weights=outcome[other], minlength=len(count))
        prior = outcome[other].mean() if other.any() else 0.0
        rates[mine] = ((positive + prior) / (count + 1))[shifted[mine]]
    return rates


def strength(outcome: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """ROC-AUC of a score, whichever way it points: from 0.5 to 1."""
    area = auc(outcome, score)
    return max(area, 1 - area)


def _column_finding(name: str, score: NDArray[np.float64], outcome: NDArray[np.bool_]) -> Finding | None:
    area = strength(outcome, score)
    evidence = {"roc_auc": round(area, 6)}
    step = f"drop it (features.drop in riskloop.yaml), or keep it with a reason under features.allow: {name}"
    if _MODEL_NAME.search(name) and area > MODEL_AUC:
        message = f"The name is that of another model's output, and alone it reaches ROC-AUC {area:.4f}."
        return Finding("leakage-model-output", "error", message, step, name, evidence=evidence)
    if _AFTERWARDS_NAME.search(name) and area >= AFTERWARDS_AUC:
        message = f"The name says it is written after the outcome, and alone it reaches ROC-AUC {area:.4f}."
        return Finding("leakage-post-outcome", "error", message, step, name, evidence=evidence)
    if area >= BLOCKING_AUC:
        message = f"Alone it reaches ROC-AUC {area:.4f}: it knows the outcome."
        return Finding("leakage-single-feature", "error", message, step, name, evidence=evidence)
    if area >= SUSPECT_AUC:
        message = f"Alone it reaches ROC-AUC {area:.4f}: make sure it is known before the decision."
        return Finding("leakage-suspect", "warning", message, step, name, evidence=evidence)
    if _AFTERWARDS_NAME.search(name):
        message = f"The name may say that it is written after the outcome (ROC-AUC alone {area:.4f})."
        return Finding("leakage-suspect", "warning", message, step, name, evidence=evidence)
    return None


def _tells_by_absence(values: NDArray[np.float64], outcome: NDArray[np.bool_]) -> bool:
    missing = np.isnan(values) if values.dtype.kind == "f" else values == MISSING_CODE
    return bool(missing.any()) and strength(outcome, missing.astype(np.float64)) > 0.9


def _absence(name: str) -> Finding:
    return Finding(
        "leakage-missingness",
        "error",
        "Whether it is filled tells the outcome: it is written afterwards.",
        f"drop it, or keep it with a reason under features.allow: {name}",
        name,
    )


def _id_findings(area: float) -> Iterable[Finding]:
    if area > ID_AUC:
        message = f"The id alone separates the outcomes (ROC-AUC {area:.3f})."
        step = "the id is never a feature; check how the table was put together"
        yield Finding("id-carries-target", "warning", message, step, evidence={"roc_auc": round(area, 6)})


def _order_findings(area: float) -> Iterable[Finding]:
    evidence = {"roc_auc": round(area, 6)}
    if area > SORTED_AUC:
        message = f"The rows are sorted by the outcome (ROC-AUC {area:.3f})."
        step = "a random split is not harmed; do not split by row order"
        yield Finding("row-order-carries-target", "info", message, step, evidence=evidence)
    elif area > ORDER_AUC:
        message = f"The order of the rows follows the outcome (ROC-AUC {area:.3f})."
        step = "if the rows are in time order, set training.split: row_order, so that the test block is the latest part"
        yield Finding("row-order-carries-target", "warning", message, step, evidence=evidence)


def _allow(finding: Finding, allowed: bool) -> Finding:
    if not allowed or finding.severity != "error":
        return finding
    message = finding.message + " Kept by features.allow."
    return Finding(
        finding.code,
        "warning",
        message,
        "the override is recorded with every version",
        finding.column,
        evidence={**finding.evidence, "allowed": True},
    )
