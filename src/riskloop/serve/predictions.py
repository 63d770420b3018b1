"""The scoring endpoints: what is answered is in the ledger before it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import islice
from time import perf_counter
from typing import Any

import msgspec
from msgspec.structs import replace as copy_of
from starlette.requests import Request
from starlette.responses import Response

from riskloop.data.linked.online import linked_features
from riskloop.errors import Conflict, NotFound, RiskloopError
from riskloop.keep.customers import Customers
from riskloop.keep.ledger import Prediction
from riskloop.problem import Customer
from riskloop.serve.answers import Answer, BatchAnswer, FieldError, ModelRef, RefusedRow
from riskloop.serve.body import CSV, JSON, decode_json, media_type_of, read_body
from riskloop.serve.call import Call, bad_key, explain_of, idempotency_key, language_of, moment_of, wants_csv
from riskloop.serve.champion import Champion
from riskloop.serve.config import ServeConfig
from riskloop.serve.direct import JsonBytes
from riskloop.serve.envelope import Errors, check_id, read_csv, read_envelope
from riskloop.serve.journal import Journal, Kept, Told
from riskloop.serve.metrics import Metrics
from riskloop.serve.problems import MOST_ERRORS, RequestRefused, invalid, nothing_scored, request_id
from riskloop.serve.rollout import Live, Shadow, decide, decide_json
from riskloop.serve.scoring import Scored, answer_of, replay, score
from riskloop.serve.turn import Turn
from riskloop.serve.upload import Uploads

_encode = msgspec.json.Encoder().encode


class Predictions:
    """``/predict``, ``/predict/batch`` and ``/customers/{id}/prediction``.

    Parameters
    ----------
    clock : callable
        The time now; aware.
    new_id : callable
        A new prediction id.

    Attributes
    ----------
    uploads : Uploads
        Files of any length; to be closed at the end.
    """

    def __init__(
        self,
        config: ServeConfig,
        champion: Champion,
        journal: Journal,
        customers: Customers,
        metrics: Metrics,
        shadow: Shadow,
        *,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._config = config
        self._champion = champion
        self._journal = journal
        self._customers = customers
        self._metrics = metrics
        self._shadow = shadow
        self._clock = clock
        self._new_id = new_id
        self._turn = Turn(journal, clock=clock, new_id=new_id)
        self.uploads = Uploads(config.max_upload_bytes, self.score_rows, self.keep)

    async def one(self, request: Request) -> Response:
        """``POST /predict``: one customer."""
        started = perf_counter()
        key = idempotency_key(request)
        _, data = await read_body(request, (JSON,), self._config.max_body_bytes)
        call = Call(self._champion.require(), started, request_id(request), language_of(request), key)
        customer = read_envelope(decode_json(data), call.contract)
        if isinstance(customer, list):
            raise invalid(customer)
        return await self._answer(call, customer, typed=True)

    def plain(self, request: Request, data: bytes, started: float, told: Told) -> Callable[[Kept], None] | None:
        """What :meth:`one` does for a plain request whose body is there, without a coroutine.

        Returns
        -------
        callable or None
            What is to be done with the prediction that `told` will hear of; None where something else has to be
            waited for first, and nothing has been done.
        """
        if len(data) > self._config.max_body_bytes:
            return None
        arms = self._champion.require()
        call = Call(arms, started, request_id(request), language_of(request))
        reader = arms.champion.reader if arms.challenger is None else None
        if reader and (received := reader.read(data)):
            if arms.champion.takes_long(received):
                return None
            self._turn.ask(call, received, told)
            return self._count
        customer = read_envelope(decode_json(data), call.contract)
        if isinstance(customer, list):
            raise invalid(customer)
        if arms.of(customer.id).takes_long(customer):
            return None
        self._turn.ask(call, customer, told)
        return partial(self._finished, call, customer, typed=True)

    async def batch(self, request: Request) -> Response:
        """``POST /predict/batch``: a JSON list of envelopes, or CSV; CSV that is to be answered in CSV as it comes."""
        started = perf_counter()
        if "idempotency-key" in request.headers:
            raise bad_key("A batch takes no Idempotency-Key.", "send it with single requests")
        if wants_csv(request) and media_type_of(request, (JSON, CSV)) == CSV:
            call = Call(self._champion.require(), started, request_id(request), language_of(request))
            return await self.uploads.answer(request, call)
        media_type, data = await read_body(request, (JSON, CSV), self._config.max_body_bytes)
        call = Call(self._champion.require(), started, request_id(request), language_of(request))
        answers, kept, customers = await asyncio.to_thread(self._score_batch, call, data, media_type)
        await self.keep(call, kept, customers, typed=media_type == JSON)
        return json_response(BatchAnswer(len(kept), len(answers) - len(kept), answers))

    async def all_or_none(self, request: Request, customers: Sequence[Customer]) -> list[Prediction]:
        """Decide about many for whom there is one answer: kept together, or refused for one that breaks the contract.

        Raises
        ------
        RequestRefused
            422 with what is wrong.
        """
        call = Call(self._champion.require(), perf_counter(), request_id(request), language_of(request))
        decided = await asyncio.to_thread(decide, call.arms, customers, typed=False)
        wrong = [
            FieldError(f"[{row}].{error.field}", error.code, error.message)
            for row, one in enumerate(decided)
            if isinstance(one.scored, list)
            for error in one.scored
        ]
        if wrong:
            raise invalid(wrong[:MOST_ERRORS], what="batch")
        kept = [
            self._prediction(call, one.live, one.scored, one.reasons)
            for one in decided
            if isinstance(one.scored, Scored)
        ]
        await self.keep(call, kept, customers, typed=False)
        return kept

    async def answer(self, request: Request, customer: Customer, language: str) -> Answer:
        """Decide about a customer whose values are text, as in a form or a file, and keep it.

        Raises
        ------
        RequestRefused
            422 with everything that is wrong, 503 without a champion.
        """
        call = Call(self._champion.require(), perf_counter(), request_id(request), language)
        kept = await self._kept(call, customer, typed=False)
        self._finished(call, customer, kept, typed=False)
        return answer_of(kept.prediction, language)

    async def file(self, request: Request, data: bytes, language: str, *, keep: bool) -> tuple[ModelRef, BatchAnswer]:
        """Decide about the customers of a CSV file; nothing is kept unless told.

        Raises
        ------
        RequestRefused
            400 for what is no CSV, 413 for too many rows, 422 where no row could be scored, 503 without a champion.
        """
        call = Call(self._champion.require(), perf_counter(), request_id(request), language)
        answers, kept, customers = await asyncio.to_thread(self._score_batch, call, data, CSV)
        if keep:
            await self.keep(call, kept, customers, typed=False)
        return call.arms.champion.ref, BatchAnswer(len(kept), len(answers) - len(kept), answers)

    async def on_file(self, identity: str, at: datetime | None = None) -> dict[str, Any] | None:
        """What is known of a customer, with the linked features of now or of another moment; None of a stranger."""
        arms = self._champion.require()
        found = None if check_id(identity) else await asyncio.to_thread(self._customers.on_file, identity)
        if found is None:
            return None
        return found.features | linked_features(arms.of(identity).bundle.linked, found.linked, at or self._clock())

    async def stored(self, request: Request) -> Response:
        """``GET /customers/{id}/prediction``: a customer on file, with the linked features of now or of ``?at=``; with
        ``?explain=true`` and reasons."""
        call = Call(self._champion.require(), perf_counter(), request_id(request), language_of(request))
        identity = request.path_params["customer_id"]
        at = moment_of(request, self._clock)
        features = await self.on_file(identity, at)
        if features is None:
            raise NotFound(
                "There is no such customer on file.",
                next_step="send the customer's features to POST /predict, or load a customer table that holds this id",
            )
        customer = Customer(identity, features, explain=explain_of(request))
        return await self._answer(call, customer, typed=False)

    async def _answer(self, call: Call, customer: Customer, *, typed: bool) -> Response:
        if call.key and (earlier := await self._journal.answered(call.key)):
            return json_response(replay(earlier, customer, call.language))
        try:
            kept = await self._kept(call, customer, typed=typed)
        except Conflict:
            earlier = await self._journal.answered(call.key) if call.key else None
            if earlier is None:
                raise
            return json_response(replay(earlier, customer, call.language))
        self._finished(call, customer, kept, typed=typed)
        return JsonBytes(kept.answer)

    def _count(self, kept: Kept) -> None:
        self._metrics.predictions((kept.prediction,))

    def _finished(self, call: Call, customer: Customer, kept: Kept, *, typed: bool) -> None:
        self._count(kept)
        self._look_on(call, [customer], typed=typed)

    async def _kept(self, call: Call, customer: Customer, *, typed: bool) -> Kept:
        slow = call.arms.of(customer.id).takes_long(customer)
        if typed and not slow:
            told: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
            self._turn.ask(call, customer, told)
            return await told
        by = decide_json if typed else partial(decide, typed=False)
        decided = await asyncio.to_thread(by, call.arms, [customer]) if slow else by(call.arms, [customer])
        return await self._turn.keep(call, customer, decided[0])

    def _look_on(self, call: Call, customers: Sequence[Customer], *, typed: bool) -> None:
        """Let a shadow say what it would have decided, once the answer is certain."""
        live = call.arms.shadow
        if live is None:
            return

        def look() -> list[Prediction]:
            unasked = [replace(customer, explain=False) for customer in customers]
            scored = score(live.bundle, unasked, typed=typed)
            told = [self._prediction(call, live, one, []) for one in scored if isinstance(one, Scored)]
            return [copy_of(one, arm="shadow", idempotency_key=None, latency_ms=None) for one in told]

        self._shadow.offer(look, len(customers))

    def _score_batch(
        self, call: Call, data: bytes, media_type: str
    ) -> tuple[list[Answer | RefusedRow], list[Prediction], list[Customer]]:
        answers, kept, customers = self.score_rows(call, self._rows(call, data, media_type), typed=media_type == JSON)
        if not kept:
            raise nothing_scored(row for row in answers if isinstance(row, RefusedRow))
        return answers, kept, customers

    def score_rows(
        self, call: Call, rows: Sequence[Customer | Errors], *, typed: bool
    ) -> tuple[list[Answer | RefusedRow], list[Prediction], list[Customer]]:
        """For each row an answer or what is wrong with it; the predictions of them; the customers that they were."""
        customers = [row for row in rows if isinstance(row, Customer)]
        decided = iter(decide(call.arms, customers, typed=typed))
        answers: list[Answer | RefusedRow] = []
        kept: list[Prediction] = []
        for position, row in enumerate(rows):
            if not isinstance(row, Customer):
                answers.append(RefusedRow(position, None, row))
                continue
            live, result, reasons = next(decided)
            if isinstance(result, RiskloopError):
                raise result
            if isinstance(result, list):
                answers.append(RefusedRow(position, row.id, result))
            else:
                kept.append(self._prediction(call, live, result, reasons))
                answers.append(answer_of(kept[-1], call.language))
        return answers, kept, customers

    async def keep(self, call: Call, kept: Sequence[Prediction], customers: Sequence[Customer], *, typed: bool) -> None:
        """Commit predictions, count them, and let a shadow look on."""
        await self._journal.keep_all(kept)
        self._metrics.predictions(kept)
        self._look_on(call, customers, typed=typed)

    def _rows(self, call: Call, data: bytes, media_type: str) -> list[Customer | Errors]:
        bundle, most = call.arms.champion.bundle, self._config.max_batch_rows
        if media_type == CSV:
            rows = list(islice(read_csv(data, bundle), most + 1))
        else:
            rows = [read_envelope(item, bundle.contract) for item in _list(decode_json(data), most)]
        if len(rows) > most:
            raise too_many(most)
        if not rows:
            raise invalid([FieldError("", "empty", "a batch holds at least one customer")], what="batch")
        return rows

    def _prediction(self, call: Call, live: Live, scored: Scored, reasons: Sequence[Any]) -> Prediction:
        return call.prediction(live, scored, reasons, identity=self._new_id(), at=self._clock())


def json_response(document: msgspec.Struct, status: int = 200) -> Response:
    """A document as JSON."""
    return JsonBytes(_encode(document), status)


def too_many(most: int) -> RequestRefused:
    """The refusal of a list that is too long."""
    return RequestRefused(413, "too-many", f"A request holds at most {most:,} rows.", next_step="send smaller parts")


def _list(document: Any, most: int) -> Sequence[Any]:
    if not isinstance(document, list):
        raise invalid([FieldError("", "not-a-list", "expected a list of envelopes")], what="batch")
    if len(document) > most:
        raise too_many(most)
    return document
