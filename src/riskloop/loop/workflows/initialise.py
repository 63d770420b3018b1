"""`riskloop init`: look at a table, write riskloop.yaml and contract.yaml, report what a reader should know."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from riskloop.bundle.sign import KeyRing
from riskloop.costs import Costs
from riskloop.data.contract import did_you_mean
from riskloop.data.dataset import prepare
from riskloop.data.expression import Expression
from riskloop.data.frames import as_text
from riskloop.data.infer import Inferred, infer_contract, likely_id
from riskloop.data.linked.propose import LinkedFile
from riskloop.data.outcome import guess_positive, outcome
from riskloop.data.source import Source, read
from riskloop.decide.prices import Declared
from riskloop.decide.reason_texts import LANGUAGES, Texts
from riskloop.errors import DataError, UsageError
from riskloop.findings import Finding, by_severity
from riskloop.loop.linking import link, sections, with_linked_rules
from riskloop.problem import Problem
from riskloop.settings import (
    CONTRACT_FILE,
    FILE,
    TEXTS_FILE,
    Settings,
    defaults_as_comment,
    parse_settings,
    read_yaml,
    write_yaml,
)

_HEADING = "riskloop project; every setting is described by `riskloop schema`."
_TEXTS_HEADING = """What reasons for a decision are called, in English and French. Raise the version with every change.
Beside a name there may be whole sentences for a value above or below the usual one, a missing one, and any
other: high, low, missing, other. They may hold {value} and {typical}. See docs/deciding.md."""
_CONTRACT_HEADING = (
    "Rules per column, enforced at training, in batches and over HTTP.\n"
    "Change them and train anew; `riskloop check` shows what a table breaks."
)


@dataclass(frozen=True)
class Initialised:
    """What `init` wrote and noticed.

    Attributes
    ----------
    folder : Path
    settings : Settings
    rows, positives : int
        Rows of the table, and those of them with the positive class.
    features : tuple of str
        What may be learnt from.
    findings : tuple of Finding
    """

    folder: Path
    settings: Settings
    rows: int
    positives: int
    features: tuple[str, ...]
    findings: tuple[Finding, ...]


def initialise(
    folder: Path,
    source: Source,
    target: str,
    *,
    positive: str | None = None,
    id_column: str | None = None,
    time_column: str | None = None,
    sensitive: Sequence[str] = (),
    unavailable: Sequence[str] = (),
    linked_files: Sequence[LinkedFile] = (),
    costs: Declared | None = None,
    in_row_order: bool = False,
    project: str | None = None,
    overwrite: bool = False,
) -> Initialised:
    """Read the table, infer the contract and write the project's two files.

    Parameters
    ----------
    folder : Path
        Of the project; made if it is not there.
    source : Source
        The training table.
    target : str
        Column to foresee, or a comparison of one with a constant (``ClaimNb > 0``).
    positive : str, optional
        Its value that is the risk; found out where it can be.
    id_column, time_column : str, optional
        The column that names the customer, and the event time.
    sensitive, unavailable : sequence of str
        Protected attributes, and columns that are not known when the decision is taken: neither is learnt from.
    linked_files : sequence of LinkedFile
        Tables of many rows to a customer.
    costs : Costs or Prices, optional
        What each outcome costs, in currency per customer.
    in_row_order : bool
        The order of the rows is their order in time.
    project : str, optional
        Name of the project; that of the folder if left out.
    overwrite : bool
        Write the two files anew where they are there.

    Raises
    ------
    UsageError
        If the folder is a project already, or an option names no column.
    DataError
        If the table or the target cannot be used.
    """
    if (folder / FILE).exists() and not overwrite:
        raise UsageError(
            f"There is a {FILE} here already.", where=str(folder), next_step="use --overwrite, or another --project"
        )
    guessed_header = source.header is None and not source.columns
    frame, source = read(source)
    named = (*sensitive, *unavailable, *(name for name in (id_column, time_column) if name))
    _check_names(frame, named, Problem(target, "").target_column)
    problem = _problem(frame, target, positive, id_column, time_column, sensitive, unavailable)
    is_positive, known = outcome(frame, problem)
    linked = link(frame, linked_files, problem)
    frame = linked.frame
    inferred = with_linked_rules(infer_contract(frame, problem), linked.plan)
    leaks = prepare(frame, inferred.contract, problem, in_time_order=in_row_order).findings
    dropped = inferred.dropped | {
        finding.column: f"{finding.code}: {finding.message}"
        for finding in leaks
        if finding.severity == "error" and finding.code.startswith("leakage") and finding.column
    }
    derived, in_formulas = _derived(inferred, dropped)
    gone = {*dropped, *({time_column} - in_formulas)}
    features = tuple(name for name in inferred.contract.features if name not in gone)
    if not features:
        raise _nothing_left(source, dropped)
    leaks = tuple(_already_dropped(finding) if finding.column in dropped else finding for finding in leaks)
    findings = [*linked.findings, *inferred.findings, *leaks, *_assumptions(frame, problem, positive, id_column, costs)]
    if guessed_header and source.header is False:
        findings.append(_no_header())
    if costs is not None:
        _check_priced(costs, inferred, problem)
    document = _document(
        project or _project_name(folder, source), folder, source, problem, dropped, derived, costs, in_row_order
    )
    if linked_files:
        document["linked"] = sections(linked.plan, linked_files, folder)
    settings = parse_settings(document, where=FILE)
    _write(folder, document, inferred, (*features, *derived))
    return Initialised(
        folder=folder,
        settings=settings,
        rows=frame.height,
        positives=int(is_positive[known].sum()),
        features=features,
        findings=tuple(by_severity(findings)),
    )


def _check_priced(costs: Declared, inferred: Inferred, problem: Problem) -> None:
    """Refuse a cost that is neither an amount nor arithmetic over number columns: better now than at the training."""
    numbers = [column.name for column in inferred.contract.columns if column.type == "number"]
    for name in costs.names:
        if name not in numbers or name == problem.target_column:
            raise UsageError(
                f"A cost is to be computed from {name!r}, which is no number column{did_you_mean(name, numbers)}.",
                where="--cost-fn, --cost-fp",
                next_step='give an amount, such as 100, or arithmetic over number columns: "12 * monthly_charges"',
            )


def _derived(inferred: Inferred, dropped: Mapping[str, str]) -> tuple[dict[str, str], set[str]]:
    """The proposed formulas that need no dropped column, and the columns they need."""
    names = {name: set(Expression(formula).names) for name, formula in inferred.derived.items()}
    derived = {name: formula for name, formula in inferred.derived.items() if names[name].isdisjoint(dropped)}
    return derived, {column for name in derived for column in names[name]}


def _already_dropped(finding: Finding) -> Finding:
    step = "it is left out (features.drop); to keep it, move it to features.allow with a reason"
    return replace(finding, severity="warning", next_step=step)


def _nothing_left(source: Source, dropped: dict[str, str]) -> DataError:
    reasons = "; ".join(f"{name}: {reason}" for name, reason in list(dropped.items())[:3])
    return DataError(
        f"No column is left to learn from ({reasons or 'the table has the target only'}).",
        where=source.path,
        next_step="give a table with columns that describe a customer",
        details=dropped,
    )


def _check_names(frame: pl.DataFrame, names: Sequence[str], target: str) -> None:
    for name in names:
        if (*names, target).count(name) > 1:
            raise UsageError(
                f"The column {name!r} has two roles.",
                next_step="name a column once: as target, id, time, sensitive or unavailable",
            )
        if name not in frame.columns:
            raise UsageError(
                f"The table has no column {name!r}{did_you_mean(name, frame.columns)}.",
                next_step="name one of its columns",
            )


def _problem(
    frame: pl.DataFrame,
    target: str,
    positive: str | None,
    id_column: str | None,
    time_column: str | None,
    sensitive: Sequence[str],
    unavailable: Sequence[str],
) -> Problem:
    draft = Problem(target, positive or "true")
    compared = target not in frame.columns and draft.comparison is not None
    if not compared and positive is None:
        positive = guess_positive(frame, target)
    taken = (target, draft.target_column, time_column or "", *sensitive, *unavailable)
    return Problem(
        target,
        positive or "true",
        id_column or likely_id(frame, but=taken),
        time_column,
        tuple(sensitive),
        tuple(unavailable),
    )


def _assumptions(
    frame: pl.DataFrame, problem: Problem, positive: str | None, id_column: str | None, costs: Declared | None
) -> list[Finding]:
    found = []
    found += _other_values(frame, problem)
    if positive is None and problem.target in frame.columns:
        message = f"{problem.positive!r} is taken as the risk."
        found.append(Finding("assumed-positive", "info", message, "name it with --positive", problem.target))
    if id_column is None and problem.id is not None:
        found.append(Finding("assumed-id", "info", "Taken as the customer's id.", "name another with --id", problem.id))
    if costs is None:
        message = "No costs were given: a missed positive is taken to cost 10, a needless action 1."
        found.append(
            Finding(
                "assumed-costs", "warning", message, "give yours: --cost-fn 100 --cost-fp 10, or edit riskloop.yaml"
            )
        )
    return found


def _other_values(frame: pl.DataFrame, problem: Problem) -> list[Finding]:
    """One value against several others: some of those may mean that the outcome is not known yet."""
    if problem.target not in frame.columns:
        return []
    values = as_text(frame[problem.target]).drop_nulls().unique().sort().to_list()
    others = [value for value in values if value != problem.positive]
    if len(others) < 2:
        return []
    shown = ", ".join(map(repr, others[:5])) + (", ..." if len(others) > 5 else "")
    message = f"{problem.positive!r} is the risk; {len(others)} other values ({shown}) count as its absence."
    return [Finding("many-outcomes", "warning", message, "blank the cells whose outcome is unknown", problem.target)]


def _no_header() -> Finding:
    message = "The first line looks like a customer: the columns are named column_1, column_2, ..."
    return Finding("assumed-no-header", "warning", message, "name them with --columns a,b,c, or say --header")


def _document(
    project: str,
    folder: Path,
    source: Source,
    problem: Problem,
    dropped: dict[str, str],
    derived: dict[str, str],
    costs: Declared | None,
    in_row_order: bool,
) -> dict[str, Any]:
    data = {
        "path": os.path.relpath(source.path, folder) if not Path(source.path).is_absolute() else source.path,
        "separator": source.separator,
        "encoding": source.encoding,
        "header": source.header,
        "columns": list(source.columns),
        "sample_rows": source.sample_rows,
    }
    described = {
        "target": problem.target,
        "positive": problem.positive,
        "id": problem.id,
        "time": problem.time,
        "sensitive": list(problem.sensitive),
        "unavailable": list(problem.unavailable),
    }
    document: dict[str, Any] = {
        "project": project,
        "problem": {key: value for key, value in described.items() if value},
        "data": {key: value for key, value in data.items() if value not in (None, [])},
        "costs": (costs or Costs(fp=1.0, fn=10.0)).to_dict(),
    }
    if dropped or derived:
        chosen = {"drop": dropped, "derived": derived}
        document["features"] = {key: value for key, value in chosen.items() if value}
    if in_row_order:
        document["training"] = {"split": "row_order"}
    return document


def _project_name(folder: Path, source: Source) -> str:
    name = folder.resolve().name or Path(source.path).stem
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-._")[:64] or "riskloop"


def _write(folder: Path, document: dict[str, Any], inferred: Inferred, features: tuple[str, ...]) -> None:
    try:
        (folder / ".riskloop").mkdir(mode=0o700, parents=True, exist_ok=True)  # its owner's: it holds customers' data
    except OSError as error:
        raise UsageError(
            f"The project folder cannot be made: {error.strerror}.",
            where=str(folder),
            next_step="name another folder with --project",
        ) from error
    contract = inferred.contract.to_dict()
    listed = {"version": contract["version"], "columns": contract["columns"]}
    ignored = [name for name in contract["known"] if name not in contract["columns"]]
    write_yaml(folder / CONTRACT_FILE, listed | {"known": ignored}, _CONTRACT_HEADING)
    write_yaml(folder / TEXTS_FILE, _texts(features, folder / TEXTS_FILE), _TEXTS_HEADING)
    write_yaml(folder / FILE, document, _HEADING, defaults_as_comment())
    KeyRing(folder / ".riskloop" / "keys").create()


def _texts(features: Iterable[str], path: Path) -> dict[str, Any]:
    """A table of texts to be completed: what every feature is called. What somebody has written already is kept."""
    written = read_yaml(path) if path.exists() else None
    before = Texts.from_dict(written or {})
    names = Texts()
    told = {name: {language: {"name": names.name(name, language)} for language in LANGUAGES} for name in features}
    kept = {name: {language: dict(text) for language, text in one.items()} for name, one in before.table.items()}
    return {"version": (written or {}).get("version", 1), "texts": told | kept}
