"""`riskloop explain`: why a customer is decided about so, what would turn it, and what moves the model on the whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from riskloop.bundle.bundle import Bundle
from riskloop.data.contract import Columns
from riskloop.data.frames import as_text
from riskloop.data.linked.online import linked_features
from riskloop.decide.policy import Decision
from riskloop.decide.prices import priceless
from riskloop.decide.reasons import Reason
from riskloop.errors import DataError, NotFound, UsageError
from riskloop.explain.flip import Flip, nearest_flip
from riskloop.explain.reasoner import Explanation, Reasoner
from riskloop.keep.versions import Version
from riskloop.loop.project import Project
from riskloop.loop.table import read_table


@dataclass(frozen=True)
class WhatIf:
    """What the decision would be after some changes."""

    changes: Mapping[str, str]
    probability: float
    decision: str
    expected_cost: float


@dataclass(frozen=True)
class CustomerExplained:
    """A decision about one customer, taken apart.

    Attributes
    ----------
    version, digest : int, str
        Of the bundle that is explained.
    customer : str or None
    found : {"ledger", "on file", "row"}
        Where the features come from: a decision that was taken, the customers on file, or a file.
    decided_at : datetime or None
        When the decision in the ledger was taken.
    decision : Decision
    currency : str
    explanation : Explanation
    flip : Flip or None
        The nearest change that turns the decision; None if none was found.
    what_if : WhatIf or None
    """

    version: int
    digest: str
    customer: str | None
    found: str
    decided_at: datetime | None
    decision: Decision
    currency: str
    explanation: Explanation
    flip: Flip | None
    what_if: WhatIf | None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        return self.explanation.reasons


@dataclass(frozen=True)
class _Asked:
    """Whose features they are, and whence."""

    features: Mapping[str, Any]
    customer: str | None
    found: str
    decided_at: datetime | None = None


def explain_customer(
    project: Project,
    *,
    customer: str | None = None,
    row: Path | None = None,
    changes: Mapping[str, str] | None = None,
    version: int | None = None,
) -> CustomerExplained:
    """Explain a decision.

    Parameters
    ----------
    customer : str, optional
        An id: the last decision about it as it was taken, by the version that took it; without one, the customer on
        file, by the champion.
    row : Path, optional
        A file instead: a JSON object of features, or a table; with a customer, that row of the table.
    changes : mapping of str to str, optional
        What if these columns were otherwise.
    version : int, optional
        Another version than that.

    Raises
    ------
    UsageError
        If neither is given, or the file holds several customers and none is named.
    NotFound
        If nothing is known of the customer.
    DataError
        If the features break the contract.
    """
    if row is None and customer is None:
        raise UsageError("Nobody is named.", where="explain", next_step="give --id ID or --row FILE")
    stored = project.ledger.last_prediction(customer) if row is None and customer is not None else None
    if stored is not None:
        record, bundle = project.bundle(version if version is not None else stored.version)
        asked = _Asked(stored.features, customer, "ledger", stored.at)
    else:
        record, bundle = project.bundle(version)
        asked = _from_file(project, bundle, row, customer) if row else _on_file(project, bundle, str(customer))
    return _explained(record, bundle, asked, changes or {})


def _on_file(project: Project, bundle: Bundle, customer: str) -> _Asked:
    found = project.customers.on_file(customer)
    if found is None:
        raise NotFound(
            f"Nothing is known of the customer {customer!r}.",
            where="explain",
            next_step="check the id, load customers with `riskloop customers`, or give --row FILE",
        )
    linked = linked_features(bundle.linked, found.linked, project.clock())
    return _Asked(found.features | linked, customer, "on file")


def _from_file(project: Project, bundle: Bundle, path: Path, customer: str | None) -> _Asked:
    if path.suffix == ".json":
        return _from_json(path)
    table = read_table(project, project.source.like(str(path)), bundle.linked).frame
    identity = project.settings.problem.id
    ids = as_text(table[identity]) if identity and identity in table.columns else None
    if customer is not None and ids is not None:
        table = table.filter(ids == customer)
        if not table.height:
            raise NotFound(f"There is no customer {customer!r} in this table.", where=str(path))
    if table.height != 1:
        raise UsageError(
            f"The file holds {table.height:,} customers.",
            where=str(path),
            next_step="name one with --id" if ids is not None else "give a file with one row",
        )
    who = customer if customer is not None else ids.to_list()[0] if ids is not None and len(ids) == 1 else None
    return _Asked(table.to_dicts()[0], who, "row")


def _from_json(path: Path) -> _Asked:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise NotFound(f"The file cannot be read: {error.strerror}.", where=str(path)) from error
    except ValueError as error:
        raise DataError(f"This is no JSON: {error}.", where=str(path)) from error
    features = document.get("features", document) if isinstance(document, dict) else None
    if not isinstance(features, dict):
        raise DataError("The file does not hold an object of features.", where=str(path))
    identity = document.get("id")
    return _Asked(features, None if identity is None else str(identity), "row")


def _explained(record: Version, bundle: Bundle, asked: _Asked, changes: Mapping[str, str]) -> CustomerExplained:
    columns = _decoded(bundle, asked.features, asked.found)
    return CustomerExplained(
        version=record.version,
        digest=bundle.digest,
        customer=asked.customer,
        found=asked.found,
        decided_at=asked.decided_at,
        decision=_decided(bundle, columns),
        currency=bundle.policy.costs.currency,
        explanation=Reasoner(bundle).explain(columns)[0],
        flip=nearest_flip(bundle, columns),
        what_if=_what_if(bundle, asked.features, changes) if changes else None,
    )


def _what_if(bundle: Bundle, features: Mapping[str, Any], changes: Mapping[str, str]) -> WhatIf:
    if stranger := next((name for name in changes if name not in bundle.contract.read_names), None):
        from riskloop.data.contract import did_you_mean

        raise UsageError(
            f"There is no column {stranger!r}{did_you_mean(stranger, bundle.contract.read_names)}.",
            where="--set",
            next_step="write --set COLUMN=VALUE",
        )
    decided = _decided(bundle, _decoded(bundle, {**features, **changes}, "--set"))
    return WhatIf(changes, decided.probability, decided.decision, decided.expected_cost)


def _decoded(bundle: Bundle, features: Mapping[str, Any], where: str) -> Columns:
    decoded = bundle.contract.decode_rows([dict(features)], typed=False)
    if decoded.breaches:
        breach = decoded.breaches[0]
        raise DataError(f"{breach.message}.".capitalize(), where=f"{where}, column {breach.column!r}")
    if np.any(priceless(bundle.policy.costs.of(decoded.columns))):
        raise DataError("This customer's decision cannot be priced: a cost has no value.", where=where)
    return decoded.columns


def _decided(bundle: Bundle, columns: Columns) -> Decision:
    probability = bundle.scorer.probability(columns)
    return bundle.policy.decide(float(probability[0]), bundle.policy.costs.of(columns))


@dataclass(frozen=True)
class FeatureWeight:
    """How much a feature moves the model on the whole.

    Attributes
    ----------
    feature, group : str
        And the business reason it belongs to.
    mean_share : float or None
        Mean size of what it adds to the log-odds (SHAP); None for a column that the model does not see.
    importance : mapping of str to float
        Growth of the log loss when it is shuffled: value, low, high (95 %); empty for a derived feature.
    """

    feature: str
    group: str
    mean_share: float | None
    importance: Mapping[str, float]


@dataclass(frozen=True)
class ModelExplained:
    """What moves a version on the whole, and where its plots lie."""

    version: int
    digest: str
    family: str
    baseline_rows: int
    additivity: float
    features: tuple[FeatureWeight, ...]
    plots: tuple[Path, ...]


def explain_model(project: Project, version: int | None = None) -> ModelExplained:
    """What moves a version on the whole.

    Parameters
    ----------
    version : int, optional
        The champion unless named.

    Raises
    ------
    NotFound
        If there is no champion, or no such version.
    """
    record, bundle = project.bundle(version)
    told, importance = bundle.card["attributions"], bundle.card["importance_intervals"]
    shares = dict(sorted(told["mean_share"].items(), key=lambda item: -item[1]))
    names = [*shares, *(name for name in importance if name not in shares)]
    folder = project.locations.trainings / bundle.digest[:16]
    drawn = ("shap_summary", "shap_bars", "dependence", "importance", "coefficients")
    return ModelExplained(
        version=record.version,
        digest=bundle.digest,
        family=bundle.card["family"],
        baseline_rows=told["baseline_rows"],
        additivity=told["additivity"],
        features=tuple(
            FeatureWeight(name, bundle.rules.group_of(name), shares.get(name), importance.get(name, {}))
            for name in names
        ),
        plots=tuple(path for name in drawn if (path := folder / f"{name}.png").exists()),
    )
