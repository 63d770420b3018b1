"""Verdicts: a decision about one customer, taken apart for a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from riskloop.bundle.bundle import Bundle
from riskloop.decide.policy import Decision
from riskloop.decide.reason_texts import Value
from riskloop.explain.flip import Flip, nearest_flip
from riskloop.explain.reasoner import Explanation
from riskloop.keep.ledger import Prediction
from riskloop.problem import Customer
from riskloop.serve.envelope import Errors
from riskloop.serve.rollout import Live
from riskloop.serve.scoring import score

Tone = Literal["act", "pass", "review"]


@dataclass(frozen=True)
class Share:
    """What one feature adds to the log-odds, beside the baseline's customer."""

    name: str
    value: Value
    typical: Value
    contribution: float


@dataclass(frozen=True)
class Verdict:
    """A decision, and why.

    Attributes
    ----------
    bundle : Bundle
    decision : Decision
    low, high : float or None
        The interval of the probability.
    explanation : Explanation
    flip : Flip or None
        The nearest change that turns the decision.
    features : mapping
        As they were read.
    """

    bundle: Bundle
    decision: Decision
    low: float | None
    high: float | None
    explanation: Explanation
    flip: Flip | None
    features: Mapping[str, Any]

    @property
    def tone(self) -> Tone:
        """How it is shown: never by colour alone."""
        return tone_of(self.bundle, self.decision.decision)

    @property
    def shares(self) -> list[Share]:
        """Every feature's contribution, the weightiest first."""
        why = self.explanation
        found = [
            Share(name, why.values[name], why.typical[name], why.contributions[name]) for name in why.contributions
        ]
        return sorted(found, key=lambda one: -abs(one.contribution))


def tone_of(bundle: Bundle, decision: str) -> Tone:
    """Which of the three a decision is."""
    policy = bundle.policy
    if policy.review is not None and decision == policy.review.label:
        return "review"
    return "act" if decision == policy.labels[0] else "pass"


def judge(live: Live, features: Mapping[str, Any]) -> Verdict | Errors:
    """Decide about a customer and say why, without keeping it; or everything that is wrong with the values.

    Values may be text, as in a form, or what the ledger keeps, which may be text too.
    """
    bundle = live.bundle
    scored = score(bundle, [Customer(None, dict(features))], typed=False)[0]
    if isinstance(scored, list):
        return scored
    columns = bundle.contract.decode_rows([features], typed=False).columns
    low, high = scored.interval
    explanation = live.reasoner.explain(columns)[0]
    return Verdict(bundle, scored.decision, low, high, explanation, nearest_flip(bundle, columns), scored.features)


def recalled(live: Live, kept: Prediction) -> Verdict | None:
    """The verdict that is in the ledger, explained by the bundle that gave it; None if it cannot read it any more."""
    made = judge(live, kept.features)
    if isinstance(made, list):
        return None
    decision = Decision(
        decision=kept.decision,
        act=kept.decision == live.bundle.policy.labels[0],
        probability=kept.probability,
        threshold=made.decision.threshold if kept.threshold is None else kept.threshold,
        risk_band=made.decision.risk_band,
        expected_cost=made.decision.expected_cost if kept.expected_cost is None else kept.expected_cost,
    )
    return Verdict(
        live.bundle, decision, kept.probability_low, kept.probability_high, made.explanation, made.flip, kept.features
    )


def in_form(value: Any) -> str:
    """A value as a form holds it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.12g}"
    return str(value)
