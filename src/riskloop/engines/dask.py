"""Work on a Dask cluster: processes of this machine, or one that is there already. The only module that knows Dask.

Whoever reaches a scheduler can run any code on its workers. So processes of this machine talk over TLS with a
certificate of this one run, and a cluster elsewhere is reached over TLS, or on loopback. Nothing listens beyond
loopback, and no dashboard is started.
"""

from __future__ import annotations

import importlib
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from riskloop.engines.engine import Rows
from riskloop.errors import ConfigError, MissingExtra, RiskloopError, Unavailable
from riskloop.learn.candidates.candidate import Candidate, Fitting

ADDRESS = "RISKLOOP_DASK_ADDRESS"
UNENCRYPTED = "RISKLOOP_DASK_UNENCRYPTED"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SECONDS = 15
"""To reach a scheduler, and to see a first worker."""
_IN_FLIGHT = 3
"""Items handed to each thread at once: none waits for its next, and few results lie about."""
_ENVIRON = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Of each process: one thread, as there is one for each core. What Dask would set besides, that memory goes back to the
system at once (MALLOC_TRIM_THRESHOLD_), is left out: each large array would be made of new pages, at half the speed."""
_CONFIG = {
    "distributed.nanny.pre-spawn-environ": _ENVIRON,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.comm.timeouts.connect": f"{_SECONDS}s",
    "distributed.worker.profile.enabled": False,  # a sample of every stack a hundred times a second
    "distributed.admin.tick.interval": "500ms",  # not every 20 ms: each tick takes the interpreter from the work
    "distributed.admin.tick.limit": "60s",  # work in NumPy holds the interpreter for a while; that is no news
}
Item = TypeVar("Item")
Result = TypeVar("Result")


def require_dask() -> SimpleNamespace:
    """Its names.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    try:
        import dask
        import distributed
        from distributed.comm.core import CommClosedError
        from distributed.security import Security
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "Work is to be done on Dask, and Dask is not installed.",
            where="--engine dask",
            next_step="pip install 'riskloop[dask]', or leave out the engine",
        ) from error
    return SimpleNamespace(
        config=dask.config,
        Client=distributed.Client,
        LocalCluster=distributed.LocalCluster,
        Security=Security,
        Plugin=distributed.WorkerPlugin,
        as_completed=distributed.as_completed,
        Killed=distributed.KilledWorker,
        Cancelled=distributed.client.FutureCancelledError,
        Closed=CommClosedError,
    )


