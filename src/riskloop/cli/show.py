"""How results look: tables for people on stdout, JSON for machines, progress and errors on stderr."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

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

    def line(self, document: Any) -> None:
        """One of many machine-readable answers, on a line of its own; silent unless ``--json``."""
        if self.as_json:
            sys.stdout.write(json.dumps(plain(document), ensure_ascii=False) + "\n")
            sys.stdout.flush()

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
def rows_progress() -> Iterator[Callable[[int], None]]:
    """Rows that are done, on a terminal: a function to be told of them."""
    if not sys.stderr.isatty():
        yield lambda _rows: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("score", total=None)
        yield lambda rows: bar.update(task, completed=rows)


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
    searched = known and contender.candidate and contender.candidate.searched(known)
    return f"{contender.out_of_fold.fit_seconds:.1f} s per fit{', parameters searched' if searched else ''}"


class TrainingProgress:
    """Watches a training (a `riskloop.learn.plan.Watcher`): a live leaderboard on a terminal, plain lines elsewhere."""

    def __init__(self, live: bool) -> None:
        self._bars: Any = None
        self._live: Any = None
        self._tasks: dict[str, Any] = {}
        self._finished: dict[str, Contender] = {}
        self._left_out: dict[str, str] = {}
        if live:
            from rich.console import Console
            from rich.live import Live
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            self._bars = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
            )
            self._live = Live(console=Console(stderr=True), get_renderable=self._shown, refresh_per_second=4)
            self._live.start()

    def fold(self, candidate: str, done: int, total: int) -> None:
        """Move the bar of a candidate."""
        if self._bars is not None:
            self._bars.update(self._task(candidate, candidate, total), completed=done)

    def finished(self, contender: Contender) -> None:
        """Tell the score and the cost of a candidate."""
        self._finished[contender.name] = contender
        self._over(contender.name)
        if self._live is None:
            auc, cost = contender.evaluation["roc_auc"].value, contender.cost_per_thousand
            sys.stderr.write(
                f"{contender.name:<24} ROC-AUC {auc:.4f}   cost {cost:>9,.0f} {contender.policy.costs.currency} "
                f"per 1,000   {_how(contender)}\n"
            )

    def trial(self, candidate: str, trial: Trial, lowest: float) -> None:
        """Move the bar of a search."""
        if self._bars is not None:
            words = f"{candidate}: trial {trial.number + 1}, lowest log loss {lowest:.5f}"
            self._bars.update(self._task(f"trials of {candidate}", words, None), advance=1, description=words)

    def left_out(self, candidate: str, reason: str) -> None:
        """Tell why a candidate is left out."""
        self._left_out[candidate] = reason
        self._over(candidate)
        if self._live is None:
            sys.stderr.write(f"{candidate:<24} left out: {reason}\n")

    def close(self) -> None:
        """Take the bars away."""
        if self._live is not None:
            for task in self._tasks.values():
                self._bars.remove_task(task)
            self._tasks.clear()
            self._live.stop()

    def _task(self, name: str, words: str, total: int | None) -> Any:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(words, total=total)
        return self._tasks[name]

    def _over(self, candidate: str) -> None:
        for name in (candidate, f"trials of {candidate}"):
            if name in self._tasks:
                self._bars.remove_task(self._tasks.pop(name))

    def _shown(self) -> Any:
        """The candidates so far, cheapest first, above what is being fitted."""
        from rich.console import Group
        from rich.table import Table

        board = Table("candidate", "ROC-AUC", "cost per 1,000", "log loss", "", box=None, header_style="bold")
        for one in sorted(self._finished.values(), key=lambda one: one.cost_per_thousand):
            auc, loss = one.evaluation["roc_auc"].value, one.evaluation["log_loss"].value
            board.add_row(one.name, f"{auc:.4f}", f"{one.cost_per_thousand:,.0f}", f"{loss:.4f}", verbatim(_how(one)))
        for name, reason in self._left_out.items():
            board.add_row(name, "", "", "", f"left out: {reason}", style="dim")
        return Group(board, self._bars) if self._finished or self._left_out else self._bars


def plain(value: Any) -> Any:
    """JSON values out of dataclasses, paths, times and NumPy scalars; NaN becomes null."""
    if hasattr(value, "to_dict"):
        return plain(value.to_dict())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
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
