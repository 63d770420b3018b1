"""The book: the newest predictions of the ledger as columns in memory, brought up to date when somebody looks.

A page that counts, ranks or filters a hundred thousand predictions must not read them anew each time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, String, func, select, type_coerce

from riskloop.costs import Costs, FloatArray
from riskloop.decide.policy import BANDS, Policy
from riskloop.keep.database import reading
from riskloop.keep.tables import predictions
from riskloop.keep.tables import versions as version_table
from riskloop.serve.champion import Champion

MOST = 250_000
"""So many are held; what is older is counted, and shown in the audit, but not ranked."""
_LOOK_AGAIN_SECONDS = 2.0
_CHUNK = 10_000
_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, eq=False)
class Page:
    """Predictions as columns of shape (n,), in the order written; replaced as a whole, never changed.

    Attributes
    ----------
    seq : int array
    at : datetime64 array
        UTC.
    version : int array
    arm, decision, band : int array
        Codes: see `words`.
    probability, threshold, expected_cost, gain, latency : float array
        ``gain`` is what acting saves in expectation, in currency; NaN where a policy is not known.
    act : bool array
        Whether the policy acts.
    prediction, customer : object array of str
        Ids; a customer without one is empty.
    words : tuple of str
        What codes stand for.
    total : int
        Predictions in the ledger, those too that are not held.
    """

    seq: NDArray[np.int64]
    at: NDArray[np.datetime64]
    version: NDArray[np.int64]
    arm: NDArray[np.int32]
    decision: NDArray[np.int32]
    band: NDArray[np.int32]
    probability: FloatArray
    threshold: FloatArray
    expected_cost: FloatArray
    gain: FloatArray
    latency: FloatArray
    act: NDArray[np.bool_]
    prediction: NDArray[np.object_]
    customer: NDArray[np.object_]
    words: tuple[str, ...] = ()
    total: int = 0

    def __len__(self) -> int:
        return len(self.seq)

    @cached_property
    def decided(self) -> NDArray[np.bool_]:
        """What was a decision: everything but what a shadow would have said."""
        return ~self.has(self.arm, "shadow")

    def has(self, codes: NDArray[np.int32], word: str) -> NDArray[np.bool_]:
        """Where a column of codes says a word."""
        if word not in self.words:
            return np.zeros(len(codes), dtype=bool)
        return np.asarray(codes == self.words.index(word))

    def told(self, codes: NDArray[np.int32]) -> list[str]:
        """The words that a column of codes holds, in alphabetical order."""
        return sorted(self.words[code] for code in np.unique(codes).tolist())

    @cached_property
    def latest(self) -> NDArray[np.intp]:
        """Positions of every customer's newest decision; of those without an id, all."""
        newest: dict[str, int] = {}
        decided = np.flatnonzero(self.decided)
        named = zip(decided.tolist(), self.customer[decided].tolist(), self.prediction[decided].tolist(), strict=True)
        for place, customer, prediction in named:
            newest[customer or f"\0{prediction}"] = place
        return np.fromiter(newest.values(), dtype=np.intp, count=len(newest))


_COLUMNS = tuple(name for name in Page.__dataclass_fields__ if name not in ("total", "words"))
_P = predictions.c


