"""Infer a contract from a table: what each column is, what it allows, and what a reader should look at."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from riskloop.data.contract import LARGEST_NUMBER, Column, Contract
from riskloop.data.dates import PARTS, text_of
from riskloop.data.derived import counts_from, propose
from riskloop.data.frames import decode_series, plain
from riskloop.findings import Finding
from riskloop.problem import Problem

MAX_LEVELS = 1_000
"""More distinct texts than this are no category: free text, a name, an id."""
MANY_LEVELS = 255
ROWS_PER_LEVEL = 20
"""More levels than `MANY_LEVELS` are learnt from only where each has so many rows on average."""
MOST_CODES = 12
"""So few whole numbers may be codes of a category."""
DEFAULT_MISSING = 0.05

_MISSING_WORDS = {"?", "-", "--", ".", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "missing", "unknown"}
_SENTINELS = (-9.0, -99.0, -999.0, -9999.0, 999.0, 9999.0, 99999.0, 999999.0, 365243.0)
_ID_NAME = re.compile(
    r"(^|[_\W])(?i:id|uuid|guid)($|[_\W])|[a-z0-9](ID|Id)$|^ID[a-z]|^Id[A-Z]|"
    r"(?i:(customer|client|user|account|card|member|policy|loan|person|case|contract|order)[ _]?(id|num|number|nr|no)$)"
)
_ROW_NAME = re.compile(r"^(row_?(number|num|no|id)|index|unnamed.*)$", re.IGNORECASE)
_PERSONAL_NAME = re.compile(
    r"(surname|last_?name|first_?name|full_?name|^name$|e_?mail|phone|mobile|address|street|iban|ssn|passport)",
    re.IGNORECASE,
)
_PROTECTED_NAME = re.compile(
    r"^(sex|gender|race|ethnic\w*|religion|age|customer_age|birth\w*|nationality|native_country|geography|"
    r"marital\w*|marriage|disab\w*|pregnan\w*)$",
    re.IGNORECASE,
)
_LOCAL_NUMBER = r"^[+-]?[€$£]? ?\d{1,3}([.,' \u00a0]?\d{3})*([.,]\d+)? ?[€$£%]?$"
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?.*)?$")


@dataclass(frozen=True)
class Inferred:
    """A contract, the columns left out of the features (with the reason), what was noticed, and derived features
    worth trying (name to formula)."""

    contract: Contract
    dropped: dict[str, str]
    findings: tuple[Finding, ...]
    derived: dict[str, str]


@dataclass(frozen=True)
class _Judged:
    column: Column
    findings: tuple[Finding, ...] = ()
    drop: str | None = None
    parts: tuple[str, ...] = ()
    """Parts of a date that vary."""


def infer_contract(frame: pl.DataFrame, problem: Problem) -> Inferred:
    """Judge every column that could be a feature.

    Parameters
    ----------
    frame : polars.DataFrame
        The table as read, shape (n, k).
    problem : Problem
        Names the columns that are never features.

    Returns
    -------
    Inferred
    """
    judged = [
        _judge(frame[name], used=name not in problem.not_features())
        for name in frame.columns
        if name not in (problem.target_column, problem.id, problem.time)
    ]
    dropped = {one.column.name: one.drop for one in judged if one.drop}
    kept = [one for one in judged if not one.drop]
    usable = [one for one in kept if one.column.name not in problem.not_features()]
    when = _event_date(frame, problem)
    dates = {one.column.name: one.parts for one in usable if one.column.type == "date"}
    derived = propose(dates, when.name if when else None, set(frame.columns))
    used = {one.column.name for one in usable} | ({when.name} if when and counts_from(when.name, derived) else set())
    columns = {one.column.name: one.column for one in kept} | ({when.name: when} if when else {})
    features = tuple(name for name in frame.columns if name in used)
    contract = Contract(
        columns=tuple(columns[name] for name in frame.columns if name in columns),
        features=features,
        known=tuple(name for name in frame.columns if name not in features),
    )
    findings = tuple(finding for one in judged for finding in one.findings)
    return Inferred(contract, dropped, findings, derived)


def _event_date(frame: pl.DataFrame, problem: Problem) -> Column | None:
    """The event time as a column of dates, for the formulas that count days back from it."""
    if problem.time is None or problem.time not in frame.columns or not _is_date(frame[problem.time]):
        return None
    column = Column(problem.time, "date")
    return column if not decode_series(column, frame[problem.time])[1] else None


def likely_id(frame: pl.DataFrame, *, but: Iterable[str]) -> str | None:
    """The column that most looks like the customer's id: named like one, and another text in every row."""
    barred = set(but)
    for name in frame.columns:
        series = frame[name]
        if name in barred or not _ID_NAME.search(name) or _ROW_NAME.match(name):
            continue
        if series.null_count() == 0 and series.n_unique() == len(series) > 1 and not _has_fractions(series):
            return name
    return None


