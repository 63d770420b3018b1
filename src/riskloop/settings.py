"""riskloop.yaml: read once, typed, a sentence per field."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from riskloop.data.contract import did_you_mean
from riskloop.data.linked.plan import LinkedTable, Plan
from riskloop.decide.prices import Declared, declare
from riskloop.decide.reasons import Bounds
from riskloop.decide.review import Review
from riskloop.errors import ConfigError
from riskloop.problem import Problem
from riskloop.watch.thresholds import USUAL, Thresholds

FILE = "riskloop.yaml"
CONTRACT_FILE = "contract.yaml"
TEXTS_FILE = "reasons.yaml"
PREFIX = "RISKLOOP__"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProblemSection(_Section):
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

    @model_validator(mode="after")
    def _one_role_each(self) -> ProblemSection:
        named = [name for name in (self.target, self.id, self.time, *self.sensitive, *self.unavailable) if name]
        twice = [name for name, count in Counter(named).items() if count > 1]
        if twice:
            raise ValueError(f"the column {twice[0]!r} has two roles")
        return self

    def problem(self) -> Problem:
        return Problem(self.target, self.positive, self.id, self.time, tuple(self.sensitive), tuple(self.unavailable))


class DataSection(_Section):
    path: str = Field(description="Training table: a file or a glob; relative to the project folder.")
    separator: str | None = Field(None, description="Field separator; found out when absent.")
    encoding: str | None = Field(None, description="Text encoding; found out when absent.")
    header: bool | None = Field(None, description="Whether the first line names the columns.")
    columns: list[str] = Field(default_factory=list, description="Column names of a file without a header.")
    sample_rows: int | None = Field(None, gt=0, description="Learn from about so many rows of a larger table.")


class LinkedSection(_Section):
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


class FeaturesSection(_Section):
    drop: dict[str, str] = Field(default_factory=dict, description="Columns never used, each with the reason.")
    allow: dict[str, str] = Field(
        default_factory=dict, description="Columns kept in spite of a leakage finding, each with the reason."
    )
    derived: dict[str, str] = Field(
        default_factory=dict, description="Arithmetic over number columns, e.g. `debt / income`."
    )


class CostsSection(_Section):
    fp: float | str = Field(
        1.0,
        description="Cost of acting on a negative, in currency per customer: an amount, a column or arithmetic over "
        "columns such as `0.6 * loan_amount`; benefits are below zero.",
    )
    fn: float | str = Field(10.0, description="Cost of not acting on a positive; the same.")
    tp: float | str = Field(0.0, description="Cost of acting on a positive; the same.")
    tn: float | str = Field(0.0, description="Cost of not acting on a negative; the same.")
    currency: str = Field("EUR", description="Currency of the costs.")

    @model_validator(mode="after")
    def _worth_deciding(self) -> CostsSection:
        self.declared()
        return self

    def declared(self) -> Declared:
        return declare(self.fp, self.fn, self.tp, self.tn, self.currency)


_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0}


def duration(text: str | float) -> float:
    """Seconds in ``90s``, ``10m``, ``2h``, or a plain number of seconds.

    Raises
    ------
    ValueError
        For anything else.
    """
    number, unit = (str(text)[:-1], str(text)[-1:]) if str(text)[-1:] in _SECONDS else (str(text), "s")
    try:
        seconds = float(number) * _SECONDS[unit]
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e7:
        raise ValueError(f"{text!r} is no time; write 90s, 10m or 2h")
    return seconds


class TrainingSection(_Section):
    candidates: list[str] = Field(
        default_factory=list,
        description="Families to try, and blend, stack, voting, distilled; empty means all families and the blend.",
    )
    imbalance: Literal["none", "weights", "smote"] = Field(
        "none", description="Also try every family with class weights, or with SMOTE inside the folds."
    )
    trials: int = Field(0, ge=0, le=100_000, description="Trials of the search for parameters; 0 for none.")
    budget: str | float | None = Field(
        None,
        description="Time for training as 90s, 10m or 2h: what would take longer is left out, the rest is searched.",
    )
    search: Literal["tpe", "random", "grid"] = Field("tpe", description="How parameters are searched.")
    prefer: Literal["simple", "cheap"] = Field(
        "simple",
        description="simple: one that can be read if as good as any, else the best probabilities; cheap: the cheapest.",
    )
    max_ms_per_thousand: float | None = Field(None, gt=0, description="Longest time to predict 1,000 rows.")
    max_megabytes: float | None = Field(None, gt=0, description="Largest model.")
    folds: int = Field(5, ge=2, le=20, description="Number of cross-validation folds.")
    test_share: float = Field(0.2, gt=0, lt=0.9, description="Share of rows in the untouched test block.")
    split: Literal["random", "time", "row_order"] | None = Field(
        None, description="How the test block is chosen; by time when problem.time is set, else at random."
    )
    embargo_days: float = Field(0.0, ge=0, description="Days before the test block that are left out.")
    seed: int = Field(42, ge=0, description="Seed of everything random.")
    policy: Literal["auto", "cost", "capacity", "empirical", "f1", "fixed", "precision_at", "recall_at"] = Field(
        "auto",
        description="How the decision threshold is chosen; auto: by the costs (cost), on out-of-fold rows (empirical) "
        "where calibration is rejected. capacity: for those on whom acting gains most, a share policy_value of all.",
    )
    policy_value: float | None = Field(
        None, ge=0, le=1, description="Value for capacity, fixed, precision_at and recall_at."
    )

    def but(self, asked: Mapping[str, Any]) -> TrainingSection:
        """The section with some fields replaced; None leaves a field as it is.

        Raises
        ------
        ConfigError
            If a value does not fit.
        """
        given = {name: value for name, value in asked.items() if value is not None}
        try:
            return TrainingSection.model_validate(self.model_dump() | given)
        except ValidationError as error:
            raise _explain(error, "training") from error

    @property
    def seconds(self) -> float | None:
        """The budget in seconds."""
        return None if self.budget is None else duration(self.budget)

    @model_validator(mode="after")
    def _budget_is_a_time(self) -> TrainingSection:
        if self.budget is not None:
            duration(self.budget)
        return self

    @model_validator(mode="after")
    def _value_where_needed(self) -> TrainingSection:
        if self.policy in ("capacity", "fixed", "precision_at", "recall_at") and self.policy_value is None:
            raise ValueError(f"the policy {self.policy!r} needs policy_value, a number between 0 and 1")
        return self


class ReviewSection(_Section):
    cost: float | None = Field(None, ge=0, description="Cost of a person's look at a case; no reviews if left out.")
    accuracy: float = Field(1.0, gt=0.5, le=1, description="How often the reviewer finds out which it is.")
    most: float = Field(1.0, gt=0, le=1, description="Share of the customers that can be reviewed.")
    label: str = Field("review", min_length=1, description="Word for the decision to review.")

    def review(self) -> Review | None:
        return None if self.cost is None else Review(self.cost, self.accuracy, label=self.label)


class FairnessSection(_Section):
    favourable: Literal["pass", "act"] = Field(
        "pass", description="Which decision customers would rather have; pass where acting is to decline."
    )
    minimum_rows: int = Field(100, ge=10, description="Groups of fewer customers are counted and not judged.")


class ActionableSection(_Section):
    minimum: float | None = Field(None, description="Lowest value of a number that a customer can reach.")
    maximum: float | None = Field(None, description="Highest value of a number that a customer can reach.")
    levels: list[str] = Field(default_factory=list, description="Levels of a category that a customer can reach.")
    direction: Literal["", "up", "down"] = Field("", description="Which way a number can go: up, down, or both.")

    def bounds(self) -> Bounds:
        return Bounds(self.minimum, self.maximum, tuple(self.levels), self.direction)


class ReasonsSection(_Section):
    most: int = Field(4, ge=1, le=20, description="Reasons named for a decision at most.")
    immutable: list[str] = Field(
        default_factory=list, description="Columns that nobody can change: never named as a reason, never changed."
    )
    groups: dict[str, list[str]] = Field(
        default_factory=dict, description="Features that are one business reason, by its name."
    )
    correlated: float = Field(
        0.8, gt=0, le=1, description="Numbers whose ranks correlate so much are one business reason."
    )
    actionable: dict[str, ActionableSection] = Field(
        default_factory=dict,
        description="What customers can change, and how far; every column but protected and immutable ones, if empty.",
    )
    texts: str = Field(TEXTS_FILE, description="Table of texts, relative to the project folder; may be absent.")


class GateSection(_Section):
    min_roc_auc: float = Field(0.55, ge=0, le=1, description="Lowest ROC-AUC on the test block.")
    min_f1: float = Field(0.0, ge=0, le=1, description="Lowest F1 on the test block.")
    max_roc_auc: float | None = Field(
        None, gt=0.5, lt=1, description="Highest ROC-AUC anybody has managed: above it something is wrong."
    )
    max_cost_per_thousand: float | None = Field(None, description="Highest cost per 1,000 on the test block.")
    max_calibration_error: float = Field(0.1, gt=0, le=1, description="Highest calibration error on the test block.")
    max_latency_ms: float = Field(50.0, gt=0, description="Highest median time to score one customer.")
    four_eyes: bool = Field(False, description="A promotion needs a second person.")


class ServingSection(_Section):
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    labels: tuple[str, str] = Field(("act", "pass"), description="Words for the two decisions: act, do not act.")
    bands: tuple[float, float] = Field((0.4, 0.7), description="Probabilities that separate low, medium, high risk.")

    log: Literal["text", "json"] = Field("text", description="Lines for people, or a JSON object per line.")
    log_requests: bool = Field(False, description="Whether every request has a line in the log.")
    max_connections: int = Field(2_000, gt=0, description="Connections of one worker; who comes beyond gets 503.")
    durability: Literal["process", "power"] = Field(
        "process",
        description="What an answered prediction survives: the end of the process, or loss of power too (slower).",
    )
    when_away: Literal["refuse", "spool"] = Field(
        "refuse",
        description="While the database is away: answer 503, or answer and keep predictions on the local disk for it.",
    )
    retention_days: float | None = Field(
        None, gt=0, description="How long predictions and outcomes are kept; `riskloop prune` removes older ones."
    )
    requests_per_second: float | None = Field(
        None, gt=0, description="The most that one API key may ask for, over all workers; no limit if left out."
    )

    @model_validator(mode="after")
    def _told_apart(self) -> ServingSection:
        if not 0 < self.bands[0] < self.bands[1] < 1:
            raise ValueError("bands are two probabilities, the lower one first")
        if self.labels[0] == self.labels[1]:
            raise ValueError("labels are two different words")
        return self


class MonitoringSection(_Section):
    level: float = Field(USUAL.level, gt=0, lt=1, description="Share of false ones among columns called moved.")
    moved_psi: float = Field(USUAL.moved_psi, gt=0, description="PSI above chance from which a column has moved.")
    strong_psi: float = Field(USUAL.strong_psi, gt=0, description="The same, moved strongly: one such column suffices.")
    moved_share: float = Field(
        USUAL.moved_share, gt=0, lt=1, description="Change of a share missing, unknown or refused that has moved."
    )
    decisions: float = Field(USUAL.decisions, gt=0, lt=1, description="Change of the share acted on that is drift.")
    columns: int = Field(USUAL.columns, ge=1, description="Moved columns that are drift together.")
    costlier: float = Field(USUAL.costlier, gt=0, description="Growth of the expected cost that is drift.")

    @model_validator(mode="after")
    def _rising(self) -> MonitoringSection:
        if self.strong_psi < self.moved_psi:
            raise ValueError("strong_psi is not below moved_psi")
        return self

    def thresholds(self) -> Thresholds:
        """From when on a difference counts; what is not said stays as usual."""
        return replace(
            USUAL,
            watched_psi=min(USUAL.watched_psi, self.moved_psi),
            watched_share=min(USUAL.watched_share, self.moved_share),
            strong_share=max(USUAL.strong_share, self.moved_share),
            **self.model_dump(),
        )


class Settings(_Section):
    """Everything riskloop.yaml may say."""

    project: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="Name of the project and its model.")
    problem: ProblemSection
    data: DataSection
    linked: dict[str, LinkedSection] = Field(
        default_factory=dict, description="Tables of many rows to a customer, by name; see docs/linked-tables.md."
    )
    features: FeaturesSection = FeaturesSection()
    costs: CostsSection = CostsSection()
    review: ReviewSection = ReviewSection()
    fairness: FairnessSection = FairnessSection()
    reasons: ReasonsSection = ReasonsSection()
    training: TrainingSection = TrainingSection()
    gate: GateSection = GateSection()
    serving: ServingSection = ServingSection()
    monitoring: MonitoringSection = MonitoringSection()

    @model_validator(mode="after")
    def _linked_by_id(self) -> Settings:
        if self.linked and self.problem.id is None:
            raise ValueError("linked tables need problem.id, the column that their keys name")
        self.plan()
        return self

    def plan(self) -> Plan:
        """The linked tables as they are carried out."""
        tables = tuple(section.table(name) for name, section in self.linked.items())
        return Plan(tables, point_in_time=self.problem.time is not None)


def json_schema() -> dict[str, Any]:
    """JSON Schema of riskloop.yaml."""
    return Settings.model_json_schema()


def load_settings(folder: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read riskloop.yaml and the ``RISKLOOP__SECTION__KEY`` overrides.

    Raises
    ------
    ConfigError
        Naming the field and the nearest correct one.
    """
    path = folder / FILE
    if not path.is_file():
        raise ConfigError(
            f"There is no {FILE} here.",
            where=str(folder),
            next_step="run `riskloop init --data FILE --target COLUMN`, or name the project with --project",
        )
    return parse_settings(read_yaml(path), environ, where=str(path))


