"""Infer a contract from a table: what each column is, what it allows, and what a reader should look at."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from riskloop.data.contract import LARGEST_NUMBER, Column, Contract
from riskloop.data.frames import as_text
from riskloop.findings import Finding
from riskloop.problem import Problem

MAX_LEVELS = 255
"""More distinct texts than this are no category: free text, a name, an id."""

_MISSING_WORDS = {"?", "-", "--", ".", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "missing", "unknown"}
_SENTINELS = (-9.0, -99.0, -999.0, -9999.0, 999.0, 9999.0, 99999.0, 999999.0, 365243.0)
_ID_NAME = re.compile(r"(^id|id$|num$|number$|^no$|uuid|key$|rownumber|index)", re.IGNORECASE)
_PERSONAL_NAME = re.compile(
    r"(surname|last_?name|first_?name|full_?name|^name$|e_?mail|phone|mobile|address|street|iban|ssn|passport)",
    re.IGNORECASE,
)
_PROTECTED_NAME = re.compile(
    r"^(sex|gender|race|ethnic\w*|religion|age|customer_age|birth\w*|nationality|native_country|geography|"
    r"marital\w*|marriage|disab\w*|pregnan\w*)$",
    re.IGNORECASE,
)
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?.*)?$")


@dataclass(frozen=True)
class Inferred:
    """A contract, the columns left out of the features (with the reason), and what was noticed."""

    contract: Contract
    dropped: dict[str, str]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Judged:
    column: Column
    findings: tuple[Finding, ...] = ()
    drop: str | None = None


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
    features = tuple(
        one.column.name for one in judged if not one.drop and one.column.name not in problem.not_features()
    )
    contract = Contract(
        columns=tuple(one.column for one in judged if not one.drop),
        features=features,
        known=tuple(name for name in frame.columns if name not in features),
    )
    return Inferred(contract, dropped, tuple(finding for one in judged for finding in one.findings))


def likely_id(frame: pl.DataFrame, *, but: Iterable[str]) -> str | None:
    """The column that most looks like the customer's id: distinct in every row and named like one."""
    barred = set(but)
    for name in frame.columns:
        series = frame[name]
        if name in barred or not _ID_NAME.search(name) or name.lower() in ("rownumber", "index"):
            continue
        if series.null_count() == 0 and series.n_unique() == len(series) > 1:
            return name
    return None


def _judge(series: pl.Series, *, used: bool) -> _Judged:
    name, text = series.name, as_text(series)
    present = text.drop_nulls()
    if not len(present):
        return _dropped(name, "empty", "The column is empty in every row.", "it is left out")
    if used and _PERSONAL_NAME.search(name) and present.n_unique() > 20:
        message = f"The name says personal data; {present.n_unique():,} different texts (high cardinality)."
        return _dropped(name, "personal", message, "it is left out of the features")
    numbers = present.cast(pl.Float64, strict=False)
    if present.n_unique() == 1:
        return _dropped(name, "constant", f"Every row holds {present[0]!r}.", "it is left out of the features")
    if _looks_like_number(present, numbers):
        judged = _judge_number(series, text, numbers)
    elif present.head(200).str.contains(_DATE.pattern).all():
        return _dropped(name, "date", "The column holds dates.", "name it with --time if it is the event time", "info")
    else:
        judged = _judge_category(name, text)
    if used and _PROTECTED_NAME.match(name):
        judged = replace(judged, findings=(*judged.findings, _protected(name)))
    return _with_missing(judged, series)