def _has_fractions(series: pl.Series) -> bool:
    numbers = series.cast(pl.Float64, strict=False).drop_nulls()
    return bool((numbers != numbers.round()).any())


def _judge(series: pl.Series, *, used: bool) -> _Judged:
    name, cells = series.name, plain(series)
    if cells.dtype.is_float():
        cells = cells.fill_nan(None)
    present = cells.drop_nulls()
    if not len(present):
        return _dropped(name, "empty", "The column is empty in every row.", "it is left out")
    distinct = present.n_unique()
    if distinct == 1:
        return _dropped(name, "constant", f"Every filled row holds {present[0]!r}.", "it is left out of the features")
    numbers = present.cast(pl.Float64, strict=False)
    numeric = _looks_like_number(present, numbers)
    if used and _PERSONAL_NAME.search(name) and distinct > (0.5 * len(present) if numeric else 20):
        message = f"The name says personal data; {distinct:,} different values (high cardinality)."
        return _dropped(name, "personal", message, "it is left out of the features")
    if numeric:
        judged = _judge_number(name, present, numbers)
    elif _is_date(series):
        judged = _judge_date(series)
    elif _is_local_number(present):
        message = f"The cells are numbers in a local way of writing, for example {present[0]!r}."
        return _dropped(name, "number-format", message, "write them like 1234.5 at the source; until then left out")
    else:
        judged = _judge_category(name, cells)
    if used and _PROTECTED_NAME.match(name):
        judged = replace(judged, findings=(*judged.findings, _protected(name)))
    return _with_missing(judged, series, cells)


def _is_date(series: pl.Series) -> bool:
    present = plain(series).drop_nulls()
    if series.dtype in (pl.Date, pl.Datetime):
        return True
    return present.dtype == pl.String and bool(present.head(200).str.contains(_DATE.pattern).all())


def _judge_date(series: pl.Series) -> _Judged:
    name, column = series.name, Column(series.name, "date", nullable=True)
    values, breaches = decode_series(column, series)
    days = values[~np.isnan(values)]
    odd = sum(len(breach.rows) for breach in breaches)
    if not len(days) or odd > 0.01 * len(series):
        message = f"{odd:,} of {len(series):,} cells look like dates and are none: {breaches[0].message}."
        return _dropped(name, "date-format", message, "write them like 2026-01-31 at the source; until then left out")
    parts = tuple(part for part in ("month", "weekday") if np.ptp(PARTS[part](days)))
    step = "name it with --time if it says when each customer stood so; else see features.derived in riskloop.yaml"
    message = f"Dates from {text_of(days.min())} to {text_of(days.max())}: a model learns from what is derived of them."
    findings = [Finding("date", "warning", message, step, name)]
    if odd:
        message = f"{odd:,} cells are no dates: {breaches[0].message}."
        step = "correct the cells, or list them under missing_values in contract.yaml"
        findings.append(Finding("text-in-date", "warning", message, step, name, odd))
    return _Judged(replace(column, nullable=False), tuple(findings), parts=parts)


def _not_a_number(present: pl.Series, numbers: pl.Series) -> pl.Series:
    return present.filter(~_usable(numbers))


def _usable(numbers: pl.Series) -> pl.Series:
    return (numbers.abs() <= LARGEST_NUMBER).fill_null(False) & ~numbers.is_nan().fill_null(False)


