"""The nearest flip: the smallest change of what a customer can change that turns the decision."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskloop.bundle.bundle import Bundle
from riskloop.data.contract import Columns
from riskloop.decide.reason_texts import Value
from riskloop.decide.reasons import Bounds
from riskloop.explain.reasoner import OTHER, decoded_baseline

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
MOST_COLUMNS = 3
_GRID = 32
"""Values tried of a number."""
_BEAM = 12
"""Changes that are carried on to another column."""
_REFINED = 17
"""Values tried between the last one that does not turn the decision and the first that does, twice."""
_TEXT_STEP = 1.0
"""How far one level of a category lies from another, in standard deviations of a number."""


@dataclass(frozen=True, slots=True)
class Change:
    """A column, and what it is changed to."""

    column: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class Flip:
    """A change that turns the decision.

    Attributes
    ----------
    changes : tuple of Change
    distance : float
        How far: standard deviations of numbers among the baseline's customers, 1 for every category, added up.
    probability : float
        After the change.
    decision : str
    """

    changes: tuple[Change, ...]
    distance: float
    probability: float
    decision: str


Move = Mapping[str, float]
"""Decoded values by column."""


@dataclass(frozen=True)
class _Room:
    """The values that a column may take."""

    values: FloatArray
    before: float
    spread: float
    number: bool
    whole: bool

    def distance(self, value: float) -> float:
        if not self.number:
            return 0.0 if value == self.before else _TEXT_STEP
        return 1.0 if math.isnan(self.before) else abs(value - self.before) / self.spread


def favoured(bundle: Bundle, probability: FloatArray, columns: Columns) -> BoolArray:
    """Who gets the decision that customers would rather have, shape (n,)."""
    costs = bundle.policy.costs.of(columns)
    act = bundle.policy.act(probability, costs)
    return act if bundle.rules.adverse == "pass" else ~act & ~bundle.policy.reviewed(probability, costs)


def nearest_flip(bundle: Bundle, columns: Columns, *, most_columns: int = MOST_COLUMNS) -> Flip | None:
    """The smallest change of actionable columns that turns the decision about one customer; None if none is found.

    One column is searched on a grid and then finely. Only if no change of one column turns the decision, the most
    promising ones are carried on to a second and a third: there a smaller change may exist that is not found.

    Parameters
    ----------
    columns : mapping of str to array, shape (1,)
        Decoded.
    most_columns : int
        Columns changed at most.
    """
    search = _Search(bundle, columns)
    beam: list[Move] = [{}]
    for _ in range(most_columns):
        moves = search.extended(beam)
        if not moves:
            return None
        probability, turned = search.judge(moves)
        found = [move for move, done in zip(moves, turned.tolist(), strict=True) if done]
        if found:
            return search.flip(min(map(search.refined, _nearest(search, found)), key=search.distance))
        beam = search.promising(moves, probability)
    return None


def _nearest(search: _Search, moves: list[Move]) -> list[Move]:
    """The smallest move of each set of columns."""
    best: dict[frozenset[str], Move] = {}
    for move in sorted(moves, key=search.distance):
        best.setdefault(frozenset(move), move)
    return list(best.values())[:_BEAM]


class _Search:
    def __init__(self, bundle: Bundle, columns: Columns) -> None:
        self._bundle, self._columns = bundle, columns
        baseline = decoded_baseline(bundle)
        self._rooms = {
            name: room
            for name, bounds in _actionable(bundle).items()
            if (room := _room(bundle, name, bounds, baseline[name], columns[name][0])) is not None
        }
        probability = bundle.scorer.probability(columns)
        self._favoured = bool(favoured(bundle, probability, columns)[0])
        # towards the other side: up where the customer must be acted on
        acted = self._favoured == (bundle.rules.adverse == "pass")
        self._sign = -1.0 if acted else 1.0

    def extended(self, beam: list[Move]) -> list[Move]:
        """Every move with one column more."""
        longer = (
            {**move, name: value}
            for move in beam
            for name, room in self._rooms.items()
            if name not in move
            for value in room.values.tolist()
        )
        return list({frozenset(move.items()): move for move in longer}.values())

    def judge(self, moves: list[Move]) -> tuple[FloatArray, BoolArray]:
        """Probability after each move, and whether it turns the decision."""
        columns = {name: np.repeat(values, len(moves)) for name, values in self._columns.items()}
        for row, move in enumerate(moves):
            for name, value in move.items():
                columns[name][row] = value
        probability = self._bundle.scorer.probability(columns)
        return probability, favoured(self._bundle, probability, columns) != self._favoured

    def distance(self, move: Move) -> float:
        return math.fsum(self._rooms[name].distance(value) for name, value in move.items())

    def promising(self, moves: list[Move], probability: FloatArray) -> list[Move]:
        """Those that come furthest, and those that come furthest for their length; a few of each column."""
        before = float(self._bundle.scorer.probability(self._columns)[0])
        gained = (self._sign * (probability - before)).tolist()
        far = sorted(range(len(moves)), key=lambda at: -gained[at])
        per_step = sorted(far, key=lambda at: -gained[at] / (self.distance(moves[at]) or math.inf))
        return [moves[at] for at in dict.fromkeys(chain.from_iterable(zip(far[:_BEAM], per_step[:_BEAM], strict=True)))]

    def refined(self, move: Move) -> Move:
        """The same move with every number as little changed as still turns the decision."""
        for name in move:
            room = self._rooms[name]
            if room.number and not math.isnan(room.before):
                for _ in range(2):
                    move = self._shortened(move, name, room)
                move = self._rounded(move, name, room)
        return move

    def _shortened(self, move: Move, name: str, room: _Room) -> Move:
        tried = np.linspace(room.before, move[name], _REFINED)[1:]
        if room.whole:
            tried = np.unique(np.round(tried))
            tried = tried if move[name] > room.before else tried[::-1]
        shorter: list[Move] = [{**move, name: value} for value in tried.tolist()]
        _, turned = self.judge(shorter)
        return shorter[int(np.argmax(turned))] if turned.any() else move

    def _rounded(self, move: Move, name: str, room: _Room) -> Move:
        """A rounder number beside it that turns the decision too, the roundest there is."""
        value, away = move[name], math.copysign(1.0, move[name] - room.before)
        low, high = float(room.values.min()), float(room.values.max())
        rounder = [one for one in _rounder(value, away) if low <= one <= high]
        moves: list[Move] = [{**move, name: one} for one in rounder]
        if not moves:
            return move
        _, turned = self.judge(moves)
        return moves[int(np.argmax(turned))] if turned.any() else move

    def flip(self, move: Move) -> Flip:
        probability, _ = self.judge([move])
        columns = self._columns | {
            name: np.array([value], dtype=self._columns[name].dtype) for name, value in move.items()
        }
        decided = self._bundle.policy.decide(float(probability[0]), self._bundle.policy.costs.of(columns))
        changes = tuple(
            Change(name, self._told(name, self._rooms[name].before), self._told(name, value))
            for name, value in move.items()
            if value != self._rooms[name].before
        )
        return Flip(changes, self.distance(move), float(probability[0]), decided.decision)

    def _told(self, name: str, value: float) -> Value:
        column = self._bundle.contract.by_name[name]
        if column.type != "category":
            return None if math.isnan(value) else float(value)
        return None if value < 0 else column.levels[int(value)] if value < len(column.levels) else OTHER


def _rounder(value: float, away: float) -> list[float]:
    """Numbers of two to five digits next to a value, on the side away from where it came, the roundest first."""
    if not value:
        return []
    magnitude = math.floor(math.log10(abs(value)))
    steps = [10.0 ** (magnitude - digits) for digits in (1, 2, 3, 4)]
    return [round((math.ceil if away > 0 else math.floor)(value / step) * step, 12) for step in steps]


def _actionable(bundle: Bundle) -> dict[str, Bounds]:
    """The columns a customer can change. What comes from linked tables is past, and dates are: only if declared."""
    rules, linked = bundle.rules, set(bundle.linked.names)
    if rules.actionable:
        return {name: bounds for name, bounds in rules.actionable.items() if name in bundle.contract.features}
    return {
        column.name: Bounds()
        for column in bundle.contract.used
        if column.name not in rules.barred | linked and column.type != "date"
    }


def _room(bundle: Bundle, name: str, bounds: Bounds, seen: NDArray[Any], before: Any) -> _Room | None:
    """The values that a column may take beside the customer's; None if there are none."""
    column = bundle.contract.by_name[name]
    if column.type == "category":
        codes = [code for code, level in enumerate(column.levels) if not bounds.levels or level in bounds.levels]
        values = np.array([float(code) for code in codes if code != before])
        return _Room(values, float(before), 1.0, number=False, whole=True) if len(values) else None
    known = seen[~np.isnan(seen)]
    if not len(known):
        return None
    low = next(one for one in (bounds.minimum, float(known.min())) if one is not None)
    high = next(one for one in (bounds.maximum, float(known.max())) if one is not None)
    low = max(low, -math.inf if column.minimum is None else column.minimum)
    high = min(high, math.inf if column.maximum is None else column.maximum)
    if bounds.direction == "up" and not math.isnan(before):
        low = max(low, float(before))
    if bounds.direction == "down" and not math.isnan(before):
        high = min(high, float(before))
    if low > high:
        return None
    quantiles = np.quantile(known, np.linspace(0, 1, _GRID // 2), method="nearest")
    tried = np.concatenate([quantiles[(quantiles >= low) & (quantiles <= high)], np.linspace(low, high, _GRID // 2)])
    whole = bool((known == np.round(known)).all())
    values = np.unique(np.clip(np.round(tried), math.ceil(low), math.floor(high)) if whole else tried)
    values = values[values != before]
    return _Room(values, float(before), float(known.std()) or 1.0, number=True, whole=whole) if len(values) else None
