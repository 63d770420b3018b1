"""The spool: where answered predictions wait on the local disk while the database is away, until it takes them once."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from riskloop.errors import Conflict, Unavailable
from riskloop.keep.ledger import ENTITY, EncodedPrediction
from riskloop.keep.processes import lives

Append = Callable[[Sequence[EncodedPrediction]], None]
_SUFFIX, _CLAIMED, _DRAFT = ".spool", ".replaying", ".draft"
_BATCH = 1_000


class Spool:
    """Files of predictions, one at a time per process; whoever replays claims a file by renaming it.

    A line is on the disk before its customer is answered. A prediction that is in the ledger already, because a replay
    was interrupted, is not written twice: its id is taken.

    Parameters
    ----------
    folder : Path
        On a local disk; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = threading.Lock()
        self._numbers = count()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._adopt()

    @property
    def waiting(self) -> bool:
        """Whether there is anything to replay."""
        return any(self._folder.glob(f"*{_SUFFIX}"))

    def keep(self, rows: Sequence[EncodedPrediction]) -> None:
        """Put predictions on the disk.

        Raises
        ------
        Unavailable
            If the disk does not take them.
        """
        text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
        with self._turn:
            path = self._folder / f"{os.getpid()}-{next(self._numbers):08d}{_SUFFIX}"
            draft = path.with_suffix(_DRAFT)
            try:
                with draft.open("w", encoding="utf-8") as stream:
                    stream.write(text)
                    stream.flush()
                    os.fsync(stream.fileno())
                draft.replace(path)
                _sync_folder(self._folder)
            except OSError as error:
                draft.unlink(missing_ok=True)
                raise Unavailable(
                    f"Neither the ledger nor the spool takes the prediction: {error.strerror}.",
                    where=str(self._folder),
                    next_step="free space on the disk, and bring the database back",
                ) from error

    def replay(self, append: Append) -> int:
        """Write what waits into the ledger; the number of predictions written.

        Raises
        ------
        Unavailable
            If the database is still away; what is not written waits on.
        """
        written = 0
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            claimed = path.with_suffix(_CLAIMED)
            try:
                path.rename(claimed)
            except FileNotFoundError:  # another worker was first
                continue
            try:
                written += sum(_once(append, rows) for rows in _batches(claimed))
            except Unavailable:
                claimed.rename(path)
                raise
            claimed.unlink()
        return written

    def forget(self, entity_id: str) -> int:
        """Take a customer's predictions out of what waits; how many. What is being replayed is in the ledger soon."""
        gone = 0
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            claimed = path.with_suffix(_CLAIMED)
            try:
                path.rename(claimed)
            except FileNotFoundError:  # somebody replays it
                continue
            lines = claimed.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if json.loads(line)[ENTITY] != entity_id]
            gone += len(lines) - len(kept)
            if kept and len(kept) < len(lines):
                draft = path.with_suffix(_DRAFT)
                draft.write_text("".join(kept), encoding="utf-8")
                draft.replace(claimed)
            if kept:
                claimed.rename(path)
            else:
                claimed.unlink()
        return gone

    def _adopt(self) -> None:
        """What a process left behind that died: as it replayed, or as it wrote what was not answered yet."""
        for left in self._folder.iterdir():
            owner = left.name.partition("-")[0]
            if left.suffix == _SUFFIX or (owner.isdigit() and lives(int(owner))):
                continue
            with suppress(FileNotFoundError):
                if left.suffix == _CLAIMED:
                    left.rename(left.with_suffix(_SUFFIX))
                elif left.suffix == _DRAFT:
                    left.unlink()


def _batches(path: Path) -> Iterator[list[EncodedPrediction]]:
    rows = [tuple(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]


def _once(append: Append, rows: list[EncodedPrediction]) -> int:
    """Write predictions, those that are not there yet; how many."""
    try:
        append(rows)
    except Conflict:
        if len(rows) == 1:
            return 0
        return sum(_once(append, [row]) for row in rows)
    return len(rows)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive the loss of power; some systems cannot."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