def _looks_like_number(present: pl.Series, numbers: pl.Series) -> bool:
    """Few cells may be no numbers; of words that stand for missing there may be many, beside a true measurement."""
    odd = _not_a_number(present, numbers)
    if not len(odd) or present.dtype.is_float():
        return True
    words = {word.lower() for word in odd.unique().to_list()}
    if words <= _MISSING_WORDS:
        return len(odd) <= 0.5 * len(present) or numbers.n_unique() > MOST_CODES
    return len(odd) <= 0.01 * len(present) and len(words) <= max(3, len(odd) // 2)


def _is_local_number(present: pl.Series) -> bool:
    """``1,5``, ``1.234,50`` or ``1 234 EUR`` in nearly all cells that differ."""
    distinct = present.unique()
    if len(distinct) <= MOST_CODES or not distinct.cast(pl.Float64, strict=False).null_count():
        return False
    return int(distinct.str.contains(_LOCAL_NUMBER).sum()) >= 0.99 * len(distinct)


def _judge_number(name: str, present: pl.Series, numbers: pl.Series) -> _Judged:
    odd = _not_a_number(present, numbers)
    words = tuple(sorted(word for word in set(odd.to_list()) if str(word).lower() in _MISSING_WORDS))
    values = numbers.filter(_usable(numbers)).to_numpy()
    if not len(values):
        message = f"No cell holds a number up to {LARGEST_NUMBER:g}, for example {odd[0]!r}."
        return _dropped(name, "too-large", message, "it is left out of the features; an id belongs into --id")
    findings = list(_odd_findings(name, odd, words))
    if _is_counter(values):
        named = _ID_NAME.search(name) or _ROW_NAME.match(name)
        if named or values.max() - values.min() == len(values) - 1:
            return _dropped(name, "id-like", "Every row holds another whole number.", "it is left out of the features")
        step = "if it is an id, drop it (features.drop in riskloop.yaml)"
        findings.append(Finding("id-like", "warning", "Every row holds another whole number.", step, name))
    findings += _value_findings(name, values)
    column = Column(name, "number", minimum=0.0 if values.min() >= 0 else None, missing_values=words)
    return _Judged(column, tuple(findings))


def _odd_findings(name: str, odd: pl.Series, words: tuple[str, ...]) -> Iterable[Finding]:
    if words:
        yield Finding(
            "missing-word",
            "info",
            f"{len(odd):,} cells of this number column hold {', '.join(map(repr, words))}: read as missing.",
            "remove it from missing_values in contract.yaml if it is a value",
            name,
            len(odd),
        )
    elif len(odd):
        yield Finding(
            "text-in-number",
            "warning",
            f"{len(odd):,} cells are no numbers up to {LARGEST_NUMBER:g}, for example {odd[0]!r}.",
            "correct the cells, or list them under missing_values in contract.yaml",
            name,
            len(odd),
        )


def _is_counter(values: NDArray[np.float64]) -> bool:
    whole = bool((values == np.round(values)).all()) and np.abs(values).max() < LARGEST_NUMBER
    return whole and len(values) >= 20 and len(np.unique(values)) == len(values)


def _value_findings(name: str, values: NDArray[np.float64]) -> Iterable[Finding]:
    yield from _sentinels(name, values)
    yield from _few_negatives(name, values)
    yield from _integer_codes(name, values)


def _sentinels(name: str, values: NDArray[np.float64]) -> Iterable[Finding]:
    ordinary = values[~np.isin(values, _SENTINELS)]
    for code in _SENTINELS:
        rows = int((values == code).sum())
        share = rows / len(values)
        if share >= 0.005 and len(ordinary) and _stands_apart(code, ordinary):
            yield Finding(
                "sentinel",
                "warning",
                f"{code:g} stands apart from the other values and fills {share:.1%} of the cells: "
                "it may be a code for missing.",
                f"if so, set missing_values: ['{code:g}'], nullable: true and max_missing in contract.yaml",
                name,
                rows,
                {"value": code, "share": share},
            )


def _few_negatives(name: str, values: NDArray[np.float64]) -> Iterable[Finding]:
    below = values[values < 0]
    if 0 < len(below) <= 0.01 * len(values) and not np.isin(below, _SENTINELS).all():
        message = f"{len(below):,} cells are negative, the lowest {below.min():g}; the others are not."
        step = "if they are faults, set minimum: 0 in contract.yaml"
        yield Finding("few-negatives", "warning", message, step, name, len(below))


def _integer_codes(name: str, values: NDArray[np.float64]) -> Iterable[Finding]:
    distinct = np.unique(values)
    if 2 < len(distinct) <= MOST_CODES and (distinct == np.round(distinct)).all() and np.abs(distinct).max() < 100:
        shown = ", ".join(f"{value:g}" for value in distinct)
        message = f"Only {len(distinct)} whole numbers occur ({shown}): a count, or codes of a category?"
        step = "if they are codes, set type: category with levels in contract.yaml"
        yield Finding("integer-codes", "info", message, step, name)


def _stands_apart(code: float, rest: NDArray[np.float64]) -> bool:
    low, high = np.quantile(rest, [0.005, 0.995])
    span = max(float(high - low), 1.0)
    return bool(code > high + 2 * span or code < low - max(0.5 * span, 1.0))


def _judge_category(name: str, text: pl.Series) -> _Judged:
    counts = text.drop_nulls().value_counts(sort=True)
    levels = counts.to_series(0).to_list()
    if len(levels) > 0.9 * len(text) and len(text) >= 20:
        return _dropped(name, "id-like", "Nearly every row holds another text.", "it is left out of the features")
    if len(levels) > MAX_LEVELS or (len(levels) > MANY_LEVELS and len(text) < ROWS_PER_LEVEL * len(levels)):
        return _dropped(name, "high-cardinality", f"{len(levels):,} different texts.", "it is left out of the features")
    missing = tuple(level for level in levels if level == "?")
    known = tuple(sorted(level for level in levels if level not in missing))
    rare = bool((counts["count"] < 5).any())
    open_ended = len(known) > MANY_LEVELS or (rare and len(known) > 20)
    column = Column(name, "category", levels=known, missing_values=missing, unknown="bin" if open_ended else "reject")
    return _Judged(column, tuple(_category_findings(name, dict(counts.iter_rows()))))


def _category_findings(name: str, counts: dict[str, int]) -> Iterable[Finding]:
    folded: dict[str, list[str]] = {}
    for level in counts:
        folded.setdefault(re.sub(r"[\s_\-.]+", " ", level).casefold(), []).append(level)
    twins = [sorted(group) for group in folded.values() if len(group) > 1]
    if twins:
        yield Finding(
            "category-format",
            "warning",
            f"Levels differ only in case or spacing: {'; '.join(', '.join(map(repr, group)) for group in twins[:3])}.",
            "keep one of them and set ignore_case: true, or aliases, in contract.yaml",
            name,
            sum(counts[level] for group in twins for level in group),
            {"levels": twins},
        )
    for level, count in counts.items():
        if level.lower() in _MISSING_WORDS:
            meaning = "read as missing" if level == "?" else "kept as a category of its own"
            yield Finding(
                "looks-missing",
                "info",
                f"{count:,} cells hold {level!r}: {meaning}.",
                "change missing_values in contract.yaml if that is wrong",
                name,
                count,
            )


def _protected(name: str) -> Finding:
    return Finding(
        "protected",
        "warning",
        f"{name!r} may be a protected attribute.",
        f"to keep it out of the decision and audit it, add --sensitive {name}",
        name,
    )


def _with_missing(judged: _Judged, series: pl.Series, cells: pl.Series) -> _Judged:
    column = judged.column
    gone = cells.is_null()
    if column.missing_values:
        gone |= cells.is_in(list(column.missing_values)).fill_null(True)
    rows = int(gone.sum())
    if judged.drop or not rows:
        return judged
    share = rows / len(cells)
    allowed = _allowed_share(share)
    blanks = int((series.is_not_null() & cells.is_null()).sum()) if series.dtype == pl.String else 0
    among = f" ({blanks:,} of them hold blanks only)" if blanks else ""
    finding = Finding(
        "missing-share",
        "warning" if share > DEFAULT_MISSING else "info",
        f"{rows:,} cells ({share:.1%}) are missing{among}; the contract allows up to {allowed:.0%}.",
        "lower max_missing in contract.yaml to refuse such tables, or set nullable: false to refuse such rows",
        column.name,
        rows,
        {"share": share, "allowed": allowed},
    )
    column = replace(column, nullable=True, max_missing=allowed)
    return replace(judged, column=column, findings=(*judged.findings, finding))


def _allowed_share(share: float) -> float:
    """What is usual in this table and half as much again, in steps of 5 %."""
    return min(1.0, max(DEFAULT_MISSING, math.ceil(round(share * 1.5 * 20, 6)) / 20))


def _dropped(name: str, code: str, message: str, step: str, severity: str = "warning") -> _Judged:
    finding = Finding(code, "info" if severity == "info" else "warning", message, step, name)
    return _Judged(Column(name), (finding,), f"{code}: {message}")
