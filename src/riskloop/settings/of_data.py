"""What there is to learn from: the problem, the tables, the features."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Literal

from pydantic import Field, model_validator

from riskloop.data.linked.plan import LinkedTable
from riskloop.problem import Problem
from riskloop.settings.section import Section, days
from riskloop.watch.maturity import Maturity


class ProblemSection(Section):
    """What is to be decided about: which column is the outcome, and which roles others have."""

    target: str = Field(description="Target column, or a comparison such as `ClaimNb > 0`.")
    positive: str = Field(
        "true", description="Value of the target that is the risk (as text).", coerce_numbers_to_str=True
    )
    id: str | None = Field(None, description="Column that names the customer.")
    time: str | None = Field(None, description="Event time; when set, the test block is the latest part.")
    sensitive: list[str] = Field(
        default_factory=list, description="Protected attributes: audited; used only if features.allow names them."
    )
    unavailable: list[str] = Field(default_factory=list, description="Columns not known at decision time.")
    maturity: str | float | None = Field(
        None, description="Time from a prediction until its outcome is final: 90d, 12h; a bare number is days."
    )
    unreported: Literal["unknown", "negative"] = Field(
        "unknown", description="What a customer is of whom nothing was told by then; negative if you report positives."
    )

    @model_validator(mode="after")
    def _silence_takes_time(self) -> ProblemSection:
        if self.maturity is not None:
            days(self.maturity)
        elif self.unreported == "negative":
            raise ValueError("unreported: negative needs maturity, the time after which silence is an answer")
        return self

    @model_validator(mode="after")
    def _one_role_each(self) -> ProblemSection:
        named = [name for name in (self.target, self.id, self.time, *self.sensitive, *self.unavailable) if name]
        twice = [name for name, count in Counter(named).items() if count > 1]
        if twice:
            raise ValueError(f"the column {twice[0]!r} has two roles")
        return self

    def matures(self) -> Maturity:
        """From when on outcomes are final, and what silence means then."""
        after = None if self.maturity is None else timedelta(days=days(self.maturity))
        return Maturity(after, self.unreported)

    def problem(self) -> Problem:
        return Problem(self.target, self.positive, self.id, self.time, tuple(self.sensitive), tuple(self.unavailable))


class DataSection(Section):
    """Where the training table lies, and how its text is read."""

    path: str = Field(description="Training table: a file or a glob; relative to the project folder.")
    separator: str | None = Field(None, description="Field separator; found out when absent.")
    encoding: str | None = Field(None, description="Text encoding; found out when absent.")
    header: bool | None = Field(None, description="Whether the first line names the columns.")
    columns: list[str] = Field(default_factory=list, description="Column names of a file without a header.")
    sample_rows: int | None = Field(None, gt=0, description="Learn from about so many rows of a larger table.")


class LinkedSection(Section):
    """A table of many rows to a customer, and the features that are made of it."""

    path: str = Field(description="Linked table: a file or a glob; relative to the project folder.")
    key: str = Field(description="Its column that holds the customer's id.")
    time: str | None = Field(
        None, description="Its column that says when a row became known; needed where problem.time is set."
    )
    windows: list[str] = Field(
        default_factory=lambda: ["all"], min_length=1, description="How far back rows count: days as 90d, or all."
    )
    features: dict[str, list[str]] = Field(
        min_length=1, description="Aggregates by column; `*` stands for the rows: count, recency."
    )

    def table(self, name: str) -> LinkedTable:
        return LinkedTable.from_dict(name, self.model_dump(exclude={"path"}))


class FeaturesSection(Section):
    """Which columns the model reads."""

    drop: dict[str, str] = Field(default_factory=dict, description="Columns never used, each with the reason.")
    allow: dict[str, str] = Field(
        default_factory=dict, description="Columns kept in spite of a leakage finding, each with the reason."
    )
    derived: dict[str, str] = Field(
        default_factory=dict, description="Arithmetic over number columns, e.g. `debt / income`."
    )
