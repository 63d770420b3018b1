"""Tuning: search the parameters of a family by cross-validated log loss, under a budget, on disk as it goes."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from riskloop.learn.block import Block
from riskloop.learn.candidates.candidate import Candidate, Value
from riskloop.learn.crew import HERE, Crew
from riskloop.learn.rounds import after
from riskloop.learn.tuning.judging import Loss, Step, losses

Method = Literal["tpe", "random", "grid"]
BATCH = 4
"""Trials proposed at once, whatever the number of cores: so the same seed proposes the same trials everywhere."""
_GRID_POINTS = 3
_FEWEST_TO_PRUNE = 4
_SAMPLE_FROM = 20_000
"""Rows from which on a trial is first tried on a quarter of them."""


@dataclass(frozen=True)
class Budget:
    """When to stop, whichever comes first.

    Attributes
    ----------
    trials : int or None
    until : float or None
        Reading of ``time.monotonic``.
    """

    trials: int | None = None
    until: float | None = None

    def spent(self, trials: int) -> bool:
        """Whether no other trial may begin."""
        return self.late or (self.trials is not None and trials >= self.trials)

    @property
    def late(self) -> bool:
        return self.until is not None and time.monotonic() >= self.until


@dataclass(frozen=True)
class Trial:
    """One setting and how it did.

    Attributes
    ----------
    number : int
    parameters : dict
    loss : float or None
        Mean held-out log loss; None if it was given up early, or failed.
    steps : tuple of tuple of float
        Held-out log loss, fold by fold as far as it came, after every stage of a booster.
    """

    number: int
    parameters: dict[str, Value]
    loss: float | None
    steps: tuple[Loss, ...]


@dataclass(frozen=True)
class Tuned:
    """The family with the best parameters found, and all that was tried."""

    candidate: Candidate
    trials: tuple[Trial, ...]

    @property
    def finished(self) -> int:
        """Trials that were judged on every fold."""
        return sum(trial.loss is not None for trial in self.trials)


OnTrial = Callable[[Candidate, Trial, float], None]
"""Called with the family, the trial and the lowest loss so far."""


def tune(
    candidate: Candidate,
    block: Block,
    budget: Budget,
    *,
    method: Method = "tpe",
    seed: int = 42,
    storage: Path | None = None,
    on_trial: OnTrial | None = None,
    crew: Crew = HERE,
) -> Tuned:
    """Search the space of a family; its defaults and portfolio are tried first.

    A booster is judged after every twentieth of its rounds: their number need not be searched. A trial is judged fold
    by fold, on large tables first on a quarter of one fold's rows, and given up once it is worse
    than the median of the finished ones there. With a budget in trials the same seed gives the same result, whatever
    the number of cores, and an interrupted search goes on as if it had not been.

    Parameters
    ----------
    candidate : Candidate
    block : Block
    budget : Budget
    method : {"tpe", "random", "grid"}
        Tree-structured Parzen estimator (Bergstra et al., 2011), random (Bergstra and Bengio, 2012), or every
        combination of a few values.
    seed : int
    storage : Path, optional
        A journal file: finished trials are kept there and not tried again.
    on_trial : callable, optional
    crew : Crew
        Who fits: threads of this process unless said.
    """
    if not candidate.space:
        return Tuned(candidate, ())
    with _quietly():
        study = _study(candidate, method, seed, storage)
        steps = _steps(block)
        trials = _known(study)
        while not budget.spent(len(trials)):
            asked = _ask(study, candidate, method, seed, len(trials), budget)
            if not asked:
                break
            settings = [candidate.tried(trial.params) for trial in asked]
            told = _judge(settings, block, seed, crew, steps, trials, budget)
            for trial, setting, lost in zip(asked, settings, told, strict=True):
                done = _tell(study, trial, setting, lost, steps)
                trials.append(done)
                if on_trial:
                    on_trial(candidate, done, _lowest(trials))
    return Tuned(_best(candidate, trials), tuple(trials))


def _steps(block: Block) -> list[Step]:
    """A fold each; where folds roll forward a recent one counts more, as in the choice that follows."""
    folds = [Step(number, weight=2.0**number if block.forward else 1.0) for number in range(block.folds)]
    return [Step(0, 0.25, 0.0), *folds] if len(block.outcome) >= _SAMPLE_FROM and not block.forward else folds


def _so_far(lost: Sequence[Loss], steps: Sequence[Step]) -> float:
    """Mean loss as far as a trial came, after its best stage; a sample counts only while there is nothing else."""
    return float(_by_stage(lost, steps).min())


def _by_stage(lost: Sequence[Loss], steps: Sequence[Step]) -> NDArray[np.float64]:
    weights = [step.weight for step in steps[: len(lost)]]
    return np.average(np.array(lost), axis=0, weights=weights) if any(weights) else np.array(lost[-1])


def _judge(
    asked: list[Candidate],
    block: Block,
    seed: int,
    crew: Crew,
    steps: list[Step],
    finished: list[Trial],
    budget: Budget,
) -> list[list[Loss]]:
    """Losses of each trial, step by step; all trials of a batch do a step before the next begins.

    Once the time is up they are given up where they stand.
    """
    lost: list[list[Loss]] = [[] for _ in asked]
    alive = list(range(len(asked)))
    for step in steps:
        told = losses([(asked[one], step) for one in alive], block, seed=seed, crew=crew)
        for one, loss in zip(alive, told, strict=True):
            lost[one].append(loss)
        alive = [one for one in alive if not _hopeless(lost[one], steps, finished)]
        if not alive or budget.late:
            break
    return lost


def _hopeless(lost: list[Loss], steps: list[Step], finished: list[Trial]) -> bool:
    """Worse than the median of the finished trials at the same step (Golovin et al., 2017)."""
    if np.isinf(lost[-1]).any():
        return True
    others = [trial.steps for trial in finished if trial.loss is not None]
    if len(others) < _FEWEST_TO_PRUNE:
        return False
    return _so_far(lost, steps) > median(_so_far(each[: len(lost)], steps) for each in others)


def _ask(study: Any, candidate: Candidate, method: Method, seed: int, known: int, budget: Budget) -> list[Any]:
    """The next few trials; none when a grid is exhausted."""
    room = BATCH if budget.trials is None else min(BATCH, budget.trials - known)
    study.sampler = _sampler(method, seed + known)  # anew, so that an interruption changes nothing
    if method == "grid":
        places = _grid(candidate, seed)[known : known + room]
        room = len(places)
        for place in places:
            study.enqueue_trial(place)
    return [_suggested(study.ask(), candidate) for _ in range(room)]


def _suggested(trial: Any, candidate: Candidate) -> Any:
    for name, bounds in candidate.space.items():
        if bounds.whole:
            trial.suggest_int(name, int(bounds.low), int(bounds.high), log=bounds.log)
        else:
            trial.suggest_float(name, bounds.low, bounds.high, log=bounds.log)
    return trial


def _grid(candidate: Candidate, seed: int) -> list[dict[str, Value]]:
    """Every combination of a few values, shuffled: a budget then cuts it anywhere, not at one end of a parameter."""
    values = [bounds.grid(_GRID_POINTS) for bounds in candidate.space.values()]
    places = [dict(zip(candidate.space, place, strict=True)) for place in product(*values)]
    return [places[at] for at in np.random.default_rng(seed).permutation(len(places))]


def _sampler(method: Method, seed: int) -> Any:
    from optuna.samplers import RandomSampler, TPESampler

    if method == "tpe":
        return TPESampler(seed=seed, multivariate=True, constant_liar=True, n_startup_trials=8)
    return RandomSampler(seed=seed)


def _study(candidate: Candidate, method: Method, seed: int, storage: Path | None) -> Any:
    import optuna
    from optuna.storages import InMemoryStorage, JournalStorage
    from optuna.storages.journal import JournalFileBackend
    from optuna.trial import TrialState

    if storage is not None:
        storage.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=InMemoryStorage() if storage is None else JournalStorage(JournalFileBackend(str(storage))),
        study_name=f"{candidate.name}-{method}-{seed}",
        load_if_exists=True,
        sampler=_sampler(method, seed),
    )
    for left in study.get_trials(states=(TrialState.RUNNING,)):  # an interruption fell upon them
        study.tell(left.number, state=TrialState.FAIL)
        if method != "grid":
            study.enqueue_trial(left.params)
    if not study.get_trials(deepcopy=False) and method != "grid":
        for parameters in ({}, *candidate.portfolio):
            first = {**candidate.parameters, **parameters}
            study.enqueue_trial({name: first[name] for name in candidate.space})
    return study


def _known(study: Any) -> list[Trial]:
    from optuna.trial import TrialState

    return [_trial(one, one.value) for one in study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))]


def _tell(study: Any, trial: Any, setting: Candidate, lost: list[Loss], steps: list[Step]) -> Trial:
    from optuna.trial import TrialState

    complete = len(lost) == len(steps) and not np.isinf(lost[-1]).any()
    value = _so_far(lost, steps) if complete else None
    trial.set_user_attr("steps", lost)
    if complete and len(lost[-1]) > 1:
        trial.set_user_attr("rounds", after(setting, int(_by_stage(lost, steps).argmin()) + 1))
    study.tell(trial, value, state=TrialState.COMPLETE if complete else TrialState.PRUNED)
    return _trial(trial, value)


def _trial(trial: Any, loss: float | None) -> Trial:
    kept = trial.user_attrs
    rounds = {"rounds": int(kept["rounds"])} if "rounds" in kept else {}
    return Trial(trial.number, {**trial.params, **rounds}, loss, tuple(tuple(step) for step in kept["steps"]))


def _lowest(trials: list[Trial]) -> float:
    return min((trial.loss for trial in trials if trial.loss is not None), default=float("inf"))


def _best(candidate: Candidate, trials: list[Trial]) -> Candidate:
    finished = [trial for trial in trials if trial.loss is not None]
    if not finished:
        return candidate
    best = min(finished, key=lambda trial: (trial.loss, trial.number))
    return candidate.tuned(best.parameters)


@contextmanager
def _quietly() -> Iterator[None]:
    """Optuna without its own report of every trial, and without notes on what is experimental in it."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