def parse_settings(document: Any, environ: Mapping[str, str] | None = None, *, where: str = FILE) -> Settings:
    """Check a parsed document; see `load_settings`."""
    if not isinstance(document, dict):
        raise ConfigError("The file holds no settings.", where=where, next_step="run `riskloop init`")
    document = {key: value for key, value in deepcopy(document).items() if value is not None}
    for name, value in sorted((environ or {}).items()):
        if name.startswith(PREFIX):
            _override(document, name, value)
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        raise _explain(error, where) from error


def read_yaml(path: Path) -> Any:
    """Parse a YAML file with plain types only.

    Raises
    ------
    ConfigError
        If it is not there, or is no YAML.
    """
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(
            f"The file cannot be read: {error.strerror}.", where=str(path), next_step="run `riskloop init`"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"The file is not valid YAML: {error}", where=str(path), next_step="correct it") from error


def write_yaml(path: Path, document: Mapping[str, Any], heading: str) -> None:
    """Write a document with a comment on top, whole or not at all."""
    import yaml

    text = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=110)
    draft = path.with_suffix(".tmp")
    draft.write_text("".join(f"# {line}\n" for line in heading.splitlines()) + text, encoding="utf-8")
    draft.replace(path)


def _override(document: dict[str, Any], name: str, value: str) -> None:
    import yaml

    *sections, key = name.removeprefix(PREFIX).lower().split("__")
    place = document
    for section in sections:
        place = place.setdefault(section, {})
        if not isinstance(place, dict):
            raise ConfigError("This variable names no setting.", where=name, next_step="see `riskloop schema`")
    try:
        place[key] = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{value!r} is not a YAML value.", where=name, next_step="put it in quotes") from error


def _explain(error: ValidationError, where: str) -> ConfigError:
    problem = error.errors()[0]
    path = [str(part) for part in problem["loc"]]
    place = ".".join(path)
    if problem["type"] == "extra_forbidden":
        siblings = _fields_at(path[:-1])
        return ConfigError(
            f"Unknown setting {place!r}{did_you_mean(path[-1], siblings)}.",
            where=where,
            next_step=f"it may be one of: {', '.join(siblings)}",
        )
    shown = repr(problem["input"])
    got = f" (got {shown})" if problem["type"] not in ("missing", "value_error") and len(shown) <= 80 else ""
    complaint = problem["msg"].removeprefix("Value error, ")
    step = f"put it in quotes: {path[-1]}: 'yes'" if problem["type"] == "string_type" else "see `riskloop schema`"
    return ConfigError(f"{place or 'settings'}: {complaint}{got}.", where=where, next_step=step)


def _fields_at(path: list[str]) -> list[str]:
    model: Any = Settings
    for part in path:
        by_name = get_args(model)  # a mapping of sections: the name of one of them is any
        model = by_name[1] if by_name else model.model_fields[part].annotation
    return list(model.model_fields)
