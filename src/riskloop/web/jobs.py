"""Jobs: what takes long or needs the training stack is carried out by the command line, in a process of its own.

The service imports nothing that trains, so that it starts in a second and stays small; and whatever a page does, the
same use case does from a terminal. What becomes of a job is written in ``.riskloop/jobs``, where every worker finds it.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from riskloop.errors import Conflict, NotFound, UsageError
from riskloop.keep.processes import lives
from riskloop.serve.config import ServeConfig

State = Literal["running", "done", "failed", "lost"]
_MOST_AT_ONCE = 2
_MOST_KEPT = 50
_LONGEST = 200_000


@dataclass(frozen=True)
class Job:
    """One command.

    Attributes
    ----------
    id : str
    kind : str
        What it is for, e.g. ``monitor``.
    actor : str
    started, ended : str
        ISO 8601; ``ended`` is empty while it runs.
    state : {"running", "done", "failed", "lost"}
        Lost is one whose process vanished without a word.
    pid : int
    said : dict
        The command's JSON document; an error has a key ``error``.
    """

    id: str
    kind: str
    actor: str
    started: str
    state: State = "running"
    pid: int = 0
    ended: str = ""
    said: dict[str, Any] | None = None

    @property
    def error(self) -> dict[str, Any]:
        """What went wrong: message and next_step."""
        said = (self.said or {}).get("error")
        return said if isinstance(said, dict) else {"message": "", "next_step": None}


class Jobs:
    """Starts jobs, and tells what became of them.

    Parameters
    ----------
    config : ServeConfig
        Of a project whose folder is known; without one there are no jobs.
    """

    def __init__(self, config: ServeConfig) -> None:
        self._project = config.folder
        self._folder = config.bundles.parent / "jobs"
        self._running: set[asyncio.Task[None]] = set()

    @property
    def possible(self) -> bool:
        """Whether the project's folder is known."""
        return self._project is not None

    async def start(self, kind: str, arguments: Sequence[str], actor: str) -> Job:
        """Carry out ``riskloop ARGUMENTS --project HERE --json`` in the name of somebody.

        Raises
        ------
        UsageError
            If the project's folder is not known.
        Conflict
            If too many run already.
        """
        if self._project is None:
            raise UsageError(
                "This service does not know its project's folder.", next_step="start it by `riskloop serve`"
            )
        if len(self._running) >= _MOST_AT_ONCE:
            raise Conflict("Other jobs are running.", where="jobs", next_step="wait until they are done")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._tidy()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "riskloop", *arguments, "--project", str(self._project), "--json",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "RISKLOOP_ACTOR": actor},
        )  # fmt: skip
        began = datetime.now(UTC).isoformat(timespec="seconds")
        job = Job(f"{began[:19].replace(':', '').replace('-', '')}-{secrets.token_hex(4)}", kind, actor, began)
        job = self._write(replace(job, pid=process.pid))
        task = asyncio.create_task(self._follow(job, process))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return job

    def get(self, identity: str) -> Job:
        """A job.

        Raises
        ------
        NotFound
            If there is none of that id.
        """
        path = self._folder / f"{identity}.json"
        if not identity.replace("-", "").isalnum() or not path.is_file():
            raise NotFound("There is no such job.", where="jobs", next_step="start it again")
        job = Job(**json.loads(path.read_bytes()))
        return replace(job, state="lost") if job.state == "running" and not lives(job.pid) else job

    def last(self, kind: str) -> Job | None:
        """The newest job of a kind."""
        for path in sorted(self._folder.glob("*.json"), reverse=True):
            job = self.get(path.stem)
            if job.kind == kind:
                return job
        return None

    async def _follow(self, job: Job, process: asyncio.subprocess.Process) -> None:
        out, _ = await process.communicate()
        said: Any = None
        with suppress(ValueError):
            said = json.loads(out[:_LONGEST] if len(out) <= _LONGEST else b"{}")
        ended = datetime.now(UTC).isoformat(timespec="seconds")
        answered = isinstance(said, dict) and "error" not in said  # exit code 3 may be an answer: this has drifted
        state: State = "done" if process.returncode == 0 or (process.returncode == 3 and answered) else "failed"
        self._write(replace(job, state=state, ended=ended, said=said if isinstance(said, dict) else {"said": said}))

    def _write(self, job: Job) -> Job:
        path = self._folder / f"{job.id}.json"
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(job)), encoding="utf-8")
        draft.replace(path)
        return job

    def _tidy(self) -> None:
        for path in sorted(self._folder.glob("*.json"), reverse=True)[_MOST_KEPT:]:
            path.unlink(missing_ok=True)


def state_folder(config: ServeConfig) -> Path:
    """The folder ``.riskloop`` of a service."""
    return config.bundles.parent
