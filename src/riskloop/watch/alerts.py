"""Alerts: rules over what is measured, judged without a clock or a store.

A rule compares one measure with a threshold. Where a measure comes with an interval, the rule is sure only if the whole
interval lies beyond the threshold; what is not sure opens no alert and ends none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from riskloop.data.contract import did_you_mean
from riskloop.errors import ConfigError
from riskloop.intervals import finite

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
Comparison = Literal["above", "at_least", "below", "at_most"]
Status = Literal["firing", "clear", "unsure", "not_judged"]
How = Literal["count", "share", "change", "points", "milliseconds", "fixed", "small", "flag", "verdict"]

MEASURES: Mapping[str, How] = {
    # what has moved, from `riskloop monitor`
    "columns_moved": "count",
    "drift_verdict": "verdict",
    "score_psi": "fixed",
    "act_rate_change": "points",
    "broken_share": "share",
    "expected_cost_change": "change",
    # what came true, beside what was promised
    "roc_auc": "fixed",
    "roc_auc_change": "change",
    "accuracy": "share",
    "accuracy_change": "points",
    "precision": "share",
    "recall": "share",
    "f1": "fixed",
    "realised_cost_change": "change",
    "label_completeness": "share",
    # the service
    "latency_p99": "milliseconds",
    "error_rate": "share",
    "predictions": "count",
    "ledger_lost": "count",
    "service_down": "flag",
    # comparisons in production
    "guardrail": "flag",
    "sample_ratio": "small",
}
"""What can be measured, and how it is written. ``change`` is relative, ``points`` a difference of shares,
``verdict`` 0 for stable, 1 to watch and 2 drifted, ``small`` a p-value."""

_LEVELS = frozenset({"roc_auc", "accuracy", "precision", "recall", "f1"})


@dataclass(frozen=True, slots=True)
class Fact:
    """A measure's value.

    Attributes
    ----------
    measure : str
        Of `MEASURES`.
    subject : str
        What it was measured on: ``batches``, ``ledger``, ``service`` ...
    value : float
        NaN where it is not defined.
    low, high : float or None
        Its interval, 95 %; None for what is counted and not estimated. An end that is not known is NaN.
    n : int or None
        On how many observations it rests.
    context : mapping
        Plain JSON values for the words: names of columns, what was promised. Never a value of a customer.
    """

    measure: str
    subject: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """When to raise an alert.

    Attributes
    ----------
    name, measure : str
    comparison : {"above", "at_least", "below", "at_most"}
    threshold : float
    severity : {"info", "warning", "critical"}
    consecutive : int
        Evaluations in a row that must agree.
    lasting : float
        Seconds since the first of them.
    cool_down : float or None
        Least seconds between two messages about the same thing; None for the usual.
    channels : tuple of str or None
        Where messages go; None for everywhere.
    certain : bool
        Whether a whole interval must lie beyond the threshold.
    least : int
        Observations below which nothing is judged.
    even_if_promised : bool
        Whether a floor holds where the version itself promised no better when it was trained. By default it does not:
        a policy that minds costs may act on most customers, with a poor accuracy that is no news.

    Raises
    ------
    ConfigError
        If there is no such measure, or a number makes no sense.
    """

    name: str
    measure: str
    comparison: Comparison
    threshold: float
    severity: Severity = "warning"
    consecutive: int = 1
    lasting: float = 0.0
    cool_down: float | None = None
    channels: tuple[str, ...] | None = None
    certain: bool = True
    least: int = 1
    even_if_promised: bool = False

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise ConfigError(
                f"There is no measure {self.measure!r}{did_you_mean(self.measure, tuple(MEASURES))}.",
                where=f"alerts.rules.{self.name}.measure",
                next_step=f"choose of {', '.join(MEASURES)}",
            )
        if not math.isfinite(self.threshold) or self.consecutive < 1 or self.lasting < 0 or self.least < 1:
            raise ConfigError(
                "A threshold or a count makes no sense.",
                where=f"alerts.rules.{self.name}",
                next_step="give numbers, counts from 1 on",
            )

    @property
    def upward(self) -> bool:
        """Whether large values are the bad ones."""
        return self.comparison in ("above", "at_least")

    def beyond(self, value: float) -> bool:
        """Whether a value is one to raise an alert for; never for NaN."""
        if self.comparison == "above":
            return value > self.threshold
        if self.comparison == "at_least":
            return value >= self.threshold
        return value < self.threshold if self.comparison == "below" else value <= self.threshold


def _founding() -> tuple[Rule, ...]:
    """What the founding project watched."""
    return (
        Rule("drifted_columns", "columns_moved", "at_least", 3, "warning"),
        Rule("p99_latency", "latency_p99", "above", 500, "warning", least=100),
        Rule("errors", "error_rate", "above", 0.01, "critical", least=100),
        Rule("roc_auc_down", "roc_auc_change", "at_most", -0.05, "critical", least=30),
        Rule("low_accuracy", "accuracy", "below", 0.75, "warning", least=30),
        Rule("low_f1", "f1", "below", 0.60, "warning", least=30),
        Rule("accuracy_down", "accuracy_change", "below", -0.05, "warning", least=30),
    )


def _ours() -> tuple[Rule, ...]:
    """What else a team would want to be woken for, or at least told of."""
    return (
        Rule("drift", "drift_verdict", "at_least", 2, "warning"),
        Rule("costlier", "expected_cost_change", "at_least", 0.10, "warning", least=30),
        Rule("ledger_losses", "ledger_lost", "above", 0, "critical"),
        Rule("no_traffic", "predictions", "below", 1, "warning"),
        Rule("service_away", "service_down", "at_least", 1, "critical", consecutive=2),
        Rule("few_outcomes", "label_completeness", "below", 0.80, "info", least=30),
        Rule("challenger_guardrail", "guardrail", "at_least", 1, "critical"),
        Rule("uneven_arms", "sample_ratio", "below", 0.001, "warning", least=100),
    )


DEFAULTS: Mapping[str, Rule] = {rule.name: rule for rule in (*_founding(), *_ours())}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rule makes of a fact.

    Attributes
    ----------
    rule : Rule
    subject : str
        Empty where there was nothing to judge.
    status : {"firing", "clear", "unsure", "not_judged"}
        ``unsure``: beyond the threshold, but not for certain.
    fact : Fact or None
    why : str
        Of what is not judged: ``no_fact``, ``few``, ``undefined``, ``not_promised``; else empty.
    """

    rule: Rule
    subject: str
    status: Status
    fact: Fact | None = None
    why: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        value = None if self.fact is None else finite(self.fact.value)
        told = {"rule": self.rule.name, "subject": self.subject, "status": self.status, "value": value}
        return told | {"why": self.why or None}


