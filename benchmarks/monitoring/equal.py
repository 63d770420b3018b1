"""How often a shift is found where everybody may be wrong as often: at one false alarm in a hundred.

NumPy only, so that peers run it in environments of their own.

Whatever number a method gives for a column, the batches of which nothing has moved tell from where on it is among the
highest hundredth; power is the share of moved batches beyond. So nobody's thresholds matter, and nobody's calibration.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.monitoring.draws import REFERENCE_ROWS, SHIFTS, one

Score = Callable[[np.ndarray[Any, Any]], float]
"""Of a batch of one column: the higher, the more it has moved."""
FALSE_ALARMS = 0.01
NULL_BATCHES, MOVED_BATCHES = 1_000, 200
CASES = (("normal", 300), ("normal", 1_000), ("normal", 3_000), ("heavy tail", 1_000))


def equal(fit: Callable[[np.ndarray[Any, Any]], Score]) -> list[dict[str, Any]]:
    """Power of one method; ``fit`` takes the reference."""
    told = []
    for kind, rows in CASES:
        score = fit(one(np.random.default_rng(1), REFERENCE_ROWS, 0.0, kind))

        def seen(shift: float, batches: int, score: Score = score, rows: int = rows, kind: str = kind) -> Any:
            draws = (np.random.default_rng([rows, round(shift * 10_000), batch]) for batch in range(batches))
            return np.array([score(one(rng, rows, shift, kind)) for rng in draws])

        limit = float(np.quantile(seen(0.0, NULL_BATCHES), 1 - FALSE_ALARMS, method="higher"))
        for psi, shift in SHIFTS.items():
            found = float(np.mean(seen(shift, MOVED_BATCHES) > limit))
            told.append({"kind": kind, "rows": rows, "psi": psi, "found": round(found, 3)})
    return told
