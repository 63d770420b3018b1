"""Training: from a Dataset to a chosen, calibrated, priced model that has been judged once on untouched rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.bundle.bundle import PARITY, Golden
from riskloop.costs import Costs
from riskloop.data.contract import Columns
from riskloop.data.dataset import Dataset
from riskloop.data.split import Split
from riskloop.decide.policy import Policy
from riskloop.decide.prices import check_priced
from riskloop.errors import BundleRefused
from riskloop.learn.block import Block
from riskloop.learn.choice import Choice, Contender
from riskloop.learn.crew import HERE, Crew
from riskloop.learn.evaluation.curves import Curves, curves
from riskloop.learn.evaluation.decided import Decided, decided
from riskloop.learn.evaluation.intervals import Interval, normal
from riskloop.learn.evaluation.metrics import Evaluation, evaluate, log_loss
from riskloop.learn.evaluation.policies import PolicyRow, compare_policies, verdict
from riskloop.learn.examining import Examination, Examiner
from riskloop.learn.explaining import BASELINE_ROWS, Attributions, attribute, baseline_rows, nobodys
from riskloop.learn.plan import Memory, Plan, Watcher, split_of, training_block
from riskloop.learn.refitting import Refitted, refit
from riskloop.learn.selecting import select
from riskloop.learn.venn_abers import fit_venn_abers
from riskloop.scorer.interval import VennAbers
from riskloop.scorer.scorer import Scorer
from riskloop.watch.profile import Profile, Scores

FloatArray = NDArray[np.float64]
GOLDEN_ROWS = 20


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
    training_costs, test_costs : Costs
        Of those rows, and of the test block.
    test : Evaluation
        The chosen model on the test block, which nothing else has read.
    test_probability : float array, shape (test rows,)
    policies : list of PolicyRow
        The chosen policy beside the trivial ones, on the test block.
    verdict : str
        Whether the model earns its keep, in one sentence.
    curves : Curves
    decided : Decided
        What the decisions rest on, on the test block.
    parity : float
        Largest difference in probability between the training library and the exported model, on the test block.
    golden : Golden
    profile : dict
    importance : dict of str to Interval
        Growth of the log loss on the test block when a feature is shuffled (permutation importance).
    examination : Examination
        Reliability, time, weak segments, and what is suspicious.
    baseline : tuple of dict
        Typed requests of customers to compare with: those who got the decision that customers would rather have.
    attributions : Attributions
        What every feature adds to the log-odds of test rows, beside the baseline.
    learnt : int
        Rows that the model was fitted to, where they are none of the dataset's; 0 where they are.
    """

    scorer: Scorer
    policy: Policy
    choice: Choice
    contenders: tuple[Contender, ...]
    split: Split
    training_outcome: NDArray[np.bool_]
    training_costs: Costs
    test_costs: Costs
    test: Evaluation
    test_probability: FloatArray
    policies: list[PolicyRow]
    verdict: str
    curves: Curves
    decided: Decided
    parity: float
    golden: Golden
    profile: dict[str, Any]
    importance: dict[str, Interval]
    examination: Examination
    baseline: tuple[dict[str, Any], ...]
    attributions: Attributions
    learnt: int = 0


def train(
    dataset: Dataset,
    plan: Plan,
    memory: Memory | None = None,
    watcher: Watcher | None = None,
    *,
    learning_curve: bool = False,
    crew: Crew = HERE,
) -> Trained:
    """Cross-fit every candidate, calibrate, choose by money, refit, judge once; the crew fits folds and trials.

    A learning curve, if asked for, takes eight fits more.

    Raises
    ------
    DataError
        If a block would hold one outcome only, or a policy cannot be chosen.
    BundleRefused
        If the exported model differs from the library's own predictions by more than 1e-9.
    """
    parts = split_of(dataset, plan)
    block = training_block(dataset, parts.train, plan)
    check_priced(plan.costs, plan.costs_of(dataset.columns))
    choice, contenders = select(block, plan, memory, watcher, crew)
    refitted = refit(block, plan, choice.chosen, contenders)
    return judge(dataset, parts, block, plan, choice, contenders, refitted, learning_curve=learning_curve)


