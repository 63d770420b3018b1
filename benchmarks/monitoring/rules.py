"""The rules in common use, on the same draws: SciPy's Kolmogorov-Smirnov test, and PSI by the customary threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import chi2_contingency, kstwo

from benchmarks.monitoring.draws import NUMBERS, REFERENCE_ROWS, draw
from benchmarks.monitoring.equal import Score
from riskloop.watch.column import ColumnProfile
from riskloop.watch.column_drift import column_drift
from riskloop.watch.thresholds import USUAL

Values = np.ndarray[Any, Any]
SIZES = {300: 200, 1_000: 200, 10_000: 60}


def riskloop(reference: Values) -> Score:
    """Our p-value, of all tests of a column together."""
    known = ColumnProfile.of_numbers(reference)
    return lambda batch: -float(np.log(column_drift("x", known, known.measure(batch), USUAL).p_value))


def kolmogorov_smirnov(reference: Values) -> Score:
    """The statistic as SciPy has it, from a reference that is sorted once: a tenth of its time."""
    before = np.sort(reference)

    def score(batch: Values) -> float:
        now, rows = np.sort(batch), np.arange(len(batch) + 1) / len(batch)
        up = (np.searchsorted(now, now, "right") / len(now) - np.searchsorted(before, now, "right") / len(before)).max()
        down = (np.searchsorted(before, now, "left") / len(before) - rows[np.searchsorted(now, now, "left")]).max()
        return max(float(up), float(down))

    return score


def _p_of(statistic: float, reference: int, rows: int) -> float:
    """As SciPy's ``method="asymp"``."""
    return float(kstwo.sf(statistic, np.round(reference * rows / (reference + rows))))


def wasserstein(reference: Values) -> Score:
    """Evidently's measure of a number (it divides by the reference's deviation, which changes no order)."""
    before = np.sort(reference)

    def score(batch: Values) -> float:
        now = np.sort(batch)
        at = np.insert(before, np.searchsorted(before, now), now)
        apart = np.searchsorted(before, at[:-1], "right") / len(before) - np.searchsorted(now, at[:-1], "right") / len(
            now
        )
        return float((np.abs(apart) * np.diff(at)).sum())

    return score


def psi(reference: Values) -> Score:
    """Over tenths of the reference; an empty cell counts as a ten-thousandth."""
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, 11)[1:-1]))
    before = _shares(edges, reference)

    def score(batch: Values) -> float:
        now = _shares(edges, batch)
        return float(((now - before) * np.log(now / before)).sum())

    return score


def _shares(edges: Values, values: Values) -> Values:
    counts = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)
    return np.asarray(np.maximum(counts / len(values), 1e-4))


def _psi_of_levels(before: Values, now: Values) -> float:
    p, q = (np.maximum(np.bincount(side, minlength=8) / len(side), 1e-4) for side in (before, now))
    return float(((q - p) * np.log(q / p)).sum())


def _p_of_levels(before: Values, now: Values) -> float:
    both = np.array([np.bincount(side, minlength=8) for side in (before, now)])
    return float(chi2_contingency(both[:, both.sum(axis=0) > 0]).pvalue)


def false_alarms() -> list[dict[str, Any]]:
    """How often a rule calls any of twenty columns drifted, where none is."""
    rng = np.random.default_rng(7)
    reference = draw(rng, REFERENCE_ROWS)
    known = {name: psi(reference[name]) for name in NUMBERS}
    apart_by = {name: kolmogorov_smirnov(reference[name]) for name in NUMBERS}
    told = []
    for rows, batches in SIZES.items():
        alarms = {"ks": 0, "ks_bonferroni": 0, "psi": 0}
        for _ in range(batches):
            batch = draw(rng, rows)
            p_values = [
                _p_of(apart_by[name](batch[name]), REFERENCE_ROWS, rows)
                if name in known
                else _p_of_levels(reference[name], batch[name])
                for name in batch
            ]
            apart = [
                known[name](batch[name]) if name in known else _psi_of_levels(reference[name], batch[name])
                for name in batch
            ]
            alarms["ks"] += min(p_values) < 0.05
            alarms["ks_bonferroni"] += min(p_values) < 0.05 / len(batch)
            alarms["psi"] += max(apart) > 0.1
        told.append({"rows": rows, "batches": batches, **{name: count / batches for name, count in alarms.items()}})
    return told
