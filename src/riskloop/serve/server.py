"""Run the service: bind, serve, and on SIGTERM answer what has been asked before the end."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette

from riskloop.errors import UsageError
from riskloop.serve.api import Services, create_app
from riskloop.serve.config import ServeConfig
from riskloop.serve.logs import configure
from riskloop.serve.metrics import SHARED_FOLDER
from riskloop.serve.pages import Pages
from riskloop.serve.tracing import tracing

GRACE_SECONDS = 30
STARTUP_SECONDS = 60
HEALTH_SECONDS = 15
_REFUSED = 10_000
"""Connections beyond those allowed that can be told so; a socket is a file, and who gets none is told nothing."""
_OTHER_FILES = 200


Site = Callable[[Services], Pages]


def run(config: ServeConfig, on_ready: Callable[[str], None] | None = None, *, site: Site | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C; then finish every request and drain the ledger.

    Parameters
    ----------
    on_ready : callable, optional
        Called with the URL once requests are taken.
    site : callable, optional
        Makes the pages for people; a function of a module, so that worker processes find it too.

    Raises
    ------
    UsageError
        If the address cannot be bound, e.g. because another program listens there.
    """
    listener = bind(config.address, config.port)
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    allow_files(config.max_connections + _REFUSED + _OTHER_FILES)
    with listener, _quiet_end():
        if config.workers == 1:
            configure(config.log, requests=config.log_requests)
            _Server(_uvicorn(_application(config, site), config), url, on_ready).run(sockets=[listener])
        else:
            _run_workers(config, site, listener, url, on_ready)


def bind(address: str, port: int) -> socket.socket:
    """A listening socket.

    Raises
    ------
    UsageError
        If there is none to be had.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"The service cannot listen on {address}:{port}: {os.strerror(error.errno or 0)}.",
            where="serving.port",
            next_step="stop the program that listens there, or choose another port with --port",
        ) from error
    return listener


def _of_a_worker(config: ServeConfig, site: Site | None) -> Starlette:
    configure(config.log, requests=config.log_requests)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    return _application(config, site)


def _end_with_parent() -> None:
    """A worker whose parent was killed would hold the port and answer with nobody to end it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _application(config: ServeConfig, site: Site | None) -> Starlette:
    return create_app(config, traces=tracing(os.environ, config.project), site=site)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, url: str, on_ready: Callable[[str], None] | None) -> None:
        super().__init__(config)
        self._url = url
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._on_ready:
            self._on_ready(self._url)


def _run_workers(
    config: ServeConfig, site: Site | None, listener: socket.socket, url: str, on_ready: Callable[[str], None] | None
) -> None:
    from uvicorn.supervisors import Multiprocess

    settings = _uvicorn(partial(_of_a_worker, config, site), config, factory=True, workers=config.workers)
    if on_ready:
        threading.Thread(target=_tell_when_it_answers, args=(url, on_ready), daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="riskloop-metrics-") as shared:
        os.environ[SHARED_FOLDER] = shared  # the workers' counters add up there
        try:
            Multiprocess(settings, sockets=[listener]).run()
        finally:
            del os.environ[SHARED_FOLDER]


def _tell_when_it_answers(url: str, on_ready: Callable[[str], None]) -> None:
    """The socket listens before there is a worker: this request waits for the first of them."""
    address = urlsplit(url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=STARTUP_SECONDS)
    with contextlib.suppress(OSError, HTTPException), contextlib.closing(connection):
        connection.request("GET", "/health")
        connection.getresponse().read()
        on_ready(url)


def allow_files(wanted: int) -> None:
    """Let this process and its workers hold as many sockets as it may: the usual limit of 1,024 is a soft one."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    possible = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and possible > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))


def _uvicorn(app: Any, config: ServeConfig, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http="riskloop.serve.wire:Wire",
        ws="none",
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=HEALTH_SECONDS,
        limit_concurrency=config.max_connections,
        **more,
    )


@contextlib.contextmanager
def _quiet_end() -> Iterator[None]:
    """uvicorn raises the signal that ended it once more, against whatever handled it before: let that be nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
