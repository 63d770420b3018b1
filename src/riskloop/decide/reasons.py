"""Reasons: from what every feature adds to a customer's log-odds to the few that are named, in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from riskloop.decide.reason_texts import Texts, Value
from riskloop.errors import ConfigError

Adverse = Literal["act", "pass"]
Trend = Literal["", "increasing", "decreasing"]
_LEAST = 1e-9
"""Contributions in log-odds below this are rounding."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for the adverse decision.

    Attributes
    ----------
    feature : str
        The feature that carries it; of several under one business reason, the one that adds most.
    group : str
        The business reason; the feature's own name where it stands alone.
    value : float, str or None
        The customer's; None where it is missing.
    contribution : float
        What the business reason adds to the log-odds, beside the baseline; above 0 towards the adverse decision.
    texts : mapping of language to str
    """

    feature: str
    group: str
    value: Value
    contribution: float
    texts: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as the ledger keeps them."""
        return {
            "feature": self.feature,
            "group": self.group,
            "value": self.value,
            "contribution": self.contribution,
            "texts": dict(self.texts),
        }


@dataclass(frozen=True)
class Bounds:
    """How far a customer can change a column.

    Attributes
    ----------
    minimum, maximum : float or None
        Of a number; those of the contract, or of what was seen, if left out.
    levels : tuple of str
        Of a category; all if empty.
    direction : {"", "up", "down"}
        Which way a number can go.
    """

    minimum: float | None = None
    maximum: float | None = None
    levels: tuple[str, ...] = ()
    direction: Literal["", "up", "down"] = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; defaults are left out."""
        fields: dict[str, Any] = {"minimum": self.minimum, "maximum": self.maximum}
        fields |= {"levels": list(self.levels) or None, "direction": self.direction or None}
        return {name: value for name, value in fields.items() if value is not None}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Bounds:
        """Inverse of `to_dict`."""
        return cls(**{**fields, "levels": tuple(fields.get("levels", ()))})


@dataclass(frozen=True)
class Rules:
    """What may be named as a reason, what belongs together, and what a customer can change.

    Attributes
    ----------
    adverse : {"act", "pass"}
        The decision that customers would rather not have: reasons push towards it.
    most : int
        Reasons named at most.
    protected : tuple of str
        Protected attributes: never named, never changed.
    immutable : tuple of str
        What nobody can change: never named, never changed.
    groups : mapping of str to tuple of str
        Features of one business reason, by its name. A feature is in one group at most.
    actionable : mapping of str to Bounds
        Columns a customer can change; every column but protected and immutable ones, if empty.
    texts : Texts
    """

    adverse: Adverse = "act"
    most: int = 4
    protected: tuple[str, ...] = ()
    immutable: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    actionable: Mapping[str, Bounds] = field(default_factory=dict)
    texts: Texts = field(default_factory=Texts)

    def __post_init__(self) -> None:
        named = [feature for features in self.groups.values() for feature in features]
        if twice := next((name for name in named if named.count(name) > 1), None):
            raise ConfigError(
                f"{twice!r} belongs to two business reasons.", where="reasons.groups", next_step="name it once"
            )
        if barred := next((name for name in self.actionable if name in self.barred), None):
            raise ConfigError(
                f"{barred!r} is protected or immutable, and is said to be actionable.",
                where="reasons.actionable",
                next_step="leave it out",
            )

    @property
    def barred(self) -> frozenset[str]:
        """Columns that are never named and never changed."""
        return frozenset((*self.protected, *self.immutable))

    def group_of(self, feature: str) -> str:
        """The business reason of a feature."""
        return next((name for name, features in self.groups.items() if feature in features), feature)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "adverse": self.adverse,
            "most": self.most,
            "protected": list(self.protected),
            "immutable": list(self.immutable),
            "groups": {name: list(features) for name, features in self.groups.items()},
            "actionable": {name: bounds.to_dict() for name, bounds in self.actionable.items()},
            "texts": self.texts.to_dict(),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Rules:
        """Inverse of `to_dict`.

        Raises
        ------
        ConfigError
            If the document makes no sense.
        """
        if document["adverse"] not in ("act", "pass"):
            raise ConfigError(f"{document['adverse']!r} is no decision.", where="reasons.adverse")
        return cls(
            adverse=document["adverse"],
            most=int(document["most"]),
            protected=tuple(map(str, document["protected"])),
            immutable=tuple(map(str, document["immutable"])),
            groups={name: tuple(map(str, features)) for name, features in document["groups"].items()},
            actionable={name: Bounds.from_dict(bounds) for name, bounds in document["actionable"].items()},
            texts=Texts.from_dict(document["texts"]),
        )


@dataclass(frozen=True)
class Feature:
    """What is known of a feature wherever it may become a reason.

    Attributes
    ----------
    name : str
    inputs : tuple of str
        The columns it is made of: itself, or those of its formula.
    trend : {"", "increasing", "decreasing"}
        How the risk may change with it, as the contract declares.
    typical : float, str or None
        The baseline's: the median of a number, the most frequent level of a category.
    """

    name: str
    inputs: tuple[str, ...] = ()
    trend: Trend = ""
    typical: Value = None


class Namer:
    """Names reasons.

    Parameters
    ----------
    rules : Rules
    features : sequence of Feature
        In the order of the contributions.
    """

    def __init__(self, rules: Rules, features: Sequence[Feature]) -> None:
        self._rules = rules
        self._features = features
        self._sign = 1.0 if rules.adverse == "act" else -1.0
        barred = rules.barred
        by_group: dict[str, list[int]] = {}
        for at, feature in enumerate(features):
            if not barred & {feature.name, *feature.inputs}:
                by_group.setdefault(rules.group_of(feature.name), []).append(at)
        self._groups = [(group, members) for group, members in by_group.items() if group not in barred]

    def reasons(self, contributions: Sequence[float], values: Sequence[Value]) -> tuple[Reason, ...]:
        """The reasons for an adverse decision about a customer, the weightiest first.

        Features of one business reason count together. Only what pushes towards the adverse decision is named, and of
        features with a declared trend only those whose value lies on the adverse side of the typical one.

        Parameters
        ----------
        contributions : sequence of float
            What each feature adds to the log-odds beside the baseline.
        values : sequence of float, str or None
            The customer's, in the same order.
        """
        found: list[tuple[float, str, int]] = []
        for group, members in self._groups:
            total = self._sign * math.fsum(contributions[at] for at in members)
            if total <= _LEAST:
                continue
            carriers = [at for at in members if self._carries(at, contributions[at], values[at])]
            if carriers:
                found.append((total, group, max(carriers, key=lambda at: self._sign * contributions[at])))
        found.sort(key=lambda item: -item[0])
        return tuple(self._reason(*one, values) for one in found[: self._rules.most])

    def _carries(self, at: int, contribution: float, value: Value) -> bool:
        """Whether a feature pushes towards the adverse decision, and not against its declared trend."""
        if self._sign * contribution <= _LEAST:
            return False
        feature = self._features[at]
        if not feature.trend or value is None or feature.typical is None:
            return True
        high = value > feature.typical  # type: ignore[operator]  # only numbers have a trend
        low = value < feature.typical  # type: ignore[operator]
        return high if (feature.trend == "increasing") == (self._rules.adverse == "act") else low

    def _reason(self, total: float, group: str, at: int, values: Sequence[Value]) -> Reason:
        feature, value = self._features[at], values[at]
        texts = self._rules.texts.of(group, feature.name, value, feature.typical)
        return Reason(feature.name, group, value, self._sign * total, texts)


def overlap(one: Iterable[Reason], other: Iterable[Reason]) -> float:
    """Share of the business reasons that two lists have in common, of the longer one; 1 where both are empty."""
    left, right = ({reason.group for reason in reasons} for reasons in (one, other))
    return len(left & right) / max(len(left), len(right)) if left or right else 1.0
