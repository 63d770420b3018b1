"""Training: from a Dataset to a chosen, calibrated, priced model that has been judged once on untouched rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from riskloop.bundle.bundle import PARITY, Golden, raw_rows
from riskloop.costs import Costs
from riskloop.data.dataset import Dataset
from riskloop.data.split import Split, SplitKind, folds, split
from riskloop.decide.policy import Policy, PolicyKind, choose_policy
from riskloop.errors import BundleRefused
from riskloop.learn.calibrating import choose_calibration
from riskloop.learn.candidates import Candidate
from riskloop.learn.choice import Choice, Contender, choose
from riskloop.learn.crossfit import Block, Fitted, OutOfFold, crossfit, fit
from riskloop.learn.evaluation.curves import Curves, curves
from riskloop.learn.evaluation.metrics import Evaluation, evaluate, log_loss
from riskloop.learn.evaluation.policies import PolicyRow, compare_policies, verdict
from riskloop.learn.parity import library_margin
from riskloop.learn.threads import considerate_threads
from riskloop.scorer.scorer import Scorer
from riskloop.watch.profile import profile

FloatArray = NDArray[np.float64]
GOLDEN_ROWS = 20
CONTENDER_RESAMPLES = 200
"""Bootstrap resamples for a contender's intervals; the test block gets more."""
_SECONDS_PER_DAY = 86_400.0


@dataclass(frozen=True)
class Plan:
    """How to train; see the sections training, features, costs and serving of riskloop.yaml."""

    candidates: Sequence[Candidate]
    costs: Costs
    policy: PolicyKind = "cost"
    policy_value: float | None = None
    bands: tuple[float, float] = (0.4, 0.7)
    labels: tuple[str, str] = ("act", "pass")
    folds: int = 5
    test_share: float = 0.2
    split: SplitKind = "random"
    embargo_days: float = 0.0
    seed: int = 42
    derived: Mapping[str, str] = field(default_factory=dict)


class Memory(Protocol):
    """Where finished candidates are kept, so that interrupted training goes on where it stopped."""

    def recall(self, candidate: str) -> OutOfFold | None: ...

    def keep(self, candidate: str, result: OutOfFold) -> None: ...


class Watcher(Protocol):
    """Who is told about progress. Called on the training thread; must return quickly."""

    def fold(self, candidate: str, done: int, total: int) -> None: ...

    def finished(self, contender: Contender) -> None: ...


@dataclass(frozen=True)
class Trained:
    """The result of one training.

    Attributes
    ----------
    scorer : Scorer
    policy : Policy
    choice : Choice
    contenders : tuple of Contender
        All candidates, cheapest first, judged out of fold.
    split : Split
    training_outcome : bool array, shape (training rows,)
        Outcomes of the rows on which contenders were judged out of fold.
    test : Evaluation
        The chosen model on the test block, which nothing else has read.
    test_probability : float array, shape (test rows,)
    policies : list of PolicyRow
        The chosen policy beside the trivial ones, on the test block.
    verdict : str
        Whether the model earns its keep, in one sentence.
    curves : Curves
    parity : float
        Largest difference in probability between the training library and the exported model, on the test block.
    golden : Golden
    profile : dict
    importance : dict of str to float
        Growth of the log loss on the test block when a feature is shuffled (permutation importance).
    """

    scorer: Scorer
    policy: Policy
    choice: Choice
    contenders: tuple[Contender, ...]
    split: Split
    training_outcome: NDArray[np.bool_]
    test: Evaluation
    test_probability: FloatArray
    policies: list[PolicyRow]
    verdict: str
    curves: Curves
    parity: float
    golden: Golden
    profile: dict[str, Any]
    importance: dict[str, float]


def train(dataset: Dataset, plan: Plan, memory: Memory | None = None, watcher: Watcher | None = None) -> Trained:
    """Cross-fit every candidate, calibrate, choose by money, refit, judge once.

    Raises
    ------
    DataError
        If a block would hold one outcome only, or a policy cannot be chosen.
    BundleRefused
        If the exported model differs from the library's own predictions by more than 1e-9.
    """
    parts = split(
        dataset.outcome,
        test_share=plan.test_share,
        seed=plan.seed,
        groups=dataset.groups,
        time=dataset.time,
        embargo=plan.embargo_days * _SECONDS_PER_DAY,
        kind=plan.split,
    )
    block = training_block(dataset, parts.train, plan)
    choice, contenders = select(block, plan, memory, watcher)
    return _judge(dataset, parts, block, plan, choice, contenders)


def training_block(dataset: Dataset, rows: NDArray[np.int64], plan: Plan) -> Block:
    """Some rows of the dataset, to train on, with their fold numbers."""
    outcome = dataset.outcome[rows]
    fold = folds(outcome, dataset.groups[rows], count=plan.folds, seed=plan.seed)
    return Block(dataset.contract, dataset.take(rows), outcome, fold, plan.derived)


def select(
    block: Block, plan: Plan, memory: Memory | None = None, watcher: Watcher | None = None
) -> tuple[Choice, tuple[Contender, ...]]:
    """Cross-fit every candidate on the block and choose one; returns the contenders too, cheapest first."""
    contenders = [_contend(candidate, block, plan, memory, watcher) for candidate in plan.candidates]
    choice = choose(contenders, block.outcome, seed=plan.seed)
    return choice, tuple(sorted(contenders, key=lambda one: one.cost_per_thousand))


