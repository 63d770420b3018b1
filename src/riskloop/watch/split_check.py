"""Whether customers came to the arms in the shares that were meant: a test that may be looked at at any time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_PRIOR = 1_000.0  # customers that the prior is worth: wide enough to see a split that is 5 % off


@dataclass(frozen=True, slots=True)
class SplitCheck:
    """The share of the challenger as it came, and whether it can be chance.

    Attributes
    ----------
    meant, found : float
        NaN without customers.
    p_value : float
        Holds at all times at once: that it ever falls to p has probability p at most.
    off : bool
        At or below the level: the comparison cannot be trusted before the reason is found.
    """

    meant: float
    found: float
    p_value: float
    off: bool


def split_check(counts: Iterable[tuple[int, int]], share: float, level: float = 0.01) -> SplitCheck:
    """Hold the customers of each arm against the share, as they stood at one time after the other.

    Parameters
    ----------
    counts : iterable of (int, int)
        Customers so far of champion and challenger, at successive times.
    share : float
        Meant for the challenger.

    Notes
    -----
    The Bayes factor of a Dirichlet prior around the shares against the shares themselves is a martingale (Lindon and
    Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022).
    """
    most, found = 0.0, math.nan
    for champion, challenger in counts:
        most = max(most, _bayes_factor(champion, challenger, share))
        if champion + challenger:
            found = challenger / (champion + challenger)
    p_value = min(1.0, math.exp(-most))
    return SplitCheck(share, found, p_value, p_value <= level)


def _bayes_factor(champion: int, challenger: int, share: float) -> float:
    """Its logarithm."""
    shares, counts = (1 - share, share), (champion, challenger)
    value = math.lgamma(_PRIOR) - math.lgamma(_PRIOR + sum(counts))
    for part, count in zip(shares, counts, strict=True):
        value += math.lgamma(_PRIOR * part + count) - math.lgamma(_PRIOR * part) - count * math.log(part)
    return value