class Book:
    """Reads what is new in the ledger whenever it is asked; one per process, for all threads.

    Parameters
    ----------
    engine : Engine
    champion : Champion
        Its policy prices what it decided.
    """

    def __init__(self, engine: Engine, champion: Champion) -> None:
        self._engine = engine
        self._champion = champion
        self._turn = threading.Lock()
        self._page = _empty()
        self._policies: dict[int, Policy | None] = {}
        self._words: dict[str, int] = {}
        self._look_at = 0.0

    def now(self) -> Page:
        """The page of this moment; blocks while it reads.

        Raises
        ------
        Unavailable
            If the database is away.
        """
        with self._turn, reading(self._engine) as connection:
            if self._page.total and self._gone(connection):
                self._page = _empty()
            page = self._page
            last = int(page.seq[-1]) if len(page) else 0
            newest = connection.scalar(select(func.max(_P.seq))) or 0
            if newest > last:
                page = self._extended(connection, page, max(last, newest - MOST))
            self._page = page
            return page

    def _gone(self, connection: Connection) -> bool:
        """Whether rows were deleted: a customer who was erased must not live on here."""
        started = time.monotonic()
        if started < self._look_at:
            return False
        held = connection.scalar(select(func.count()).select_from(predictions).where(_P.seq <= int(self._page.seq[-1])))
        took = time.monotonic() - started
        self._look_at = started + max(_LOOK_AGAIN_SECONDS, 50 * took)
        return bool(held != self._page.total)

    def _extended(self, connection: Connection, page: Page, after: int) -> Page:
        self._learn(connection)
        priced = any(policy is not None and policy.costs.names for policy in self._policies.values())
        read = (
            _P.seq, type_coerce(_P.at, String), _P.version, _P.arm, _P.decision, _P.risk_band, _P.probability,
            _P.threshold, _P.expected_cost, _P.latency_ms, _P.prediction_id, _P.entity_id,
            *([_P.features] if priced else []),
        )  # fmt: skip
        skipped = 0
        if not len(page) and after:
            skipped = connection.scalar(select(func.count()).select_from(predictions).where(_P.seq <= after)) or 0
        query = select(*read).order_by(_P.seq).limit(_CHUNK)
        parts = [page] if len(page) else []
        total = page.total + skipped
        while rows := connection.execute(query.where(_P.seq > after)).all():  # in parts: rows are larger than columns
            parts.append(self._columns(rows, priced))
            total += len(rows)
            after = rows[-1][0]
        if not parts:
            return page
        joined = {name: np.concatenate([getattr(part, name) for part in parts])[-MOST:] for name in _COLUMNS}
        return Page(**joined, words=tuple(self._words), total=total)

    def _codes(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """The code of every word; new ones are added to the table."""
        words = self._words
        return np.fromiter((words.setdefault(text, len(words)) for text in texts), dtype=np.int32, count=len(texts))

    def _columns(self, rows: Sequence[Any], priced: bool) -> Page:
        seq, at, version, arm, decision, band, probability, threshold, cost, latency, prediction, customer, *more = zip(
            *rows, strict=True
        )
        versions, chance, decided = np.array(version, dtype=np.int64), _floats(probability), self._codes(decision)
        acts = np.zeros(len(rows), dtype=bool)
        gain = np.full(len(rows), np.nan)
        for number in np.unique(versions).tolist():
            policy, here = self._policies.get(number), versions == number
            if policy is None:
                continue
            features = [more[0][place] for place in np.flatnonzero(here)] if priced and policy.costs.names else []
            gain[here] = _costs(policy, features).gain(chance[here])
            acts[here] = decided[here] == self._words.get(policy.labels[0], -1)
        return Page(
            seq=np.array(seq, dtype=np.int64),
            at=np.array([text[:-1] for text in at], dtype="datetime64[us]"),
            version=versions,
            arm=self._codes(arm),
            decision=decided,
            band=self._codes([one or BANDS[0] for one in band]),
            probability=chance,
            threshold=_floats(threshold),
            expected_cost=_floats(cost),
            gain=gain,
            latency=_floats(latency),
            act=acts,
            prediction=np.array(prediction, dtype=object),
            customer=np.array([one or "" for one in customer], dtype=object),
        )

    def _learn(self, connection: Connection) -> None:
        """The policies of versions that are not known yet."""
        v = version_table.c
        for number, summary in connection.execute(select(v.version, v.summary)):
            if number not in self._policies:
                told = summary.get("policy") if isinstance(summary, Mapping) else None
                self._policies[number] = Policy.from_dict(told) if told else None
        arms = self._champion.arms
        for live in (arms.champion, arms.challenger) if arms else ():
            if live is not None:
                self._policies[live.record.version] = live.bundle.policy


def _costs(policy: Policy, features: Sequence[str]) -> Costs:
    if not policy.costs.names:
        return policy.costs.of({})
    read = [_decode(text) for text in features]
    return policy.costs.of({name: np.array([_number(row.get(name)) for row in read]) for name in policy.costs.names})


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")


def _floats(values: Sequence[float | None]) -> FloatArray:
    return np.array(values, dtype=np.float64)  # None becomes NaN


def _empty() -> Page:
    words = np.empty(0, dtype=object)
    numbers, whole, codes = np.empty(0), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32)
    return Page(
        seq=whole, at=np.empty(0, dtype="datetime64[us]"), version=whole, arm=codes, decision=codes, band=codes,
        probability=numbers, threshold=numbers, expected_cost=numbers, gain=numbers, latency=numbers,
        act=np.empty(0, dtype=bool), prediction=words, customer=words,
    )  # fmt: skip
