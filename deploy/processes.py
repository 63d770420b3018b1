"""Programs of this machine that run until the end of a block, each with a log and each ended by its own number."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

OWN = {"no_proxy": "*", "NO_PROXY": "*"}
"""Everything here is on this machine."""


class NotUp(RuntimeError):
    """A program did not come up; says its last words."""


@dataclass
class Processes:
    """Programs, started one by one and ended in the opposite order.

    Attributes
    ----------
    folder : Path
        Of their logs.
    """

    folder: Path
    _ends: ExitStack = field(default_factory=ExitStack)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> Processes:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def start(self, name: str, command: Sequence[object], environ: Mapping[str, str] | None = None) -> Path:
        """Start a program; gives its log."""
        log = self.folder / f"{name}.log"
        with log.open("ab") as stream:
            process = subprocess.Popen(
                [str(word) for word in command],
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=os.environ | OWN | dict(environ or {}),
                cwd=self.folder,
            )
        self._ends.callback(_end, process)
        self._running[name] = process
        return log

    def at_the_end(self, done: Callable[[], object]) -> None:
        """Also do this when all is ended."""
        self._ends.callback(done)

    def until(self, name: str, reached: Callable[[], Any], seconds: float = 60) -> Any:
        """Wait for something that a program is to bring about.

        Raises
        ------
        NotUp
            If the program ends first, or time runs out.
        """
        deadline = time.monotonic() + seconds
        process = self._running.get(name)
        while True:
            try:
                found = reached()
            except (OSError, ValueError, KeyError, LookupError):
                found = None
            if found:
                return found
            if time.monotonic() > deadline or (process and process.poll() is not None):
                log = self.folder / f"{name}.log"
                words = log.read_text(errors="replace")[-2_000:] if log.exists() else "no log"
                raise NotUp(f"{name} did not come so far in {seconds:g} s. Its last words:\n{words}")
            time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    with ExitStack() as open_sockets:
        found = []
        for _ in range(count):
            one = open_sockets.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            found.append(int(one.getsockname()[1]))
        return found


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def ask(
    url: str,
    body: bytes | None = None,
    *,
    key: str | None = None,
    trust: Path | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request; an answer that is an error is an answer too.

    Raises
    ------
    OSError
        If nobody answers.
    """
    sent = dict(headers or {}) | ({"Authorization": f"Bearer {key}"} if key else {})
    if body is not None:
        sent.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(url, body, sent)
    context = ssl.create_default_context(cafile=str(trust)) if trust else None
    handlers: list[Any] = [urllib.request.ProxyHandler({})]
    if context:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=30) as answer:
            return Answer(answer.status, answer.read(), dict(answer.headers))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read(), dict(error.headers))


def self_signed(folder: Path) -> Path:
    """``tls.crt`` and ``tls.key`` for this machine; gives the certificate."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "tls.crt").write_bytes(made.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "tls.key").write_bytes(private)
    (folder / "tls.key").chmod(0o600)
    return folder / "tls.crt"


def nginx_here(folder: Path, listen: int, api: int) -> list[str]:
    """Our nginx.conf with the paths and ports of this machine: the command that runs it in the foreground."""
    text = (Path(__file__).parent / "nginx" / "nginx.conf").read_text()
    place = folder / "nginx"
    place.mkdir(parents=True, exist_ok=True)
    for said, here in {
        " /tmp/": f" {place}/",
        "include mime.types;": "types { text/html html; application/json json; }",
        "/etc/nginx/tls": str(folder / "tls"),
        "server api:8000": f"server 127.0.0.1:{api}",
        "listen 8443": f"listen 127.0.0.1:{listen}",
    }.items():
        if said not in text:
            raise ValueError(f"nginx.conf no longer says {said!r}")
        text = text.replace(said, here)
    if os.geteuid() == 0:
        text = "user root;\n" + text  # its workers read this folder
    (place / "nginx.conf").write_text(text)
    return ["nginx", "-c", str(place / "nginx.conf"), "-p", str(place), "-e", "stderr", "-g", "daemon off;"]