@dataclass(frozen=True)
class Dask:
    """A connected client; see `riskloop.engines.engine.Engine`.

    Attributes
    ----------
    client : distributed.Client
    shared : bool
        Whether its workers may be other machines.
    unencrypted : bool
        Whether anything may travel between them as it is.
    """

    client: Any
    shared: bool
    unencrypted: bool = False

    def each(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[tuple[int, Result]]:
        """See `riskloop.engines.engine.Engine.each`. An item whose worker dies is done by another.

        Raises
        ------
        RiskloopError
            If an item took several workers down with it.
        Unavailable
            If the scheduler goes away.
        """
        dask = require_dask()
        places: dict[str, int] = {}
        left = iter(range(len(items)))
        running = dask.as_completed([], loop=self.client.loop)

        def hand_out() -> None:
            while running.count() < _IN_FLIGHT * max(1, self.size) and (place := next(left, None)) is not None:
                future = self.client.submit(work, items[place], pure=False)
                places[future.key] = place
                running.add(future)

        try:
            hand_out()
            for future in running:
                place = places.pop(future.key)
                yield place, future.result()
                future.release()
                hand_out()
        except dask.Killed as error:
            raise RiskloopError(
                f"Four workers died of piece {place + 1:,} of {len(items):,}: as a rule, for want of memory.",
                where="--engine dask",
                next_step="give workers more memory, or take fewer of them; the same command goes on",
            ) from error
        except (dask.Cancelled, dask.Closed, TimeoutError) as error:
            raise Unavailable(
                "The Dask cluster has gone away.", where=ADDRESS, next_step="start it; the same command goes on"
            ) from error

    def boost(self, candidate: Candidate, told: Fitting, load: Callable[[Item], Rows], items: Sequence[Item]) -> Any:
        """See `riskloop.engines.engine.Engine.boost`; by the library's own Dask interface.

        Raises
        ------
        ConfigError
            If workers may be elsewhere, and all that travels between them must be encrypted.
        Unavailable
            If workers go away again and again.
        """
        if self.shared and not self.unencrypted:
            raise ConfigError(
                "LightGBM and XGBoost send sums of gradients from worker to worker in connections of their own, "
                "which are not encrypted.",
                where=ADDRESS,
                next_step=f"in a network that you trust set {UNENCRYPTED}=1; or learn here, without {ADDRESS}",
            )
        from riskloop.engines.dask_boosting import boost

        require_dask()
        return boost(self.client, candidate, told, load, items)

    @property
    def size(self) -> int:
        """Threads of all workers."""
        return sum(self.client.nthreads().values())


@contextmanager
def open_dask(
    address: str | None = None, workers: int | None = None, *, unencrypted: bool = False, ready: Sequence[str] = ()
) -> Iterator[Dask]:
    """A cluster for as long as the block lasts.

    Parameters
    ----------
    address : str, optional
        Of a scheduler that is there already: ``tls://host:8786``, with certificates as Dask's own settings name them
        (``DASK_DISTRIBUTED__COMM__TLS__CA_FILE`` and so on), or ``tcp://127.0.0.1:8786``. Without, processes are
        started here, and ended.
    workers : int, optional
        Of processes here, how many; one for each core unless said.
    unencrypted : bool
        Allow ``tcp://`` beyond loopback, and connections of the boosters' own.
    ready : sequence of str
        Modules that processes here import as they start, all at the same time, and not each with its first work.

    Raises
    ------
    MissingExtra
        If Dask is not installed.
    ConfigError
        If the address is none, or is not encrypted.
    Unavailable
        If nothing answers there, or it has no worker.
    """
    if address:
        _check_address(address, unencrypted)
    dask = require_dask()
    with dask.config.set(_CONFIG), _quiet_logs():
        if address:
            with _client(dask, address) as client:
                yield Dask(client, urlsplit(address).hostname not in _LOOPBACK, unencrypted)
        else:
            security = dask.Security.temporary()
            with (
                _cluster(dask, workers or os.cpu_count() or 1, security) as cluster,
                dask.Client(cluster, security=security, set_as_default=False) as client,
            ):
                client.register_plugin(_start(dask, ready))
                yield Dask(client, shared=False)


def _start(dask: SimpleNamespace, ready: Sequence[str]) -> Any:
    """What each process does first, also one that replaces another."""
    return type("Start", (dask.Plugin,), {"name": "riskloop-start", "setup": _begin, "ready": tuple(ready)})()


def _begin(plugin: Any, worker: Any) -> None:  # noqa: ARG001
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # LightGBM's network talks on stdout, which is for data
    for name in plugin.ready:
        importlib.import_module(name)


def _check_address(address: str, unencrypted: bool) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("tls", "tcp") or not parts.hostname:
        raise ConfigError(
            f"{address!r} is no address of a Dask scheduler.", where=ADDRESS, next_step="write tls://host:8786"
        )
    if parts.scheme == "tcp" and parts.hostname not in _LOOPBACK and not unencrypted:
        raise ConfigError(
            "Customers and code would travel to this cluster unencrypted, and anyone there could run code on it.",
            where=ADDRESS,
            next_step=f"let it listen on tls://; or, in a network that you trust, set {UNENCRYPTED}=1",
        )


@contextmanager
def _client(dask: SimpleNamespace, address: str) -> Iterator[Any]:
    encrypted = address.startswith("tls:")
    try:
        security = dask.Security(require_encryption=True) if encrypted else None
        client = _connected(dask, address, security)
    except (OSError, TypeError) as error:  # a missing certificate is a TypeError
        raise Unavailable(
            f"No Dask scheduler answers: {str(error).splitlines()[0][:300]}",
            where=f"{ADDRESS}={address}",
            next_step="start it, or look at its address and certificates",
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_SECONDS)
        except TimeoutError as error:
            raise Unavailable(
                "The Dask cluster has no worker.", where=f"{ADDRESS}={address}", next_step="start some: dask worker"
            ) from error
        yield client


def _connected(dask: SimpleNamespace, address: str, security: Any) -> Any:
    """A client. One that cannot connect is closed here: the garbage collector would do it at any moment, also while a
    lock is held that closing waits for (`distributed.utils.LoopRunner`), and then for ever."""
    client = dask.Client.__new__(dask.Client)
    try:
        client.__init__(address, security=security, timeout=_SECONDS, set_as_default=False)
    except BaseException:
        with suppress(Exception):
            client.close()
        raise
    return client


@contextmanager
def _cluster(dask: SimpleNamespace, workers: int, security: Any) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a port was taken, and another found
        cluster = dask.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            protocol="tls://",
            security=security,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        )
    with cluster:
        yield cluster


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Dask tells of every worker that comes and goes; what matters is told by errors."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
