"""Leakage: columns that know the outcome because they were written after it, or by another model."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import Columns, Contract
from riskloop.findings import Finding

BLOCKING_AUC = 0.998
SUSPECT_AUC = 0.95
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
        The ids where they are numbers.
    allowed : iterable of str
        Columns the user keeps in spite of a finding: reported as warnings.
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
        found = _column_finding(name, _as_score(contract, name, columns, outcome, seed), outcome)
        if found is None and not _tells_by_absence(columns[name], outcome):
            continue
        findings.append(_allow(found or _absence(name), name in kept))
    if ids is not None and _strength(outcome, ids) > 0.7:
        findings.append(_order_finding("id-carries-target", "The id alone separates the outcomes", outcome, ids))
    rows = np.arange(len(outcome), dtype=np.float64)
    if _strength(outcome, rows) > 0.6:
        findings.append(_order_finding("row-order-carries-target", "The order of the rows follows", outcome, rows))
    return findings


def _as_score(
    contract: Contract, name: str, columns: Columns, outcome: NDArray[np.bool_], seed: int
) -> NDArray[np.float64]:
    values = columns[name]
    if contract.by_name[name].type == "number":
        return np.where(np.isnan(values), np.nanmedian(values) if not np.isnan(values).all() else 0.0, values)
    return _target_rates(values, outcome, seed)


def _target_rates(codes: NDArray[np.int32], outcome: NDArray[np.bool_], seed: int) -> NDArray[np.float64]:
    """Each half scored with the other half's outcome rate per level, so that rare levels cannot flatter."""
    half = np.random.default_rng(seed).random(len(codes)) < 0.5
    shifted = codes - codes.min()
    rates = np.empty(len(codes))
    for mine, other in ((half, ~half), (~half, half)):
        count = np.bincount(shifted[other], minlength=int(shifted.max()) + 1)
        positive = np.bincount(shifted[other], weights=outcome[other], minlength=len(count))
        prior = outcome[other].mean() if other.any() else 0.0
        rates[mine] = ((positive + prior) / (count + 1))[shifted[mine]]
    return rates


def _strength(outcome: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    area = auc(outcome, score)
    return max(area, 1 - area)


def _column_finding(name: str, score: NDArray[np.float64], outcome: NDArray[np.bool_]) -> Finding | None:
    area = _strength(outcome, score)
    evidence = {"roc_auc": round(area, 6)}
    step = f"drop it (features.drop in riskloop.yaml), or keep it with a reason under features.allow: {name}"
    if _MODEL_NAME.search(name) and area > 0.8:
        message = f"The name is that of another model's output, and alone it reaches ROC-AUC {area:.4f}."
        return Finding("leakage-model-output", "error", message, step, name, evidence=evidence)
    if _AFTERWARDS_NAME.search(name):
        message = f"The name says it is written after the outcome (ROC-AUC alone {area:.4f})."
        return Finding("leakage-post-outcome", "error", message, step, name, evidence=evidence)
    if area >= BLOCKING_AUC:
        message = f"Alone it reaches ROC-AUC {area:.4f}: it knows the outcome."
        return Finding("leakage-single-feature", "error", message, step, name, evidence=evidence)
    if area >= SUSPECT_AUC:
        message = f"Alone it reaches ROC-AUC {area:.4f}: make sure it is known before the decision."
        return Finding("leakage-suspect", "warning", message, step, name, evidence=evidence)
    return None


def _tells_by_absence(values: NDArray[np.float64], outcome: NDArray[np.bool_]) -> bool:
    missing = np.isnan(values) if values.dtype.kind == "f" else values < 0
    return bool(missing.any()) and _strength(outcome, missing.astype(np.float64)) > 0.9


def _absence(name: str) -> Finding:
    return Finding(
        "leakage-missingness",
        "error",
        "Whether it is filled tells the outcome: it is written afterwards.",
        f"drop it, or keep it with a reason under features.allow: {name}",
        name,
    )


def _order_finding(code: str, words: str, outcome: NDArray[np.bool_], score: NDArray[np.float64]) -> Finding:
    area = _strength(outcome, score)
    step = (
        "if the rows are in time order, set training.split: row_order, so that the test block is the latest part"
        if code.startswith("row")
        else "the id is never a feature; check how the table was put together"
    )
    message = f"{words} the outcome (ROC-AUC {area:.3f})."
    return Finding(code, "warning", message, step, evidence={"roc_auc": round(area, 6)})


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
