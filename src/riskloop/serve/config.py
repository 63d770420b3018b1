"""What a service needs to know: plain values, so that every worker process can be told the same."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from riskloop.errors import UsageError

WhenReasons = Literal["asked", "adverse", "always"]


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """One service.

    Attributes
    ----------
    project : str
        Name of the project and its model.
    database_url : str
        Where promotions, predictions and outcomes are kept; already migrated.
    bundles, keys : Path
        Folders of the bundles and of the trusted public keys.
    artifacts_url : str or None
        Where bundles that are not in the folder are fetched from.
    host, port : str, int
        Where to listen; a loopback address unless the service is guarded. Port 0 lets the system choose.
    workers : int
        How many processes answer.
    max_body_bytes, max_batch_rows : int
        Larger requests are answered with 413.
    max_upload_bytes : int
        The same for a CSV file that is answered in CSV.
    poll_seconds : float
        How often a worker looks for another champion.
    four_eyes : bool
        Whether a promotion needs a second person.
    guarded : bool
        Whether every call needs an API key, even when none is left; without it, as soon as there is one.
    requests_per_second : float or None
        The most that one key may ask for, over all workers.
    durability : {"process", "power"}
        What an answered prediction survives.
    spool : Path or None
        Folder on the local disk where answered predictions wait while the database is away; without it they are
        refused.
    reasons : {"asked", "adverse", "always"}
        Who gets reasons beside those who ask for them.
    log : {"text", "json"}
    log_requests : bool
        Whether every request has a line in the log.
    max_connections : int
        Of one worker; who comes beyond is answered with 503.
    exploration, exploration_salt : float, str
        Share of customers who are left alone whatever the model says, and what they are drawn by.
    folder : Path or None
        The project's folder, where there are pages: they show its contract, and have its commands carried out.

    Raises
    ------
    UsageError
        If the service would listen beyond this machine, or a number makes no sense.
    """

    project: str
    database_url: str
    bundles: Path
    keys: Path
    artifacts_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    max_body_bytes: int = 10 * 1024 * 1024
    max_batch_rows: int = 10_000
    max_upload_bytes: int = 256 * 1024**2
    poll_seconds: float = 0.25
    four_eyes: bool = False
    guarded: bool = False
    requests_per_second: float | None = None
    durability: Literal["process", "power"] = "process"
    spool: Path | None = None
    reasons: WhenReasons = "asked"
    log: Literal["text", "json"] = "text"
    log_requests: bool = False
    max_connections: int = 2_000
    exploration: float = 0.0
    exploration_salt: str = ""
    folder: Path | None = None

    def __post_init__(self) -> None:
        if not self.guarded and not is_loopback(self.host):
            raise UsageError(
                f"The service listens on loopback only, not on {self.host!r}: there are no API keys.",
                where="serving.host",
                next_step="make a key with `riskloop keys add NAME --role scorer`, or set the host to 127.0.0.1",
            )
        limits = (
            self.workers,
            self.max_body_bytes,
            self.max_batch_rows,
            self.max_upload_bytes,
            self.poll_seconds,
            self.requests_per_second or 1,
        )
        if not 0 <= self.port <= 65_535 or min(*limits, self.max_connections) <= 0:
            raise UsageError(
                "A port, a limit or a number of workers makes no sense.",
                where="serving",
                next_step="ports go from 0 (any that is free) to 65535; limits are above 0",
            )

    @property
    def address(self) -> str:
        """The address to bind."""
        return "127.0.0.1" if self.host == "localhost" else self.host

    def to_json(self) -> str:
        """As text, for a process of its own."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> ServeConfig:
        """Inverse of `to_json`."""
        fields = json.loads(text)
        paths = {
            name: Path(fields[name]) for name in ("bundles", "keys", "spool", "folder") if fields[name] is not None
        }
        return cls(**{**fields, **paths})


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
