"""The families riskloop compares, and those that other packages bring."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec

from riskloop.data.contract import did_you_mean
from riskloop.errors import ConfigError
from riskloop.learn.candidates.candidate import Balance, Candidate
from riskloop.learn.candidates.catboost import CATBOOST
from riskloop.learn.candidates.ebm import EBM
from riskloop.learn.candidates.lightgbm import LIGHTGBM
from riskloop.learn.candidates.linear import GAM, LOGISTIC_REGRESSION
from riskloop.learn.candidates.scorecard import SCORECARD
from riskloop.learn.candidates.sklearn_trees import (
    DECISION_TREE,
    GRADIENT_BOOSTING,
    HIST_GRADIENT_BOOSTING,
    RANDOM_FOREST,
)
from riskloop.learn.candidates.xgboost import XGBOOST

FAMILIES: tuple[Candidate, ...] = (
    LOGISTIC_REGRESSION,
    SCORECARD,
    GAM,
    LIGHTGBM,
    XGBOOST,
    CATBOOST,
    HIST_GRADIENT_BOOSTING,
    GRADIENT_BOOSTING,
    DECISION_TREE,
    RANDOM_FOREST,
)
"""In the order in which they are tried: where time is short, those that promise most for it come first."""
GROUP = "riskloop.candidates"
"""Entry points of this group name a Candidate, or a sequence of them."""
BLENDED = ("blend", "stack", "voting", "distilled")
"""Names of candidates that are made of the others; see `riskloop.learn.blending` and `riskloop.learn.selecting`."""
_BALANCES: tuple[Balance, ...] = ("weights", "smote")


@cache
def families() -> dict[str, Candidate]:
    """Every family by name, those of installed packages included.

    Raises
    ------
    ConfigError
        If a package brings something else than candidates, or a name that is taken.
    """
    known = {candidate.name: candidate for candidate in FAMILIES}
    if find_spec("interpret"):
        known[EBM.name] = EBM
    for entry in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        brought = entry.load()
        for candidate in [brought] if isinstance(brought, Candidate) else brought:
            if not isinstance(candidate, Candidate) or candidate.name in known:
                raise ConfigError(
                    f"The entry point {entry.name!r} brings no candidate of a new name.",
                    where=f"{GROUP}: {entry.value}",
                    next_step="hold it against riskloop.check_candidate",
                )
            known[candidate.name] = candidate
    return known


def select_candidates(names: Sequence[str], rows: int) -> list[Candidate]:
    """The families to try: those named, or all that suit a table of so many rows; names of blends are passed over.

    ``lightgbm+weights`` and ``lightgbm+smote`` are variants that mind a rare outcome.

    Raises
    ------
    ConfigError
        For a name that is no family.
    """
    single = [name for name in dict.fromkeys(names) if name not in BLENDED]
    if single:
        return [_named(name).sized(rows) for name in single]
    return [one.sized(rows) for one in families().values() if one.max_rows is None or rows <= one.max_rows]


def select_blends(names: Sequence[str]) -> tuple[str, ...]:
    """The blends among the names; the plain blend where none is named at all."""
    return tuple(name for name in BLENDED if name in names) if names else ("blend",)


def _named(name: str) -> Candidate:
    known = families()
    family, _, balance = name.partition("+")
    if family in known and (not balance or balance in _BALANCES):
        return known[family].balanced(balance) if balance else known[family]
    raise ConfigError(
        f"Unknown candidate {name!r}{did_you_mean(name, (*known, *BLENDED))}.",
        where="training.candidates",
        next_step=f"choose among {', '.join((*known, *BLENDED))}; with +weights or +smote for a rare outcome",
    )
