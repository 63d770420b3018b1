"""LightGBM and XGBoost on Dask, each by its own interface: every worker keeps its rows, and sums of gradients travel.

They travel in connections of the libraries' own, which are not encrypted, and for which each worker listens on all
addresses of its machine while a fit begins: `Dask.boost` refuses where that has not been allowed.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from riskloop.engines.engine import Rows, nothing_to_learn
from riskloop.errors import Unavailable, UsageError
from riskloop.learn.candidates.candidate import Candidate, Fitting

Item = TypeVar("Item")
_TRIES = 3
"""A fit in which a worker dies is lost, and begun again."""
_SECONDS = 60
"""For a worker that died to be replaced."""


@dataclass(frozen=True)
class _Spread:
    """Rows on the workers: a Dask array of the matrix, and one of the outcomes."""

    matrix: Any
    outcome: Any


def boost(client: Any, candidate: Candidate, told: Fitting, load: Callable[[Item], Rows], items: Sequence[Item]) -> Any:
    """See `riskloop.engines.dask.Dask.boost`."""
    family = candidate.name.partition("+")[0]
    if family not in _FITS:
        raise UsageError(
            f"{candidate.name} has no way to be fitted to rows in many places.",
            where="training.candidates",
            next_step=f"name {' or '.join(_FITS)}",
        )
    count = len(client.scheduler_info(n_workers=-1)["workers"])
    for _ in range(_TRIES):
        _wait(client, count)
        before = _workers(client)
        try:
            with client.as_current():
                return _FITS[family](client, told, _spread(client, load, items))
        except Exception:
            if _workers(client) == before:  # the fault is not that one of them died
                raise
    raise Unavailable(
        f"Workers died in each of {_TRIES} fits: as a rule, for want of memory.",
        where=f"--engine dask, {candidate.name}",
        next_step="give workers more memory, or take more of them; the rows of all partitions must fit into it",
    )


def _workers(client: Any) -> list[str]:
    """Addresses, in the order of their names: one that was replaced stands where it stood."""
    found = client.scheduler_info(n_workers=-1)["workers"]
    return sorted(found, key=lambda address: (str(found[address]["name"]), address))


def _wait(client: Any, count: int) -> None:
    """For as many workers as there were; with fewer, if they do not come back."""
    try:
        client.wait_for_workers(count, timeout=_SECONDS)
    except TimeoutError:
        client.wait_for_workers(1, timeout=_SECONDS)


def _spread(client: Any, load: Callable[[Item], Rows], items: Sequence[Item]) -> _Spread:
    """Load every item on a worker of its own turn: the same items are in the same places every time."""
    import dask
    import dask.array as arrays
    from distributed import wait

    workers = _workers(client)
    loaded = [
        client.submit(
            load, item, workers=[workers[place * len(workers) // len(items)]], allow_other_workers=True, pure=False
        )
        for place, item in enumerate(items)
    ]
    wait(loaded)
    shapes = client.gather(client.map(_shape, loaded, pure=False))
    parts = [(dask.delayed(future), shape) for future, shape in zip(loaded, shapes, strict=True) if shape[0]]
    if not parts:
        raise nothing_to_learn()
    first, second = dask.delayed(operator.itemgetter(0)), dask.delayed(operator.itemgetter(1))
    matrix = [arrays.from_delayed(first(part), shape, dtype=float) for part, shape in parts]
    outcome = [arrays.from_delayed(second(part), shape[:1], dtype=bool) for part, shape in parts]
    return _Spread(arrays.concatenate(matrix), arrays.concatenate(outcome))


def _shape(rows: Rows) -> tuple[int, int]:
    height, width = rows[0].shape
    return height, width


def _lightgbm(client: Any, told: Fitting, rows: _Spread) -> Any:
    from lightgbm.dask import DaskLGBMClassifier

    from riskloop.learn.candidates.lightgbm import parameters_of

    parameters = parameters_of(told)
    del parameters["num_threads"]  # those of each worker
    _silence()
    model = DaskLGBMClassifier(client=client, n_estimators=told.whole("rounds"), **parameters)
    return model.fit(rows.matrix, rows.outcome, categorical_feature=told.categorical).booster_


def _xgboost(client: Any, told: Fitting, rows: _Spread) -> Any:
    from xgboost import dask as xgboost
    from xgboost.collective import Config

    from riskloop.learn.candidates.xgboost import kinds_of, parameters_of

    parameters = parameters_of(told)
    del parameters["nthread"]
    matrix = xgboost.DaskDMatrix(
        client, rows.matrix, rows.outcome.astype(float), feature_types=kinds_of(told), enable_categorical=True
    )
    fitted = xgboost.train(
        client,
        parameters,
        matrix,
        num_boost_round=told.whole("rounds"),
        verbose_eval=False,
        coll_cfg=Config(tracker_host_ip=urlsplit(client.scheduler.address).hostname),  # not the machine's own address
    )
    return fitted["booster"]


_FITS: dict[str, Callable[[Any, Fitting, _Spread], Any]] = {"lightgbm": _lightgbm, "xgboost": _xgboost}


def _silence() -> None:
    """LightGBM tells on stdout which ports it takes."""
    import lightgbm

    logger = logging.getLogger("riskloop.lightgbm")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    lightgbm.register_logger(logger)