def judge(
    dataset: Dataset,
    parts: Split,
    block: Block,
    plan: Plan,
    choice: Choice,
    ranked: tuple[Contender, ...],
    refitted: Refitted,
    *,
    learning_curve: bool = False,
) -> Trained:
    """Look once, and from all sides, at what was chosen among contenders and is ready to serve.

    Raises
    ------
    BundleRefused
        See `train`.
    """
    chosen = choice.chosen
    scorer = replace(refitted.scorer, interval=_interval(chosen, block, plan.seed))
    columns, outcome = dataset.take(parts.test), dataset.outcome[parts.test]
    probability = scorer.probability(columns)
    parity = _parity(refitted, columns)
    costs, judged_costs = plan.costs_of(columns), plan.costs_of(block.columns, block.judged)
    act = chosen.policy.act(probability, costs)
    importance = permutation_importance(scorer, columns, outcome, seed=plan.seed)
    reference = Profile.of(
        dataset.contract,
        block.rows(block.judged),
        Scores.of(chosen.policy, chosen.probability, judged_costs),
        Scores.of(chosen.policy, probability, costs),
        tuple(importance),
    )
    rows = compare_policies(outcome, probability, chosen.policy, costs, seed=plan.seed)
    cost = chosen.policy.cost(outcome, probability, costs)
    test = evaluate(outcome, probability, act, costs, seed=plan.seed, cost=cost)
    compared, baseline = _baseline(block, chosen, judged_costs, plan)
    examiner = Examiner(dataset, parts, block, plan, chosen, ranked, test, probability, list(importance))
    return Trained(
        scorer=scorer,
        policy=chosen.policy,
        choice=choice,
        contenders=ranked,
        split=parts,
        training_outcome=block.outcome[block.judged],
        training_costs=judged_costs,
        test_costs=costs,
        test=test,
        test_probability=probability,
        policies=rows,
        verdict=verdict(rows, plan.costs.currency),
        curves=curves(outcome, probability, costs, act),
        decided=decided(outcome, probability, chosen.policy, costs),
        parity=parity,
        golden=_golden(dataset, parts, scorer, plan.seed),
        profile=reference.to_dict(),
        importance=importance,
        examination=examiner.examine(with_learning_curve=learning_curve),
        baseline=baseline,
        attributions=attribute(scorer, compared, columns, probability),
    )


def _baseline(block: Block, chosen: Contender, costs: Costs, plan: Plan) -> tuple[Columns, tuple[dict[str, Any], ...]]:
    """Customers to compare with, from the rows that were judged out of fold."""
    probability, policy = chosen.probability, chosen.policy
    act = policy.act(probability, costs)
    favoured = act if plan.adverse == "pass" else ~act & ~policy.reviewed(probability, costs)
    rows = baseline_rows(probability, favoured, adverse_is_act=plan.adverse == "act")
    rng = np.random.default_rng(plan.seed)
    return nobodys(block.contract, block.rows(block.judged), rows, BASELINE_ROWS, rng)


def _interval(chosen: Contender, block: Block, seed: int) -> VennAbers:
    """Under the calibration that serves, not the cross-fitted ones: customers must stand where these rows stood. Where
    folds roll forward that is what each was told by the forecast of its time."""
    probability = chosen.calibration.calibration.probability(chosen.out_of_fold.margin)
    if block.forward:
        probability = chosen.probability
    return fit_venn_abers(probability, block.outcome[block.judged], seed=seed)


def _parity(refitted: Refitted, columns: Columns) -> float:
    off = refitted.gap(columns)
    if not off <= PARITY:
        raise BundleRefused(
            f"The exported model differs from the training library by {off:.3g} (allowed {PARITY:g}).",
            where="parity",
            next_step="please report this: the model must not be served",
        )
    return off


def _golden(dataset: Dataset, parts: Split, scorer: Scorer, seed: int) -> Golden:
    """Typed requests with the answers of training; a bundle holds nobody's record."""
    columns, rng = dataset.take(parts.test), np.random.default_rng(seed)
    shuffled, requests = nobodys(dataset.contract, columns, np.arange(len(parts.test)), GOLDEN_ROWS, rng)
    return Golden(requests, tuple(scorer.probability(shuffled).tolist()))


def permutation_importance(
    scorer: Scorer, columns: dict[str, NDArray[Any]], outcome: NDArray[np.bool_], *, seed: int, most_rows: int = 5_000
) -> dict[str, Interval]:
    """Growth of the mean log loss when one feature is shuffled (Breiman, 2001), largest first; 95 % over the rows."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(outcome))[:most_rows]
    sample = {name: values[rows] for name, values in columns.items()}
    base = log_loss(outcome[rows], scorer.probability(sample))
    growth = {}
    for name in scorer.contract.features:
        shuffled = sample | {name: rng.permutation(sample[name])}
        growth[name] = normal(log_loss(outcome[rows], scorer.probability(shuffled)) - base)
    return dict(sorted(growth.items(), key=lambda item: -item[1].value))
