from __future__ import annotations

import os
import threading
import time
import warnings

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from riskloop.learn.threads import MOST_ROWS, considerate_threads, cores, side_by_side


def _blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_linear_algebra_uses_one_thread_inside_and_as_many_as_before_outside() -> None:
    assert np.eye(2) @ np.eye(2) is not None
    before = _blas_threads()
    with considerate_threads():
        assert _blas_threads() == {1}
    assert _blas_threads() >= before


def test_openmp_threads_sleep_while_they_wait() -> None:
    with considerate_threads():
        assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_filters_that_threads_of_a_forest_have_emptied_are_put_back_and_not_spoken_of() -> None:
    noise = "`sklearn.utils.parallel.delayed` should be used with `sklearn.utils.parallel.Parallel` to make it possible"
    with warnings.catch_warnings(record=True) as seen:
        before = list(warnings.filters)
        with considerate_threads(), considerate_threads():
            warnings.resetwarnings()  # as scikit-learn's threads leave it, when two of them meet
            warnings.warn(noise, UserWarning, stacklevel=1)
            warnings.warn("of the data", UserWarning, stacklevel=1)
        assert list(warnings.filters) == before
        assert [str(one.message) for one in seen] == ["of the data"]
        warnings.simplefilter("always")
        warnings.warn(noise, UserWarning, stacklevel=1)
        assert len(seen) == 2


def test_limits_hold_until_the_last_fit_side_by_side_is_done() -> None:
    before = _blas_threads()
    seen = list(side_by_side(_limited, range(6), rows=10, most=2))
    assert seen == [(number, {1}) for number in range(6)]
    assert _blas_threads() >= before


def _limited(number: int, threads: int) -> tuple[int, set[int]]:
    with considerate_threads():
        time.sleep(0.01 * (number % 3))
        return number, _blas_threads()


def test_results_come_in_the_order_of_the_jobs_and_fits_share_the_cores() -> None:
    seen = list(side_by_side(lambda job, threads: (job, threads), range(4), rows=10))
    assert [job for job, _ in seen] == [0, 1, 2, 3]
    assert all(threads == max(1, cores() // min(cores(), 4)) for _, threads in seen)


def test_on_large_tables_one_fit_at_a_time_takes_every_core() -> None:
    seen = list(side_by_side(lambda job, threads: (threading.get_ident(), threads), range(3), rows=MOST_ROWS + 1))
    assert seen == [(threading.get_ident(), cores())] * 3


def test_jobs_that_have_not_begun_never_do_when_the_results_are_closed() -> None:
    begun: list[int] = []

    def work(job: int, threads: int) -> int:
        begun.append(job)
        time.sleep(0.02)
        return job

    results = side_by_side(work, range(50), rows=10, most=2)
    assert next(results) == 0
    results.close()
    count = len(begun)
    time.sleep(0.05)
    assert len(begun) == count < 50


def test_an_error_in_a_fit_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(lambda job, threads: 1 // job, [1, 0, 1], rows=10, most=2))
