"""How results look: tables for people on stdout, JSON for machines, progress and errors on stderr."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskloop.errors import RiskloopError
from riskloop.findings import Finding

if TYPE_CHECKING:
    from rich.console import Console

    from riskloop.learn.choice import Contender
    from riskloop.learn.tuning.search import Trial

_COLOURS = {"error": "red", "warning": "yellow", "info": "blue"}


class Reporter:
    """Prints for one command; ``as_json`` sends data to stdout as one JSON document and nothing else."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def data(self, document: Any) -> None:
        """The machine-readable answer; silent unless ``--json``."""
        if self.as_json:
            sys.stdout.write(json.dumps(plain(document), indent=2, ensure_ascii=False) + "\n")

    def say(self, text: str = "") -> None:
        """A line for people (rich markup); silent under ``--json``."""
        if not self.as_json:
            self._console(stderr=False).print(text, highlight=False)

    def note(self, text: str) -> None:
        """A line beside the data, on stderr."""
        self._console(stderr=True).print(text, highlight=False, markup=False)

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table for people; numbers should come formatted."""
        if self.as_json:
            return
        from rich.table import Table
        from rich.text import Text

        table = Table(
            title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False
        )
        cells = [[Text(str(cell)) for cell in row] for row in rows]
        for position, column in enumerate(columns):
            numeric = bool(cells) and all(_numeric(row[position].plain) for row in cells)
            table.add_column(column, justify="right" if numeric else "left", overflow="fold")
        for row in cells:
            table.add_row(*row)
        self._console(stderr=False).print(table)

    def findings(self, findings: Sequence[Finding], most: int = 20) -> None:
        """Findings, gravest first."""
        if self.as_json or not findings:
            return
        for finding in findings[:most]:
            column = f" {verbatim(finding.column)}:" if finding.column else ""
            colour = _COLOURS[finding.severity]
            self.say(f"  [{colour}]{finding.severity:<7}[/] {finding.code}{column} {verbatim(finding.message)}")
            if finding.severity != "info":
                self.say(f"          [dim]-> {verbatim(finding.next_step)}[/]")
        if len(findings) > most:
            self.say(f"  ... and {len(findings) - most} more")

    def error(self, error: RiskloopError) -> None:
        """One clear error, on stderr; under ``--json`` also as a document on stdout."""
        if self.as_json:
            self.data({"error": error.to_dict()})
        place = f"{error.where}: " if error.where else ""
        self.note(f"error: {place}{error.message}")
        if error.next_step:
            self.note(f"  next: {error.next_step}")

    def _console(self, *, stderr: bool) -> Console:
        from rich.console import Console

        stream = sys.stderr if stderr else sys.stdout
        return Console(file=stream, soft_wrap=stderr or not stream.isatty(), width=None if stream.isatty() else 160)


def verbatim(value: object) -> str:
    """Words that are not ours, for `Reporter.say`: shown as they are, whatever brackets they hold."""
    from rich.markup import escape

    return escape(str(value))


@contextmanager
def training_progress(enabled: bool) -> Iterator[TrainingProgress]:
    """A live bar per candidate on a terminal; plain lines on stderr elsewhere."""
    watcher = TrainingProgress(enabled and sys.stderr.isatty())
    try:
        yield watcher
    finally:
        watcher.close()


def _how(contender: Contender) -> str:
    """What a contender is made of, or how long it took."""
    if contender.recipe is not None:
        return contender.recipe.describe()
    from riskloop.learn.candidates.families import families

    known = families().get(contender.name.partition("+")[0])
    searched = known and contender.candidate and contender.candidate.parameters != known.parameters
    return f"{contender.out_of_fold.fit_seconds:.1f} s per fit{', parameters searched' if searched else ''}"


class TrainingProgress:
    """Watches a training (see `riskloop.learn.training.Watcher`)."""

    def __init__(self, live: bool) -> None:
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}
        if live:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            self._bars = Progress(
                TextColumn("{task.description:<24}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bars.start()

    def fold(self, candidate: str, done: int, total: int) -> None:
        if self._bars is None:
            return
        if candidate not in self._tasks:
            self._tasks[candidate] = self._bars.add_task(candidate, total=total)
        self._bars.update(self._tasks[candidate], completed=done)

    def finished(self, contender: Contender) -> None:
        auc, cost = contender.evaluation["roc_auc"].value, contender.cost_per_thousand
        line = (
            f"{contender.name:<24} ROC-AUC {auc:.4f}   cost {cost:>9,.0f} {contender.policy.costs.currency} per 1,000"
            f"   {_how(contender)}"
        )
        if self._bars is not None:
            self._bars.console.print(line, highlight=False)
            if contender.name in self._tasks:
                self._bars.remove_task(self._tasks[contender.name])
        else:
            sys.stderr.write(line + "\n")

    def trial(self, candidate: str, trial: Trial, lowest: float) -> None:
        name = f"{candidate}: trials"
        if self._bars is None:
            return
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=None)
        told = "given up early" if trial.loss is None else f"{trial.loss:.5f}"
        self._bars.update(self._tasks[name], advance=1, description=f"{name}, log loss {told}, best {lowest:.5f}")

    def left_out(self, candidate: str, reason: str) -> None:
        line = f"{candidate:<24} left out: {reason}"
        if self._bars is not None:
            self._bars.console.print(line, highlight=False)
        else:
            sys.stderr.write(line + "\n")

    def close(self) -> None:
        if self._bars is not None:
            self._bars.stop()


def plain(value: Any) -> Any:
    """JSON values out of dataclasses, paths, times and NumPy scalars; NaN becomes null."""
    if hasattr(value, "to_dict"):
        return plain(value.to_dict())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "model_dump"):
        return plain(value.model_dump())
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, float) and value != value:
        return None
    return value


def _numeric(text: str) -> bool:
    return bool(text) and (text[0].isdigit() or text[0] in "+-") and any(mark.isdigit() for mark in text)
