"""Where work on Dask is done, who can reach it, and what is said when it cannot be."""

from __future__ import annotations

import gc
import operator
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dask import config
from distributed import Client
from distributed.security import Security

from riskloop import __version__
from riskloop.engines import dask as module
from riskloop.engines.dask import Dask, open_dask
from riskloop.engines.dask_checking import check_cluster
from riskloop.errors import ConfigError, Conflict, MissingExtra, RiskloopError, Unavailable, UsageError
from riskloop.loop.record import libraries
from riskloop.wiring import open_engine

ROLES = ("client", "scheduler", "worker")
CLUSTER = """
import sys
from distributed import LocalCluster
from distributed.security import Security
if __name__ == "__main__":
    with LocalCluster(n_workers=1, threads_per_worker=2, host="127.0.0.1", dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="module")
def dask() -> Iterator[Dask]:
    with open_dask(workers=1) as engine:
        yield engine


def test_every_item_is_done_once_and_few_wait_at_a_time(dask: Dask) -> None:
    assert sorted(dask.each(operator.neg, range(40))) == [(place, -place) for place in range(40)]
    assert list(dask.each(operator.neg, [])) == []


def test_an_error_of_the_work_comes_out(dask: Dask) -> None:
    with pytest.raises(TypeError, match="bad operand"):
        list(dask.each(operator.neg, ["text"]))


def test_work_that_kills_its_workers_is_given_up_and_named(dask: Dask) -> None:
    with pytest.raises(RiskloopError, match="workers died of piece 1 of 1"):
        list(dask.each(os._exit, [1]))


def listening(pid: int) -> list[str]:
    """Addresses on which a process listens, in the kernel's words."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(descriptor)
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    tables = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
    return [fields[1].partition(":")[0] for fields in tables if fields[3] == "0A" and fields[9] in inodes]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_nothing_listens_beyond_loopback_and_strangers_are_turned_away(dask: Dask) -> None:
    pids = [os.getpid(), *dask.client.run(os.getpid).values()]
    found = {address for pid in pids for address in listening(pid)}
    assert found == {"0100007F"}  # 127.0.0.1
    host, port = dask.client.scheduler.address.removeprefix("tls://").split(":")
    knock = f"from distributed import Client; from distributed.security import Security; Client('{{}}://{host}:{port}'"
    for stranger in (
        knock.format("tcp") + ", timeout=3)",
        knock.format("tls") + ", timeout=3, security=Security.temporary())",  # with a certificate of its own
    ):
        turned_away = subprocess.run(
            [sys.executable, "-c", stranger], capture_output=True, text=True, timeout=60, check=False
        )
        assert turned_away.returncode == 1
        assert turned_away.stderr.splitlines()[-1].startswith(("OSError", "distributed.comm.core."))


def test_a_cluster_that_is_there_is_used_and_left_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as cluster:
        assert cluster.stdout is not None
        assert cluster.stdin is not None
        address = cluster.stdout.readline().strip()
        for _ in range(2):
            with open_engine("dask", environ={"RISKLOOP_DASK_ADDRESS": address}) as engine:
                assert not engine.shared
                assert [result for _, result in sorted(engine.each(operator.neg, [1, 2, 3]))] == [-1, -2, -3]
        with pytest.raises(UsageError, match="has the workers that it has"):
            open_engine("dask", 2, environ={"RISKLOOP_DASK_ADDRESS": address}).__enter__()
        cluster.stdin.close()
        cluster.wait(60)


def test_an_encrypted_cluster_is_reached_with_its_certificates(tmp_path: Path) -> None:
    made = Security.temporary()
    named = {
        "ca-file": made.tls_ca_file,
        **{f"{role}.{kind}": getattr(made, f"tls_{role}_{kind}") for role in ROLES for kind in ("cert", "key")},
    }
    for name, pem in named.items():
        (tmp_path / name).write_text(pem)
    settings = {f"distributed.comm.tls.{name}": str(tmp_path / name) for name in named}
    told = {f"DASK_{name.replace('.', '__').replace('-', '_').upper()}": path for name, path in settings.items()}
    script = CLUSTER.replace("n_workers", "security=Security(require_encryption=True), protocol='tls://', n_workers")
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | told
    ) as cluster:
        assert cluster.stdout is not None
        assert cluster.stdin is not None
        address = cluster.stdout.readline().strip()
        assert address.startswith("tls://")
        with config.set(settings), open_dask(address) as engine:
            assert list(engine.each(operator.neg, [1])) == [(0, -1)]
        with pytest.raises(Unavailable), open_dask(address):
            pass
        cluster.stdin.close()
        cluster.wait(60)


@pytest.mark.parametrize("scheme", ["tcp", "tls"])  # of the latter there is no certificate
def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setattr(module, "_SECONDS", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"{scheme}://127.0.0.1:{free.getsockname()[1]}"
    began, before = time.monotonic(), clients()
    with pytest.raises(Unavailable, match="No Dask scheduler answers") as said, open_dask(address):
        pass
    assert time.monotonic() - began < 30
    assert said.value.__cause__ is not None  # in whose frames the client still is
    (made,) = [one for one in clients() if one not in before]
    assert made.status == "closed"  # else the garbage collector closes it, while others hold locks that it waits for


def clients() -> list[Client]:
    return [one for one in gc.get_objects() if isinstance(one, Client)]


@pytest.mark.parametrize("address", ["host:8786", "http://host:8786", "tls://"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="no address"), open_dask(address):
        pass


def test_beyond_loopback_everything_is_encrypted_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="unencrypted") as raised, open_dask("tcp://dask.example:8786"):
        pass
    assert "RISKLOOP_DASK_UNENCRYPTED=1" in str(raised.value)
    monkeypatch.setattr(module, "_SECONDS", 1)
    told = {"RISKLOOP_DASK_ADDRESS": "tcp://192.0.2.1:8786", "RISKLOOP_DASK_UNENCRYPTED": "1"}
    with pytest.raises(Unavailable), open_engine("dask", environ=told):
        pass


def test_without_certificates_an_encrypted_cluster_is_not_tried() -> None:
    with pytest.raises(Unavailable, match="TLS"), open_dask("tls://127.0.0.1:8786"):
        pass


def test_without_dask_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra) as raised, open_dask():
        pass
    assert "pip install 'riskloop[dask]'" in str(raised.value)


def test_doctor_says_what_a_cluster_is_made_of_and_what_is_wrong_with_it(tmp_path: Path) -> None:
    (tmp_path / "riskloop.yaml").write_text("")
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as cluster:
        assert cluster.stdout is not None
        assert cluster.stdin is not None
        with open_dask(cluster.stdout.readline().strip()) as engine:
            assert check_cluster(engine, tmp_path, libraries()) == f"1 workers, 2 threads, riskloop {__version__}"
            with pytest.raises(Unavailable, match="does not see the project's folder"):
                check_cluster(engine, tmp_path / "elsewhere", {})
            with pytest.raises(Conflict, match=r"numpy is .* and 0\.1 here"):
                check_cluster(engine, tmp_path, {"numpy": "0.1"})
            with pytest.raises(Unavailable, match="no-such-package cannot be imported"):
                check_cluster(engine, tmp_path, {"no-such-package": "1"})
        cluster.stdin.close()
        cluster.wait(60)
