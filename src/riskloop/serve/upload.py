"""Uploads: a CSV file of any length, decided about as it comes, in little memory, and answered by a CSV file.

The answer waits on the disk until all has been read. Whoever sends a file first and listens later, as most clients do,
would else wait for a service that waits to be listened to; and what goes wrong half-way still has its status.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Coroutine, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from tempfile import SpooledTemporaryFile
from time import perf_counter
from types import TracebackType
from typing import IO, Any, Protocol, Self, TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from riskloop.errors import RiskloopError
from riskloop.keep.ledger import Prediction
from riskloop.problem import Customer
from riskloop.serve.answers import Answer, FieldError, RefusedRow
from riskloop.serve.body import CSV, body_parts, not_csv
from riskloop.serve.call import Call
from riskloop.serve.envelope import Errors, read_csv_lines
from riskloop.serve.problems import MOST_ERRORS, RequestRefused, invalid, nothing_scored, status_of

COLUMNS = (
    *("row", "id", "prediction_id", "probability", "probability_low", "probability_high", "decision", "threshold"),
    *("risk_band", "expected_cost", "arm", "version", "reasons", "error"),
)
"""Of the answer; `row` counts from 0, and `error` says why there is nothing else."""
BLOCK = 1_000
"""Rows that are decided and committed together."""
AT_ONCE = 2
"""Files that are read at the same time; others wait."""
LONGEST_LINE = 1024 * 1024
_IN_MEMORY = 4 * 1024 * 1024
_PART = 256 * 1024

_T = TypeVar("_T")
_Scored = tuple[list[Answer | RefusedRow], list[Prediction], list[Customer]]


class _Score(Protocol):
    def __call__(self, call: Call, rows: Sequence[Customer | Errors], *, typed: bool) -> _Scored: ...


class _Keep(Protocol):
    def __call__(
        self, call: Call, kept: Sequence[Prediction], customers: Sequence[Customer], *, typed: bool
    ) -> Coroutine[Any, Any, None]: ...


class Uploads:
    """Reads files; a context manager, which ends its threads.

    Parameters
    ----------
    most_bytes : int
        Of one file.
    score, keep : callable
        Decide about rows; commit predictions.
    """

    def __init__(self, most_bytes: int, score: _Score, keep: _Keep) -> None:
        self._most_bytes = most_bytes
        self._score = score
        self._keep = keep
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="riskloop-upload")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=True)

    async def answer(self, request: Request, call: Call) -> Response:
        """Decide about the customers of a file; one version answers all of it. What was decided is in the ledger.

        Raises
        ------
        RequestRefused
            400, 413, 422, 503 as for any batch; it says how many predictions had been kept before.
        """
        loop = asyncio.get_running_loop()
        bridge = _Bridge(loop)
        out = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed when it has been sent
        body = _Body(body_parts(request, self._most_bytes), bridge)
        try:
            scored, refused = await loop.run_in_executor(self._threads, self._read, call, body, bridge, out)
        except BaseException:
            bridge.close()
            out.close()
            raise
        size = out.tell()
        out.seek(0)
        headers = {"Content-Length": str(size), "X-Scored": str(scored), "X-Refused": str(refused)}
        return StreamingResponse(_sent(out), headers=headers, media_type=f"{CSV}; charset=utf-8")

    def _read(self, call: Call, body: io.RawIOBase, bridge: _Bridge, out: IO[bytes]) -> tuple[int, int]:
        """On a thread: the file, block by block."""
        lines = io.TextIOWrapper(io.BufferedReader(body, _PART), "utf-8-sig", newline="")
        text = io.TextIOWrapper(out, "utf-8", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        row = scored = 0
        wrong: list[RefusedRow] = []
        try:
            rows = read_csv_lines(lines, call.arms.champion.bundle)
            while block := list(islice(rows, BLOCK)):
                now = replace(call, started=perf_counter())
                answers, kept, customers = self._score(now, block, typed=False)
                if kept:
                    bridge.wait_for(self._keep(now, kept, customers, typed=False))
                elif not scored:
                    wrong += [one for one in answers if isinstance(one, RefusedRow)][: MOST_ERRORS - len(wrong)]
                writer.writerows(_line(row + at, answer) for at, answer in enumerate(answers))
                row, scored = row + len(block), scored + len(kept)
        except RiskloopError as error:
            if not scored:
                raise
            raise _halfway(error, row, scored) from error
        if not row:
            raise invalid([FieldError("", "empty", "a batch holds at least one customer")], what="batch")
        if not scored:
            raise nothing_scored(wrong)
        text.detach().flush()
        return scored, row - scored


class _Bridge:
    """Has the event loop do something, on behalf of a thread that waits for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._closed = False
        self._waiting: Future[Any] | None = None

    def wait_for(self, work: Coroutine[Any, Any, _T]) -> _T:
        if self._closed:
            work.close()
            raise asyncio.CancelledError
        self._waiting = future = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result()

    def close(self) -> None:
        """Nobody waits for the thread any more."""
        self._closed = True
        if self._waiting:
            self._waiting.cancel()


class _Body(io.RawIOBase):
    """The body of a request as a file, of which no line is endless."""

    def __init__(self, parts: AsyncIterator[bytes], bridge: _Bridge) -> None:
        self._parts = parts
        self._bridge = bridge
        self._rest = memoryview(b"")
        self._line = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            part = self._bridge.wait_for(_next(self._parts))
            if part is None:
                return 0
            self._rest = memoryview(part)
        size = min(len(buffer), len(self._rest))
        taken, self._rest = self._rest[:size], self._rest[size:]
        buffer[:size] = taken
        end = bytes(taken).rfind(b"\n")
        self._line = self._line + size if end < 0 else size - end
        if self._line > LONGEST_LINE:
            raise not_csv("a line is too long")
        return size


async def _next(parts: AsyncIterator[bytes]) -> bytes | None:
    return await anext(parts, None)


async def _sent(out: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        while part := await asyncio.to_thread(out.read, _PART):
            yield part
    finally:
        out.close()


def _line(row: int, answer: Answer | RefusedRow) -> tuple[Any, ...]:
    if isinstance(answer, RefusedRow):
        wrong = [f"{error.field}: {error.message}" if error.field else error.message for error in answer.errors]
        return (row, answer.id, *[None] * (len(COLUMNS) - 3), "; ".join(wrong))
    low, high = answer.interval or (None, None)
    reasons = "; ".join(reason.text for reason in answer.reasons)
    who, sure = (row, answer.id, answer.prediction_id), (answer.probability, low, high)
    decided = (answer.decision, answer.threshold, answer.risk_band, answer.expected_cost)
    return (*who, *sure, *decided, answer.arm, answer.model.version, reasons, None)


def _halfway(error: RiskloopError, row: int, scored: int) -> RequestRefused:
    """What went wrong, once predictions have been kept."""
    return RequestRefused(
        status_of(error),
        error.code,
        f"{error.message} Before it, {scored:,} predictions were kept.",
        next_step=f"send the header line and the rows from row {row:,} on, counted from 0",
        errors=error.errors if isinstance(error, RequestRefused) else (),
    )
