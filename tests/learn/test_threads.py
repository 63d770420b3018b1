from __future__ import annotations

import os

import numpy as np
from threadpoolctl import threadpool_info

from riskloop.learn.threads import considerate_threads


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
