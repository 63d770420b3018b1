"""The rollout: champion and challenger, whom each answers, and what a shadow would have said."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, Self

from riskloop.bundle.bundle import Bundle
from riskloop.costs import Costs
from riskloop.decide.arms import Exploration, Split
from riskloop.errors import RiskloopError
from riskloop.explain.reasoner import Reasoner
from riskloop.keep.ledger import Prediction
from riskloop.keep.versions import Version
from riskloop.keep.writer import GroupCommitWriter
from riskloop.problem import Customer
from riskloop.serve.answers import ModelRef
from riskloop.serve.config import WhenReasons
from riskloop.serve.received import Reader, Received
from riskloop.serve.scoring import Outcome, Scored, reasons_for, score, score_json, score_received

_log = logging.getLogger("riskloop.serve")


@dataclass(frozen=True, slots=True)
class Live:
    """A verified bundle that answers. A request takes one reference and keeps it to its end.

    Attributes
    ----------
    reasons : {"asked", "adverse", "always"}
        Who gets reasons beside those who ask for them: nobody, whoever gets the adverse decision, or everybody.
    reader : Reader, optional
        Reads customers of its contract in one go.
    """

    bundle: Bundle
    record: Version
    reasoner: Reasoner
    alias: str = "champion"
    reasons: WhenReasons = "asked"
    reader: Reader | None = None

    @property
    def ref(self) -> ModelRef:
        return ModelRef(self.record.name, self.record.version, self.alias, self.bundle.digest)

    def explains(self, one: Outcome) -> bool:
        """Whether a customer who was scored gets reasons."""
        if not isinstance(one, Scored):
            return False
        if one.customer.explain or self.reasons == "always":
            return True
        return self.reasons == "adverse" and self.reasoner.adverse(one.decision.decision)

    def takes_long(self, customer: Customer | Received) -> bool:
        """Whether a customer may get reasons that take long: the tables for them may have to be built first."""
        return (customer.explain or self.reasons != "asked") and not self.reasoner.quick


@dataclass(frozen=True, slots=True)
class Arms:
    """Who answers whom at one moment; replaced as a whole, never changed."""

    champion: Live
    challenger: Live | None = None
    split: Split | None = None
    exploration: Exploration | None = None

    def of(self, customer: str | None) -> Live:
        """Who answers a customer; those who are left alone to explore belong to the champion."""
        if self.challenger is None or self.split is None:
            return self.champion
        if self.exploration is not None and self.exploration.takes(customer):
            return self.champion
        return self.challenger if self.split.arm_of(customer) == "challenger" else self.champion

    @property
    def shadow(self) -> Live | None:
        """Who would have answered, where one only looks on."""
        return self.challenger if self.split is not None and self.split.shadow else None


class Decided(NamedTuple):
    """What became of a customer, and who decided it."""

    live: Live
    scored: Outcome
    reasons: list[dict[str, Any]]


_Score = Callable[[Bundle, Sequence[Customer]], Sequence[Outcome]]


def decide(arms: Arms, customers: Sequence[Customer], *, typed: bool) -> list[Decided]:
    """Decide about customers, each by their own arm.

    Whom the challenger cannot read the champion answers: a comparison must not cost anybody an answer.
    """
    return _explore(arms, _decide(arms, customers, partial(score, typed=typed)))


def decide_json(arms: Arms, customers: Sequence[Customer | Received]) -> list[Decided]:
    """What :func:`decide` says of a few customers whose values are JSON, each for itself: where the model has no
    answer to one, that error stands in the place of the score.

    Whom the champion's reader has read are decided from what it read, where they are alone with the champion.
    """
    live = arms.champion
    received = [one for one in customers if isinstance(one, Received)]
    if live.reader and arms.challenger is None and len(received) == len(customers):
        return _explore(arms, _decided(live, score_received(live.bundle, live.reader, received)))
    usual = [one.customer() if isinstance(one, Received) else one for one in customers]
    return _explore(arms, _decide(arms, usual, score_json))


def _decide(arms: Arms, customers: Sequence[Customer], by: _Score) -> list[Decided]:
    if arms.challenger is None:
        return _decided(arms.champion, by(arms.champion.bundle, customers))
    lives = [arms.of(customer.id) for customer in customers]
    found: list[Decided | None] = [None] * len(customers)
    for live in (arms.challenger, arms.champion):
        rows = [row for row, one in enumerate(lives) if one is live and found[row] is None]
        scored = by(live.bundle, [customers[row] for row in rows]) if rows else []
        for row, one in zip(rows, _decided(live, scored), strict=True):
            if isinstance(one.scored, Scored) or live is arms.champion:
                found[row] = one
            else:
                lives[row] = arms.champion
    return [one for one in found if one is not None]


def _explore(arms: Arms, decided: list[Decided]) -> list[Decided]:
    return decided if arms.exploration is None else [_explored(one, arms.exploration) for one in decided]


def _explored(decided: Decided, exploration: Exploration) -> Decided:
    """The same, but left alone, where the customer is one of those; the arm says so."""
    live, scored, reasons = decided
    if not isinstance(scored, Scored) or not exploration.takes(scored.customer.id):
        return decided
    live = replace(live, alias=exploration.arm)
    if not scored.decision.act:
        return Decided(live, scored, reasons)
    policy, costs = live.bundle.policy, live.bundle.policy.costs
    known = costs if isinstance(costs, Costs) else costs.of(live.bundle.contract.decode_rows([scored.features]).columns)
    left = scored._replace(decision=policy.left_alone(scored.decision, known))
    return Decided(live, left, reasons)


def _decided(live: Live, scored: Sequence[Outcome]) -> list[Decided]:
    told: list[list[dict[str, Any]]] = [[] for _ in scored]
    asked = [row for row, one in enumerate(scored) if live.explains(one)]
    if asked:
        for row, reasons in zip(asked, reasons_for(live.reasoner, [scored[row] for row in asked]), strict=True):
            told[row] = reasons
    return [Decided(live, one, reasons) for one, reasons in zip(scored, told, strict=True)]


class Shadow:
    """Keeps what a challenger would have said: after the answer, on a thread of its own, or not at all.

    Attributes
    ----------
    dropped : int
        Customers for whom there was no time.
    """

    def __init__(
        self, writer: GroupCommitWriter, kept: Callable[[Sequence[Prediction]], None], *, capacity: int = 20_000
    ) -> None:
        self.dropped = 0
        self._held, self._capacity, self._counting = 0, capacity, threading.Lock()
        self._writer = writer
        self._kept = kept
        self._waiting: queue.SimpleQueue[tuple[Callable[[], list[Prediction]], int] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="riskloop-shadow", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        while True:  # what waits is given up: answers have gone out already
            try:
                self._waiting.get_nowait()
            except queue.Empty:
                break
        self._waiting.put(None)
        self._thread.join()

    def offer(self, look: Callable[[], list[Prediction]], customers: int) -> None:
        """Look on at so many customers, if there is time."""
        with self._counting:
            if self._held + customers > self._capacity:
                self.dropped += customers
                return
            self._held += customers
        self._waiting.put((look, customers))

    def _run(self) -> None:
        while waiting := self._waiting.get():
            look, customers = waiting
            try:
                for prediction in look():
                    self._writer.submit(prediction).add_done_callback(self._count(prediction))
            except RiskloopError as error:
                self._drop(customers)
                _log.warning("a shadow prediction was not kept: %s", error)
            except Exception:  # whatever it is, the thread must live
                self._drop(customers)
                _log.exception("a shadow prediction failed")
            with self._counting:
                self._held -= customers

    def _drop(self, customers: int) -> None:
        with self._counting:
            self.dropped += customers

    def _count(self, prediction: Prediction) -> Callable[[Future[None]], None]:
        def counted(done: Future[None]) -> None:
            if done.exception() is None:
                self._kept([prediction])
            else:
                self._drop(1)

        return counted
