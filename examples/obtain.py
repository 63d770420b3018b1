"""Obtain the public table of an example: from a copy on this machine, or from where it is published.

Standard library only. What arrives is held against a checksum before it is kept, and what is there is never replaced
unless that is asked for.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOCAL = "RISKLOOP_DATA"
"""Variable that names a folder of public tables; without it, tables come over the network."""
_PATIENCE = 60.0  # seconds until a host that does not answer is given up
_MOST = 2.0  # times the size of a table: what is larger is not the table


class NotObtained(Exception):
    """The table could not be had; the text says why, and what to do."""


@dataclass(frozen=True)
class Table:
    """A public table.

    Attributes
    ----------
    file : str
        Its name in the example's folder ``data``.
    local : str
        Where it lies in a folder of public tables.
    size : int
        Bytes.
    sha256 : str
        Of its bytes, once lines end as in `plain`.
    urls : tuple of str
        Where the same table is published, in the order in which they are tried.
    page : str
        Where a person finds it.
    """

    file: str
    local: str
    size: int
    sha256: str
    urls: tuple[str, ...]
    page: str


Fetch = Callable[[str, int], bytes]


def plain(content: bytes) -> bytes:
    """The bytes with Unix line ends and one at the end: copies of one table often differ in nothing else."""
    return content.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n"


def fetch(url: str, most: int) -> bytes:
    """Read a URL, ``most`` bytes at most.

    Raises
    ------
    OSError
        If it cannot be reached, or does not have it.
    """
    with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:  # noqa: S310 - the URLs are ours
        content: bytes = answer.read(most)
    return content


def obtain(
    table: Table,
    folder: Path,
    *,
    overwrite: bool = False,
    environ: Mapping[str, str] = os.environ,
    fetch: Fetch = fetch,
    say: Callable[[str], None] = print,
) -> Path:
    """Put the table into a folder; nothing is done if it is there already.

    Parameters
    ----------
    table : Table
    folder : Path
        Made if it is not there.
    overwrite : bool
        Replace a file of that name that is another table.

    Returns
    -------
    Path
        The file, whole.

    Raises
    ------
    NotObtained
        If another file is in the way, or no copy with the right checksum could be had.
    """
    path = folder / table.file
    if path.exists():
        if _is(table, path.read_bytes()):
            say(f"{path} is here already, and is the table.")
            return path
        if not overwrite:
            raise NotObtained(f"{path} is another table. Move it away, or say --overwrite.")
    content = _local(table, Path(environ[LOCAL])) if environ.get(LOCAL) else _published(table, fetch, say)
    folder.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_bytes(content)
    draft.replace(path)
    say(f"{path}: {len(content):,} bytes, SHA-256 as expected.")
    return path


def _is(table: Table, content: bytes) -> bool:
    return hashlib.sha256(plain(content)).hexdigest() == table.sha256


def _local(table: Table, data: Path) -> bytes:
    path = data / table.local
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NotObtained(
            f"{LOCAL} names {data}, and {path} cannot be read: {error.strerror}. "
            f"Put the table there (from {table.page}), or unset {LOCAL} to fetch it."
        ) from error
    if not _is(table, content):
        raise NotObtained(f"{path} is not the table that this example is about: its SHA-256 differs.")
    return plain(content)


def _published(table: Table, fetch: Fetch, say: Callable[[str], None]) -> bytes:
    why = []
    for url in table.urls:
        say(f"Fetching {url}")
        try:
            content = fetch(url, int(_MOST * table.size))
        except urllib.error.HTTPError as error:
            why.append(f"{url}: HTTP {error.code}")
        except OSError as error:  # URLError, timeouts and broken connections are of that kind
            why.append(f"{url}: {getattr(error, 'reason', None) or error}")
        else:
            if _is(table, content):
                return plain(content)
            why.append(f"{url}: {len(content):,} bytes with another SHA-256")
    raise NotObtained(
        "The table could not be fetched:\n  "
        + "\n  ".join(why)
        + f"\nWithout a network, get it elsewhere (from {table.page}), put it at FOLDER/{table.local}, and set "
        f"{LOCAL}=FOLDER."
    )


def main(table: Table, folder: Path, arguments: Sequence[str] | None = None) -> int:
    """What `get_data.py` of an example does; the exit code."""
    parser = argparse.ArgumentParser(description=f"Put {table.file} into {folder.name}/, checksum verified.")
    parser.add_argument("--overwrite", action="store_true", help="replace a file of that name that is another table")
    asked = parser.parse_args(arguments)
    try:
        obtain(table, folder, overwrite=asked.overwrite)
    except NotObtained as error:
        print(error, file=sys.stderr)
        return 1
    return 0
