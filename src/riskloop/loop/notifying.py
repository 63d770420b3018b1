"""Messages to people: through Apprise, whose one home this is. Nothing is sent but the messages themselves."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from riskloop.errors import ConfigError
from riskloop.watch.alerts import Severity

if TYPE_CHECKING:
    import apprise

_KINDS: Mapping[str, str] = {"info": "info", "warning": "warning", "critical": "failure", "resolved": "success"}
_PARTS = re.compile(r"[^/?&=:@#+]{4,}")
_KNOWN_WORDS = frozenset({"hooks", "slack", "localhost", "mailto", "mailtos", "https", "http", "jsons", "json"})


@dataclass(frozen=True, slots=True)
class Message:
    """What people read."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Channel:
    """Where messages go; its address may be a secret and never shows.

    Attributes
    ----------
    name : str
    address : str
        An Apprise URL.
    """

    name: str
    address: str = field(repr=False)

    def send(self, message: Message, severity: Severity, *, resolved: bool = False) -> str | None:
        """Send a message; None, or why it did not arrive. Never raises for what the receiver does.

        It may take some seconds: receivers have about four to answer, mail servers fifteen.
        """
        try:
            return self._send(message, _KINDS["resolved" if resolved else severity])
        except Exception as error:  # a plugin's fault must not end an evaluation: it is told as the reason
            return self._without_secrets(f"{type(error).__name__}: {error}")

    def _send(self, message: Message, kind: str) -> str | None:
        with warnings.catch_warnings(), _what_is_said() as said:
            warnings.simplefilter("ignore", DeprecationWarning)  # of its many plugins, loaded at the first message
            import apprise

            service = apprise.Apprise.instantiate(self.address, asset=_asset(), suppress_exceptions=True)
            if not service:
                return "its address is none that Apprise knows"
            done = service.notify(
                body=message.body,
                title=message.title,
                notify_type=apprise.NotifyType(kind),
                body_format=apprise.NotifyFormat.TEXT,
            )
        return None if done else self._without_secrets(said[-1] if said else "the receiver did not take it")

    def _without_secrets(self, text: str) -> str:
        """A reason without anything of the address, which libraries like to quote."""
        parts = {unquote(part) for part in _PARTS.findall(self.address)} | set(_PARTS.findall(self.address))
        for part in sorted(parts - _KNOWN_WORDS, key=len, reverse=True):
            text = text.replace(part, "****")
        return " ".join(text.split())[:300]


def channel(name: str, said: str, environ: Mapping[str, str] = os.environ) -> Channel:
    """A channel of riskloop.yaml with its address.

    Raises
    ------
    ConfigError
        If the variable or the file that should hold it is not there.
    """
    return Channel(name, secret(said, f"alerts.channels.{name}", environ))


def secret(said: str, where: str, environ: Mapping[str, str] = os.environ) -> str:
    """What ``env:NAME`` or ``file:/path`` stands for; anything else stands for itself.

    Raises
    ------
    ConfigError
        If the variable or the file is not there, or is empty.
    """
    kind, _, place = said.partition(":")
    if kind == "env":
        found = environ.get(place, "").strip()
        if not found:
            raise ConfigError(f"The variable {place} is not set.", where=where, next_step=f"export {place}=...")
        return found
    if kind != "file":
        return said
    try:
        found = Path(place).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError(
            f"The file {place} cannot be read: {reason}.", where=where, next_step="write the address into it"
        ) from error
    if not found:
        raise ConfigError(f"The file {place} is empty.", where=where, next_step="write the address into it")
    return found


def _asset() -> apprise.AppriseAsset:
    """Our name on messages; no pictures from elsewhere, no files kept, no plugins from the home folder."""
    import apprise

    return apprise.AppriseAsset(
        app_id="riskloop",
        app_desc="riskloop",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        secure_logging=True,
        plugin_paths=[],
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )


@contextmanager
def _what_is_said() -> Iterator[list[str]]:
    """The warnings of Apprise: the only place where it says why something failed."""
    said: list[str] = []
    log = logging.getLogger("apprise")
    handler = _Listener(said)
    level, passes_on = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.WARNING)
    log.propagate = False
    try:
        yield said
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = passes_on


class _Listener(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._said = said

    def emit(self, record: Any) -> None:
        self._said.append(record.getMessage())