def refit(block: Block, plan: Plan, chosen: Contender) -> tuple[Scorer, Fitted]:
    """Fit the chosen candidate on the whole block, under the calibration found out of fold."""
    candidate = next(one for one in plan.candidates if one.name == chosen.name)
    fitted = fit(candidate, block, np.ones(len(block.outcome), dtype=bool), seed=plan.seed)
    return Scorer(block.contract, fitted.encoding, fitted.model, chosen.calibration.calibration), fitted


def _contend(
    candidate: Candidate, block: Block, plan: Plan, memory: Memory | None, watcher: Watcher | None
) -> Contender:
    result = memory.recall(candidate.name) if memory else None
    if result is None:
        on_fold = (lambda done, total: watcher.fold(candidate.name, done, total)) if watcher else None
        result = crossfit(candidate, block, seed=plan.seed, on_fold=on_fold)
        if memory:
            memory.keep(candidate.name, result)
    contender = contend(candidate, result, block.outcome, plan)
    if watcher:
        watcher.finished(contender)
    return contender


@considerate_threads()
def contend(candidate: Candidate, result: OutOfFold, outcome: NDArray[np.bool_], plan: Plan) -> Contender:
    """Calibrate, choose a threshold and price a candidate, all out of fold."""
    calibration = choose_calibration(result.margin, outcome, seed=plan.seed)
    policy = choose_policy(
        plan.policy,
        outcome,
        calibration.probability,
        plan.costs,
        value=plan.policy_value,
        bands=plan.bands,
        labels=plan.labels,
    )
    probability = calibration.probability
    evaluation = evaluate(
        outcome, probability, policy.act(probability), plan.costs, seed=plan.seed, resamples=CONTENDER_RESAMPLES
    )
    return Contender(candidate.name, candidate.complexity, result, calibration, policy, evaluation)


def _judge(
    dataset: Dataset, parts: Split, block: Block, plan: Plan, choice: Choice, ranked: tuple[Contender, ...]
) -> Trained:
    chosen = choice.chosen
    scorer, fitted = refit(block, plan, chosen)
    columns, outcome = dataset.take(parts.test), dataset.outcome[parts.test]
    probability = scorer.probability(columns)
    parity = _parity(fitted, scorer, columns, probability)
    act = chosen.policy.act(probability)
    rows = compare_policies(outcome, probability, chosen.policy, plan.costs, seed=plan.seed)
    return Trained(
        scorer=scorer,
        policy=chosen.policy,
        choice=choice,
        contenders=ranked,
        split=parts,
        training_outcome=block.outcome,
        test=evaluate(outcome, probability, act, plan.costs, seed=plan.seed),
        test_probability=probability,
        policies=rows,
        verdict=verdict(rows, plan.costs.currency),
        curves=curves(outcome, probability, plan.costs),
        parity=parity,
        golden=_golden(dataset, parts, scorer, plan.seed),
        profile=profile(dataset.contract, block.columns, chosen.probability, chosen.policy.act(chosen.probability)),
        importance=permutation_importance(scorer, columns, outcome, seed=plan.seed),
    )


def _parity(fitted: Fitted, scorer: Scorer, columns: dict[str, NDArray[Any]], probability: FloatArray) -> float:
    matrix = fitted.encoding.matrix(columns)
    own = library_margin(fitted.estimator, matrix, fitted.encoding.categorical)
    off = float(np.abs(scorer.calibration.probability(own) - probability).max())
    if not off <= PARITY:
        raise BundleRefused(
            f"The exported model differs from the training library by {off:.3g} (allowed {PARITY:g}).",
            where="parity",
            next_step="please report this: the model must not be served",
        )
    return off


def _golden(dataset: Dataset, parts: Split, scorer: Scorer, seed: int) -> Golden:
    """Typed requests with the answers of training. Their values are real and their combinations are not: the columns of
    some test rows are shuffled one by one, so that a bundle holds nobody's record."""
    columns = dataset.take(parts.test)
    known = np.ones(len(parts.test), dtype=bool)
    for column in dataset.contract.used:
        if column.type == "category":
            known &= columns[column.name] < len(column.levels)
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(np.flatnonzero(known))[:GOLDEN_ROWS]
    shuffled = {name: rng.permutation(values[chosen]) for name, values in columns.items()}
    requests = raw_rows(dataset.contract, shuffled, range(len(chosen)))
    return Golden(tuple(requests), tuple(scorer.probability(shuffled).tolist()))


def permutation_importance(
    scorer: Scorer, columns: dict[str, NDArray[Any]], outcome: NDArray[np.bool_], *, seed: int, most_rows: int = 5_000
) -> dict[str, float]:
    """Growth of the mean log loss when one feature is shuffled (Breiman, 2001), largest first."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(outcome))[:most_rows]
    sample = {name: values[rows] for name, values in columns.items()}
    base = log_loss(outcome[rows], scorer.probability(sample)).mean()
    growth = {}
    for name, values in sample.items():
        shuffled = sample | {name: rng.permutation(values)}
        growth[name] = float(log_loss(outcome[rows], scorer.probability(shuffled)).mean() - base)
    return dict(sorted(growth.items(), key=lambda item: -item[1]))
