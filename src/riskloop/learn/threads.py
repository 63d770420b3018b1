"""How fits share the cores: several side by side, each told how many threads it may take."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")
MOST_ROWS = 200_000
"""Rows beyond which one fit fills all cores by itself, and a matrix per core costs too much memory."""

_lock = Lock()
_limits: list[Any] = []
"""Limits in force: the first to come sets them, the last to go lifts them."""
_inside: list[None] = []
"""Those for whom warnings are kept steady."""
_FILTERS_LOST = "`sklearn.utils.parallel.delayed` should be used with"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _together(jobs: int, rows: int, most: int | None = None) -> int:
    return 1 if rows > MOST_ROWS else max(1, min(most or cores(), cores(), jobs))


def rounds(jobs: int, *, rows: int) -> int:
    """How many times as long as one job all of them take."""
    return -(-jobs // _together(jobs, rows))


def side_by_side(
    work: Callable[[Job, int], Result], jobs: Sequence[Job], *, rows: int, most: int | None = None
) -> Generator[Result]:
    """Results of `work(job, threads)` in the order of the jobs, as they come.

    Boosters leave Python while they fit, so threads suffice: nothing is copied or started anew. Two fits of one thread
    on two cores take a fraction of the time of two fits of two, whose threads wait for each other after every split.

    Parameters
    ----------
    work : callable
        Gets a job and the number of threads that it may take.
    jobs : sequence
    rows : int
        Of the table; beyond 200,000 one job is done at a time, on all cores.
    most : int, optional
        Jobs at a time, at most; one per core by default.

    Notes
    -----
    When the iterator is closed early, jobs that have not begun never do, and those under way are waited for.
    """
    together = _together(len(jobs), rows, most)
    if together == 1:
        yield from (work(job, cores()) for job in jobs)
        return
    threads = cores() // together
    with considerate_threads():
        pool = ThreadPoolExecutor(together)
        try:
            yield from pool.map(lambda job: work(job, threads), jobs)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def considerate_threads() -> Iterator[None]:
    """Let OpenMP threads sleep while they wait, and let linear algebra use one thread.

    By default waiting threads burn their cores: on two cores that do other work too, a boosting of 1 s then took 75 s
    and a logistic regression of 0.2 s took 3.5 s (measured). One thread for sums also means that the same data and
    seed give the same model whatever the number of cores. OpenMP reads its policy once, when the first library loads.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import scipy.linalg  # noqa: F401 - brings a BLAS of its own, which can be limited only once it is there
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with _lock:
        _limits.append(threadpool_limits(1, user_api="blas") if not _limits else None)
    try:
        with steady_warnings():
            yield
    finally:
        with _lock:
            # whoever is last lifts the limits, which are those of the whole process
            limits = _limits[0]
            _limits.pop()
            if not _limits:
                limits.restore_original_limits()


@contextmanager
def steady_warnings() -> Iterator[None]:
    """Show the same warnings after the block as before it, and within it all but one.

    scikit-learn empties and fills the filters of the whole process in every thread of a forest. Of two at a time, one
    puts back what the other has just emptied, and from then on a sentence about it comes with every tree: a thousand
    lines that say nothing of the data.
    """
    with _lock:
        first = not _inside
        _inside.append(None)
        if first:
            _Shown.filters, _Shown.before = list(warnings.filters), warnings.showwarning
            warnings.showwarning = _show
    try:
        yield
    finally:
        with _lock:
            _inside.pop()
            if not _inside:
                warnings.showwarning = _Shown.before
                warnings.filters = _Shown.filters


class _Shown:
    """How warnings were shown before."""

    filters: list[Any]
    before: Callable[..., None]


def _show(message: Warning | str, *rest: Any, **more: Any) -> None:
    if not str(message).startswith(_FILTERS_LOST):
        _Shown.before(message, *rest, **more)


@contextmanager
def openmp_threads(count: int) -> Iterator[None]:
    """For a library that takes no number of threads: so many, in this thread of Python alone."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(count, user_api="openmp"):
        yield
