"""`riskloop compare --external`: probabilities that something else made, priced on a version's untouched test block.

Only numbers come in, so nothing of the other model is run, kept or registered: it can be compared, and never promoted.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from riskloop.costs import FloatArray
from riskloop.data.frames import as_text
from riskloop.data.source import Source, read
from riskloop.errors import DataError, NotFound
from riskloop.learn.evaluation.metrics import Evaluation, evaluate
from riskloop.learn.evaluation.policies import PolicyRow, compare_policies
from riskloop.loop.project import Project
from riskloop.loop.watching.reference import Block, untouched_block

_WHY = {
    "no_record": "the version does not remember how it was made",
    "no_table": "the training table cannot be read",
    "other_table": "the training table is not the one that the version was trained on",
}
_SHOWN = 3  # ids named in an error


@dataclass(frozen=True)
class ComparedExternally:
    """A version beside probabilities made elsewhere, on the same customers at the same costs.

    Attributes
    ----------
    version : int
    rows, positives : int
        Of the version's test block.
    currency : str
    ours, external : Evaluation
        The external one by decisions at the Bayes threshold of each customer's costs.
    policies : tuple of PolicyRow
        Names: ``chosen`` (the version's own decisions), ``external``, ``external_at_0.5``, ``act_on_all``,
        ``act_on_none``. Differences are to the version: positive where it is cheaper.
    """

    version: int
    rows: int
    positives: int
    currency: str
    ours: Evaluation
    external: Evaluation
    policies: tuple[PolicyRow, ...]

    def __getitem__(self, name: str) -> PolicyRow:
        return next(row for row in self.policies if row.name == name)

    @property
    def verdict(self) -> str:
        """One sentence: which of the two decides cheaper, beyond noise or not."""
        difference = self["external"].difference
        interval = f"[{difference.low:+,.0f}, {difference.high:+,.0f}]"
        told = f"(difference {difference.mean:+,.0f} {interval} {self.currency} per 1,000 customers)"
        if difference.low > 0:
            return f"The outside probabilities decide dearer than version {self.version} {told}."
        if difference.high < 0:
            return f"The outside probabilities decide cheaper than version {self.version} {told}."
        return f"The outside probabilities decide as cheaply as version {self.version}, as far as can be told {told}."

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = {name: value for name, value in asdict(self).items() if name not in ("ours", "external", "policies")}
        return plain | {
            "verdict": self.verdict,
            "ours": self.ours.to_dict(),
            "external": self.external.to_dict(),
            "policies": [row.to_dict() for row in self.policies],
        }


def compare_external(
    project: Project,
    source: Source,
    *,
    version: int | None = None,
    id_column: str | None = None,
    probability_column: str = "probability",
) -> ComparedExternally:
    """Price outside probabilities on the test block of a version.

    The block judges: it is read anew from the training table, and rows of the file about other customers are passed
    over. Whether the other model has learnt from these customers cannot be seen here; if it has, it looks better than
    it is.

    Parameters
    ----------
    source : Source
        A table with an id and the probability of a positive, each customer of the test block once.
    version : int, optional
        The champion if left out.

    Raises
    ------
    NotFound
        If no version leads, or its test block cannot be had any more.
    DataError
        If the project has no id, the file lacks a column or a customer, names one twice, or holds what is no
        probability.
    """
    record, bundle = project.bundle(version)
    block = untouched_block(project, record)
    if isinstance(block, str):
        raise NotFound(
            f"The test block of version {record.version} cannot be had: {_WHY[block]}.",
            where="--external",
            next_step="bring the table back, or train again",
        )
    probability = _probabilities(project, source, block, id_column, probability_column)
    policy, costs, outcome = bundle.policy, bundle.policy.costs.of(block.columns), block.outcome
    own = bundle.scorer.probability(block.columns)
    seed = project.settings.training.seed
    by_costs, at_half = probability >= costs.thresholds(), probability >= 0.5
    rows = compare_policies(
        outcome,
        own,
        policy,
        costs,
        seed=seed,
        others={
            "external": (costs.bayes_threshold, by_costs, costs.each(outcome, by_costs)),
            "external_at_0.5": (0.5, at_half, costs.each(outcome, at_half)),
        },
    )
    asked = ("chosen", "external", "external_at_0.5", "act_on_all", "act_on_none")
    paid = policy.cost(outcome, own, costs)
    return ComparedExternally(
        version=record.version,
        rows=len(outcome),
        positives=int(outcome.sum()),
        currency=policy.costs.currency,
        ours=evaluate(outcome, own, policy.act(own, costs), costs, seed=seed, cost=paid),
        external=evaluate(outcome, probability, by_costs, costs, seed=seed),
        policies=tuple(row for name in asked for row in rows if row.name == name),
    )


def _probabilities(
    project: Project, source: Source, block: Block, id_column: str | None, probability_column: str
) -> FloatArray:
    """What the file says of each row of the block, shape (n,)."""
    identity = project.settings.problem.id
    if identity is None:
        raise DataError(
            "Without an id nobody can say which probability is whose.",
            where="problem.id",
            next_step="name the id column in riskloop.yaml and train again",
        )
    frame, _ = read(source)
    named = id_column or (identity if identity in frame.columns else "id")
    for column, option in ((named, "--id-column"), (probability_column, "--probability-column")):
        if column not in frame.columns:
            raise DataError(
                f"The file has no column {column!r}.", where=source.path, next_step=f"name it with {option}"
            )
    told = pl.DataFrame({"id": as_text(frame[named]), "text": as_text(frame[probability_column])})
    told = told.filter(pl.col("id").is_in(as_text(block.rows[identity]).implode()))
    _once(told["id"], source.path)
    _once(as_text(block.rows[identity]), "the test block")
    asked = pl.DataFrame({"id": as_text(block.rows[identity])})
    joined = asked.join(told, on="id", how="left", maintain_order="left")
    _all_there(joined, source.path)
    probability = joined["text"].cast(pl.Float64, strict=False).to_numpy()
    wrong = ~((probability >= 0) & (probability <= 1))
    if wrong.any():
        who, what = joined.row(int(np.argmax(wrong)))
        raise DataError(
            f"{int(wrong.sum()):,} values are no probabilities, first {what!r} of {who!r}.",
            where=source.path,
            next_step="write the probability of a positive, from 0 to 1, neither log-odds nor a class",
        )
    return np.asarray(probability, dtype=np.float64)


def _once(ids: pl.Series, where: str) -> None:
    twice = ids.filter(ids.is_duplicated()).unique(maintain_order=True)
    if len(twice):
        raise DataError(
            f"{len(twice):,} customers are there more than once, {twice[0]!r} first.",
            where=where,
            next_step="give one row for each customer",
        )


def _all_there(joined: pl.DataFrame, where: str) -> None:
    absent = joined.filter(pl.col("text").is_null())["id"]
    if len(absent):
        names = ", ".join(repr(one) for one in absent[:_SHOWN].to_list())
        raise DataError(
            f"{len(absent):,} of the {joined.height:,} customers of the test block have no probability: {names} ...",
            where=where,
            next_step="score all rows of the training table with the other model; others are passed over",
        )
