"""The worklist: whom to act on first where there is room for some."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riskloop.costs import BoolArray, FloatArray


def ranked(act: BoolArray, gain: FloatArray, capacity: int | None = None) -> NDArray[np.intp]:
    """Positions of the customers to act on, those on whom acting gains most first; of equals, the first in the table.

    Parameters
    ----------
    act : bool array, shape (n,)
        Whom the policy would act on.
    gain : float array, shape (n,)
        What acting saves in expectation, in currency.
    capacity : int, optional
        For how many there is room.
    """
    worthwhile = np.flatnonzero(act)
    return worthwhile[np.argsort(-gain[worthwhile], kind="stable")][:capacity]