def _looks_like_number(present: pl.Series, numbers: pl.Series) -> bool:
    odd = present.filter(numbers.is_null() | ~numbers.is_finite().fill_null(False))
    if not len(odd):
        return True
    words = {str(value).lower() for value in odd.unique().to_list()}
    few = len(odd) <= 0.5 * len(present) if words <= _MISSING_WORDS else len(odd) <= 0.01 * len(present)
    return few and len(words) <= max(3, len(odd) // 2)


def _judge_number(series: pl.Series, text: pl.Series, numbers: pl.Series) -> _Judged:
    name = series.name
    odd = text.drop_nulls().filter(numbers.is_null() | ~numbers.is_finite().fill_null(False))
    words = tuple(sorted(word for word in set(odd.to_list()) if word.lower() in _MISSING_WORDS))
    values = numbers.filter(numbers.is_finite().fill_null(False)).to_numpy()
    findings = list(_number_findings(name, len(odd), odd, words))
    if _is_id(name, values, len(series)):
        return _dropped(name, "id-like", "Every row holds another whole number.", "it is left out of the features")
    findings += _value_findings(name, values)
    column = Column(name, "number", minimum=0.0 if values.min() >= 0 else None, missing_values=words)
    return _Judged(column, tuple(findings))


def _number_findings(name: str, count: int, odd: pl.Series, words: tuple[str, ...]) -> Iterable[Finding]:
    if words:
        yield Finding(
            "missing-word",
            "info",
            f"{count} cells of this number column hold {', '.join(map(repr, words))}: read as missing.",
            "remove it from missing_values in contract.yaml if it is a value",
            name,
            count,
        )
    elif count:
        yield Finding(
            "text-in-number",
            "warning",
            f"{count} cells are no numbers, for example {odd[0]!r}.",
            "correct the cells, or list them under missing_values in contract.yaml",
            name,
            count,
        )


def _is_id(name: str, values: np.ndarray, rows: int) -> bool:
    whole = bool((values == np.round(values)).all()) and np.abs(values).max() < LARGEST_NUMBER
    distinct = rows >= 20 and len(values) == rows and len(np.unique(values)) == rows
    return whole and distinct and (bool(_ID_NAME.search(name)) or rows >= 5_000)


def _value_findings(name: str, values: np.ndarray) -> Iterable[Finding]:
    for code in _SENTINELS:
        share = float((values == code).mean())
        rest = values[values != code]
        if share >= 0.005 and len(rest) and _stands_apart(code, rest):
            yield Finding(
                "sentinel",
                "warning",
                f"{code:g} stands apart from the other values and fills {share:.1%} of the cells: "
                "it may be a code for missing.",
                f"if so, declare missing_values: ['{code:g}'] and nullable: true in contract.yaml",
                name,
                int((values == code).sum()),
                {"value": code, "share": share},
            )
    distinct = np.unique(values)
    if 2 < len(distinct) <= 12 and (distinct == np.round(distinct)).all() and np.abs(distinct).max() < 100:
        yield Finding(
            "integer-codes",
            "info",
            f"Only {len(distinct)} whole numbers occur ({', '.join(f'{value:g}' for value in distinct[:12])}): "
            "a count, or codes of a category?",
            "if they are codes, set type: category with levels in contract.yaml",
            name,
        )


def _stands_apart(code: float, rest: np.ndarray) -> bool:
    low, high = np.quantile(rest, [0.005, 0.995])
    span = max(float(high - low), 1.0)
    return bool(code > high + 2 * span or code < low - max(0.5 * span, 1.0)) and math.isfinite(span)


def _judge_category(name: str, text: pl.Series) -> _Judged:
    counts = text.drop_nulls().value_counts(sort=True)
    levels = counts[name].to_list()
    if len(levels) > 0.9 * len(text) and len(text) >= 20:
        return _dropped(name, "id-like", "Nearly every row holds another text.", "it is left out of the features")
    if len(levels) > MAX_LEVELS:
        return _dropped(
            name, "high-cardinality", f"{len(levels):,} different texts.", "it is left out of the features", "warning"
        )
    missing = tuple(level for level in levels if level == "?")
    known = tuple(sorted(level for level in levels if level not in missing))
    rare = bool((counts["count"] < 5).any())
    column = Column(
        name, "category", levels=known, missing_values=missing, unknown="bin" if rare and len(known) > 20 else "reject"
    )
    return _Judged(column, tuple(_category_findings(name, text, levels)))


def _category_findings(name: str, text: pl.Series, levels: list[str]) -> Iterable[Finding]:
    folded: dict[str, list[str]] = {}
    for level in levels:
        folded.setdefault(re.sub(r"[\s_\-.]+", " ", level).casefold(), []).append(level)
    twins = [group for group in folded.values() if len(group) > 1]
    if twins:
        yield Finding(
            "category-format",
            "warning",
            f"Levels differ only in case or spacing: {', '.join(map(repr, twins[0]))}.",
            "write them in one way at the source",
            name,
        )
    lookalikes = [level for level in levels if level.lower() in _MISSING_WORDS]
    for level in lookalikes:
        count = int((text == level).sum())
        meaning = "read as missing" if level == "?" else "kept as a category of its own"
        yield Finding(
            "looks-missing",
            "info",
            f"{count} cells hold {level!r}: {meaning}.",
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


def _with_missing(judged: _Judged, series: pl.Series) -> _Judged:
    column = judged.column
    if judged.drop:
        return judged
    text = as_text(series)
    gone = text.is_null() | text.is_in(list(column.missing_values))
    share = float(gone.fill_null(True).to_numpy().mean())
    if not share:
        return judged
    allowed = max(0.05, math.ceil(share * 15) / 10 if share > 0.5 else math.ceil(share * 1.5 * 20) / 20)
    judged = replace(judged, column=replace(column, nullable=True, max_missing=min(1.0, allowed)))
    if share <= 0.05:
        return judged
    finding = Finding(
        "missing-share",
        "warning",
        f"{share:.1%} of the cells are missing; the contract allows up to {min(1.0, allowed):.0%}.",
        "lower max_missing in contract.yaml to refuse such tables",
        column.name,
        int(gone.fill_null(True).sum()),
    )
    return replace(judged, findings=(*judged.findings, finding))


def _dropped(name: str, code: str, message: str, step: str, severity: str = "warning") -> _Judged:
    finding = Finding(code, "info" if severity == "info" else "warning", message, step, name)
    return _Judged(Column(name), (finding,), f"{code}: {message}")
