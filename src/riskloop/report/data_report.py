"""The data report: what a table holds, what is wrong with it, and what each column says about the target."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from riskloop.data.dataset import Dataset
from riskloop.data.split import SplitKind
from riskloop.findings import Finding, by_severity
from riskloop.learn.evaluation.intervals import Interval, wilson
from riskloop.report.data_schema import KIND, SCHEMA, SCHEMA_VERSION
from riskloop.report.data_sections import (
    MOST_COLUMNS,
    MOST_DRAWN,
    MOST_FINDINGS,
    MOST_LISTED,
    MOST_PAIRS,
    sections,
)
from riskloop.report.data_summary.association import (
    LEAST_SHOWN,
    MOST_FEATURES,
    Associations,
    MissingPattern,
    associations,
    missing_together,
)
from riskloop.report.data_summary.features import Feature, features
from riskloop.report.data_summary.over_time import OverTime, over_time
from riskloop.report.documents.markdown import escaped, text
from riskloop.report.documents.pen import Pen
from riskloop.report.documents.tree import Source
from riskloop.report.files import write_whole
from riskloop.report.page import render
from riskloop.report.words import Language, shown

if TYPE_CHECKING:
    import polars as pl

AUC_ROWS = 100_000
ASSOCIATION_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class OtherColumn:
    """A column that is not a feature, and why: target, id, time, sensitive, unavailable or other."""

    name: str
    role: str


@dataclass(frozen=True)
class DataReport:
    """Everything the report says, as values; ``document``, ``page`` and ``markdown`` are ways to write them down.

    Attributes
    ----------
    title : str
    generated : datetime
    settings : mapping of str to str
    target, positive, fingerprint : str
    rows, kept, columns, repeated : int
        Rows and columns of the table; rows that passed the gate; rows that share a customer or every feature.
    positives : int
    rate : Interval
        Share of positives among the kept rows (Wilson).
    split : {"random", "time", "row_order"}
        The split advised.
    findings : list of Finding
        The gravest first.
    features : list of Feature
        Those that know most by themselves first.
    associations : Associations
    over_time : OverTime
    missing_together : list of MissingPattern
    other_columns : list of OtherColumn
    auc_rows : int
        Rows behind the single-feature ROC-AUC.
    """

    title: str
    generated: datetime
    settings: Mapping[str, str]
    target: str
    positive: str
    fingerprint: str
    rows: int
    kept: int
    columns: int
    repeated: int
    positives: int
    rate: Interval
    split: SplitKind
    findings: list[Finding]
    features: list[Feature]
    associations: Associations
    over_time: OverTime
    missing_together: list[MissingPattern]
    other_columns: list[OtherColumn] = field(default_factory=list)
    auc_rows: int = 0

    @property
    def quarantined(self) -> int:
        return self.rows - self.kept

    @property
    def source(self) -> Source:
        """What every table and figure comes from."""
        return Source({"data": self.fingerprint})

    @cached_property
    def html(self) -> str:
        """The page in English."""
        return self.page()

    def page(self, language: Language = "en") -> str:
        """One self-contained page: no scripts, nothing loaded from elsewhere."""
        return render(
            "data.html.j2",
            language=language,
            report=self,
            drawn=MOST_DRAWN,
            listed=MOST_LISTED,
            listed_findings=MOST_FINDINGS,
            listed_columns=MOST_COLUMNS,
            listed_pairs=MOST_PAIRS,
            least=LEAST_SHOWN,
        )

    def markdown(self, language: Language = "en") -> str:
        """What the page says, its figures as tables."""
        pen = Pen(language)
        front = {
            "kind": KIND,
            "language": language,
            "created": self.generated.isoformat(),
            "fingerprint": f"sha256:{self.fingerprint}",
            "rows": self.rows,
        }
        made = pen.say("generated", when=pen.moment(self.generated).text)
        return text(shown(self.title, 120), front, [escaped(made), ""], sections(self, pen), pen)

    @cached_property
    def document(self) -> dict[str, Any]:
        """Plain JSON values; what is not defined is None."""
        return {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "kind": KIND,
            "title": self.title,
            "generated": self.generated.isoformat(),
            "source": self.source.to_dict(),
            "settings": dict(self.settings),
            "overview": self._overview(),
            "findings": [finding.to_dict() for finding in self.findings],
            "features": [feature.to_dict() for feature in self.features],
            "associations": self.associations.to_dict(),
            "over_time": self.over_time.to_dict(),
            "missing_together": [pattern.to_dict() for pattern in self.missing_together],
            "other_columns": [{"name": one.name, "role": one.role} for one in self.other_columns],
        }

    def _overview(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "kept": self.kept,
            "quarantined": self.quarantined,
            "columns": self.columns,
            "features": len(self.features),
            "target": self.target,
            "positive": self.positive,
            "positives": self.positives,
            "rate": self.rate.to_dict(),
            "split": self.split,
            "repeated": self.repeated,
            "roc_auc_rows": self.auc_rows,
            "fingerprint": self.fingerprint,
        }


def data_report(
    frame: pl.DataFrame,
    dataset: Dataset,
    findings: Sequence[Finding],
    *,
    title: str,
    generated: datetime,
    settings: Mapping[str, str] | None = None,
    seed: int = 0,
) -> DataReport:
    """Describe a table.

    Counts, rates, statistics and missing cells are over all rows; ROC-AUC over at most 100,000 and associations over
    at most 20,000 rows drawn at random, which the report says.

    Parameters
    ----------
    frame : polars.DataFrame
        The table as read, with the rows that were set aside.
    dataset : Dataset
        The rows that passed the gate.
    findings : sequence of Finding
    title : str
    generated : datetime
        Shown and stored as given.
    settings : mapping of str to str, optional
        What the reader should know about the run: shown as it is.
    seed : int
        Of the samples.
    """
    found = features(dataset, _sample(len(dataset), AUC_ROWS, seed), seed=seed)
    sample = _sample(len(dataset), ASSOCIATION_ROWS, seed)
    compared = [feature.name for feature in found[:MOST_FEATURES]]
    drawn = {name: dataset.columns[name][sample] for name in compared}
    positives = int(dataset.outcome.sum())
    return DataReport(
        title=title,
        generated=generated,
        settings=settings or {},
        target=dataset.problem.target,
        positive=dataset.problem.positive,
        fingerprint=dataset.fingerprint,
        rows=frame.height,
        kept=len(dataset),
        columns=frame.width,
        repeated=len(dataset) - len(np.unique(dataset.groups)),
        positives=positives,
        rate=wilson(positives, len(dataset)),
        split=_advised_split(dataset, findings),
        findings=by_severity(findings),
        features=found,
        associations=associations(dataset.contract, drawn, compared),
        over_time=over_time(dataset.outcome, dataset.time),
        missing_together=missing_together(dataset.columns, dataset.outcome, seed=seed),
        other_columns=_other_columns(frame.columns, dataset),
        auc_rows=min(len(dataset), AUC_ROWS),
    )


def write_data_report(report: DataReport, folder: Path, language: Language = "en") -> dict[str, Path]:
    """Write data.html, data.md and data.json, all or none; returns their paths by kind.

    Page and Markdown in French are data.fr.html and data.fr.md; the values in data.json are the same in any language.

    Raises
    ------
    RiskloopError
        If they cannot be written; older ones are left as they were.
    """
    stem = "data" if language == "en" else f"data.{language}"
    document = json.dumps(report.document, indent=1, allow_nan=False)
    names = {"html": f"{stem}.html", "md": f"{stem}.md", "json": "data.json"}
    contents = {"html": report.page(language), "md": report.markdown(language), "json": document}
    write_whole(folder, {name: contents[kind] for kind, name in names.items()})
    return {kind: folder / name for kind, name in names.items()}


def _sample(rows: int, most: int, seed: int) -> NDArray[np.int64]:
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _advised_split(dataset: Dataset, findings: Sequence[Finding]) -> SplitKind:
    if dataset.time is not None:
        return "time"
    ordered = any(finding.code == "row-order-carries-target" for finding in findings)
    return "row_order" if ordered else "random"


def _other_columns(names: Sequence[str], dataset: Dataset) -> list[OtherColumn]:
    problem = dataset.problem
    roles: dict[str | None, str] = {
        **dict.fromkeys(problem.sensitive, "sensitive"),
        **dict.fromkeys(problem.unavailable, "unavailable"),
        problem.time: "time",
        problem.id: "id",
        problem.target_column: "target",
    }
    used = set(dataset.contract.features)
    return [OtherColumn(name, roles.get(name, "other")) for name in names if name not in used]
