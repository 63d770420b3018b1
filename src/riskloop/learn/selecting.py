"""Selecting: cross-fit every candidate, tune the best, blend them, and choose by money, within the time there is."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from riskloop.errors import ConfigError
from riskloop.learn.blending import BLENDS
from riskloop.learn.block import Block
from riskloop.learn.candidates.candidate import Candidate
from riskloop.learn.choice import Choice, Contender, choose
from riskloop.learn.contending import DISTILLED, blended, contend, distil, recency
from riskloop.learn.crew import HERE, Crew
from riskloop.learn.crossfit import OutOfFold, OutOfTime, crossfit
from riskloop.learn.plan import Memory, Plan, Watcher
from riskloop.learn.rounds import best_rounds, crossfit_boosted
from riskloop.learn.tuning.search import Budget, Trial, tune

_TUNED_FAMILIES = 3
"""How many of the best families share the trials."""
_FEWEST_TRIALS = 10
"""Trials in a family below which searching it is a waste of time."""
_PROMISING = 1.02
"""How far above the lowest log loss a family may be if a limited time is to be spent on searching it."""
_FOR_OTHERS, _FOR_DEFAULTS, _FOR_TRIALS = 0.25, 0.6, 0.8
"""Shares of the time by which the families at their defaults are done (those that no blend can use must be quicker),
and the trials; then comes the last fit."""


def select(
    block: Block,
    plan: Plan,
    memory: Memory | None = None,
    watcher: Watcher | None = None,
    crew: Crew = HERE,
) -> tuple[Choice, tuple[Contender, ...]]:
    """Cross-fit, tune and blend on the block, and choose; returns the contenders too, cheapest first.

    The crew fits folds and trials; a student of a blend is taught here.
    """
    contenders = _Selection(block, plan, memory, watcher, crew).contenders()
    choice = choose(
        _eligible(contenders, plan),
        block.outcome[block.judged],
        plan.costs_of(block.columns, block.judged),
        seed=plan.seed,
        weight=recency(block) if block.forward else None,
        stretch=block.fold[block.judged] if block.forward else None,
        prefer=plan.prefer,
    )
    return choice, tuple(sorted(contenders, key=lambda one: one.cost_per_thousand))


def _eligible(contenders: Sequence[Contender], plan: Plan) -> list[Contender]:
    """Those within the limits on time and size."""
    slowest, largest = plan.max_ms_per_thousand or math.inf, plan.max_megabytes or math.inf
    eligible = [
        one
        for one in contenders
        if one.out_of_fold.predict_seconds * 1000 <= slowest and one.out_of_fold.megabytes <= largest
    ]
    if not eligible:
        raise ConfigError(
            f"None of the {len(contenders)} candidates is within the limits on prediction time and size.",
            where="training.max_ms_per_thousand, training.max_megabytes",
            next_step="raise the limits, or name a lighter family in training.candidates",
        )
    return eligible


@dataclass
class _Selection:
    """One selection under way."""

    block: Block
    plan: Plan
    memory: Memory | None
    watcher: Watcher | None
    crew: Crew = HERE
    started: float = field(default_factory=time.monotonic)
    _needs: dict[str, float] = field(default_factory=dict)  # seconds, of families that there was no time for

    def contenders(self) -> list[Contender]:
        """Single families first, then what is made of them."""
        families = list(self._suitable())
        singles = {one.name: one for one in self._singles(families, _FOR_DEFAULTS)}
        if not singles:
            raise ConfigError("There is no candidate to train.", where="training.candidates", next_step="name a family")
        for one in self._tuned(list(singles.values())):
            singles[one.name] = one
        # where a search had no use for the time, families that were left out may have
        late = [one for one in families if one.name not in singles]
        singles |= {one.name: one for one in self._singles(late, _FOR_TRIALS)}
        for family in families:
            if family.name not in singles:
                needs = self._needs.get(family.name)
                self._left_out(family, f"no time left for it{f' (about {math.ceil(needs)} s)' if needs else ''}")
        return [*singles.values(), *self._made_of(list(singles.values()))]

    def _suitable(self) -> Iterator[Candidate]:
        for family in self.plan.candidates:
            if family.monotone or not self._directed:
                yield family
            else:
                self._left_out(family, "it cannot honour the directions that the contract declares")

    def _singles(self, families: Sequence[Candidate], share: float) -> Iterator[Contender]:
        """Each family as it is, or as an earlier search left it; the first of the plan whatever time it takes."""
        for family in families:
            candidate = family.tuned(self.plan.tuned.get(family.name, {}))
            until = self._until(share if family.additive else min(share, _FOR_OTHERS))
            if until is not None and self._needs.get(family.name, 0.0) > until - time.monotonic():
                continue
            try:
                yield self._contender(candidate, None if family is self.plan.candidates[0] else until)
            except OutOfTime as late:
                self._needs[family.name] = late.seconds

    @property
    def _directed(self) -> bool:
        return any(column.type == "number" and column.monotone for column in self.block.contract.used)

    def _tuned(self, singles: Sequence[Contender]) -> Iterator[Contender]:
        """The best families again, with what a search found, unless it found nothing better than the defaults."""
        if self.plan.tuned or not (self.plan.trials or self.plan.seconds):
            return
        for position, contender in enumerate(best := self._promising(singles)):
            family = next(one for one in self.plan.candidates if one.name == contender.name)
            found = self._search(family, len(best) - position, len(best))
            if found.key not in (family.key, contender.candidate.key):  # type: ignore[union-attr]
                yield self._contender(found, None)

    def _promising(self, singles: Sequence[Contender]) -> list[Contender]:
        """Those with the lowest log loss, among those quick enough for a search to find something in the time left."""
        able = [one for one in singles if one.candidate and one.candidate.space and one.candidate.balance == "none"]
        able.sort(key=lambda one: one.evaluation["log_loss"].value)
        worst = _PROMISING * min((one.evaluation["log_loss"].value for one in singles), default=0.0)
        until = self._until(_FOR_TRIALS)
        if until is None:
            return able[:_TUNED_FAMILIES]
        left = max(0.0, until - time.monotonic())
        times = _FEWEST_TRIALS * self.crew.rounds(self.block.folds, len(self.block.outcome))
        near = [one for one in able if one.evaluation["log_loss"].value <= worst]
        for count in range(_TUNED_FAMILIES, 0, -1):
            quick = [one for one in near if one.out_of_fold.fit_seconds * times <= left / count]
            if len(quick) >= count:
                return quick[:count]
        return []

    def _search(self, candidate: Candidate, left: int, families: int) -> Candidate:
        """This family's share of the budget."""
        until = self._until(_FOR_TRIALS)
        if until is not None:
            now = time.monotonic()
            until = now + max(0.0, until - now) / left
        budget = Budget(math.ceil(self.plan.trials / families) if self.plan.trials else None, until)

        def told(_: Candidate, trial: Trial, lowest: float) -> None:
            if self.watcher:
                self.watcher.trial(candidate.name, trial, lowest)

        return tune(
            candidate,
            self.block,
            budget,
            method=self.plan.search,
            seed=self.plan.seed,
            storage=self.memory.trials(candidate.name) if self.memory else None,
            on_trial=told,
            crew=self.crew,
        ).candidate

    def _made_of(self, singles: Sequence[Contender]) -> Iterator[Contender]:
        members = [one for one in singles if one.blendable]
        if len(members) < 2:
            return
        teacher: Contender | None = None
        for kind in BLENDS:
            if kind in self.plan.blends or (kind == "blend" and DISTILLED in self.plan.blends):
                contender = blended(kind, members, self.block, self.plan)
                teacher = teacher or contender
                if kind in self.plan.blends:
                    yield self._finished(contender)
        if teacher and DISTILLED in self.plan.blends:
            yield self._finished(distil(teacher, members, self.block, self.plan, self.memory, self.watcher))

    def _contender(self, candidate: Candidate, until: float | None) -> Contender:
        result = self._crossfitted(candidate, until)
        if candidate.name not in self.plan.tuned:
            candidate, result = best_rounds(candidate, result, self.block, recency(self.block))
        contender = contend(candidate.name, candidate.complexity, result, self.block, self.plan, candidate=candidate)
        return self._finished(contender)

    def _crossfitted(self, candidate: Candidate, until: float | None) -> OutOfFold:
        result = self.memory.recall(candidate.key) if self.memory else None
        if result is None:
            watcher = self.watcher
            on_fold = (lambda done, total: watcher.fold(candidate.name, done, total)) if watcher else None
            # what was found before is taken as it is
            cross = crossfit if candidate.name in self.plan.tuned else crossfit_boosted
            result = cross(candidate, self.block, seed=self.plan.seed, on_fold=on_fold, until=until, crew=self.crew)
            if self.memory:
                self.memory.keep(candidate.key, result)
        return result

    def _finished(self, contender: Contender) -> Contender:
        if self.watcher:
            self.watcher.finished(contender)
        return contender

    def _left_out(self, candidate: Candidate, reason: str) -> None:
        if self.watcher:
            self.watcher.left_out(candidate.name, reason)

    def _until(self, share: float) -> float | None:
        return None if self.plan.seconds is None else self.started + share * self.plan.seconds