def judge_all(rules: Iterable[Rule], facts: Sequence[Fact]) -> tuple[Judgement, ...]:
    """Every rule against every fact of its measure; a rule without one is told as not judged.

    Raises
    ------
    ConfigError
        If a fact is of no known measure.
    """
    for fact in facts:
        if fact.measure not in MEASURES:
            raise ConfigError(
                f"There is no measure {fact.measure!r}{did_you_mean(fact.measure, tuple(MEASURES))}.",
                where="facts",
                next_step=f"choose of {', '.join(MEASURES)}",
            )
    found: list[Judgement] = []
    for rule in rules:
        own = [judge(rule, fact) for fact in facts if fact.measure == rule.measure]
        found += own or [Judgement(rule, "", "not_judged", why="no_fact")]
    return tuple(found)


def judge(rule: Rule, fact: Fact) -> Judgement:
    """A rule against a fact of its measure."""
    if fact.n is not None and fact.n < rule.least:
        return Judgement(rule, fact.subject, "not_judged", fact, "few")
    if math.isnan(fact.value):
        return Judgement(rule, fact.subject, "not_judged", fact, "undefined")
    if not rule.beyond(fact.value):
        return Judgement(rule, fact.subject, "clear", fact)
    if fact.measure in _LEVELS and not rule.even_if_promised and rule.beyond(_promised(fact)):
        return Judgement(rule, fact.subject, "not_judged", fact, "not_promised")
    end = fact.low if rule.upward else fact.high
    sure = not rule.certain or end is None or rule.beyond(end)
    return Judgement(rule, fact.subject, "firing" if sure else "unsure", fact)


def _promised(fact: Fact) -> float:
    """What the version promised of the measure; NaN where nobody knows."""
    value = (fact.context.get("promised") or {}).get("value")
    return math.nan if value is None else float(value)
