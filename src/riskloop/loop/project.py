"""A Project: its folder, its settings and its stores, opened when first used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from riskloop.bundle.sign import KeyRing
from riskloop.data.contract import Contract, did_you_mean
from riskloop.data.expression import Expression
from riskloop.data.linked.plan import Plan
from riskloop.data.source import Source
from riskloop.errors import ConfigError, NotFound
from riskloop.settings import CONTRACT_FILE, Settings, read_yaml

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from riskloop.bundle.bundle import Bundle
    from riskloop.keep.access import Access
    from riskloop.keep.alerts import Alerts, Deliveries
    from riskloop.keep.artifacts import Bundles
    from riskloop.keep.batches import Batches
    from riskloop.keep.cohorts import Cohorts
    from riskloop.keep.customers import Customers
    from riskloop.keep.estimates import Estimates
    from riskloop.keep.ledger import Ledger
    from riskloop.keep.locks import Locks
    from riskloop.keep.measures import Measures
    from riskloop.keep.profiles import Profiles
    from riskloop.keep.promotions import Promotions
    from riskloop.keep.registry.registry import Registry
    from riskloop.keep.retrainings import Retrainings
    from riskloop.keep.versions import Version, Versions


@dataclass(frozen=True)
class Locations:
    """Where a project keeps its state; URLs replace the embedded parts.

    Attributes
    ----------
    state : Path
        The folder ``.riskloop``.
    database_url : str
        Ledger, versions and promotion log.
    tracking_uri : str
        MLflow.
    artifacts_url : str or None
        Where bundles and reports lie beyond this machine; see `riskloop.keep.artifacts`.
    """

    state: Path
    database_url: str
    tracking_uri: str
    artifacts_url: str | None = None

    @property
    def bundles(self) -> Path:
        return self.state / "bundles"

    @property
    def reports(self) -> Path:
        return self.state / "reports"

    @property
    def trainings(self) -> Path:
        return self.state / "trainings"

    @property
    def unfinished(self) -> Path:
        return self.state / "unfinished"

    @property
    def keys(self) -> Path:
        return self.state / "keys"


@dataclass(frozen=True)
class Project:
    """What every use case works on.

    Attributes
    ----------
    folder : Path
    settings : Settings
    locations : Locations
    clock : callable
        Gives the present time, timezone-aware.
    actor : str
        Who is at work, for the promotion log.
    """

    folder: Path
    settings: Settings
    locations: Locations
    clock: Callable[[], datetime]
    actor: str

    @property
    def name(self) -> str:
        return self.settings.project

    @cached_property
    def contract(self) -> Contract:
        """The contract of contract.yaml, with the features that riskloop.yaml leaves in."""
        stored = Contract.from_dict(read_yaml(self.folder / CONTRACT_FILE) or {})
        problem = self.settings.problem.problem()
        counted_from = {problem.time} & self._in_formulas  # of the event time, the model learns by formulas only
        allowed = set(problem.sensitive) & set(self.settings.features.allow)  # on the record, with the reason
        barred = (problem.not_features() - counted_from - allowed) | set(self.settings.features.drop)
        features = tuple(column.name for column in stored.columns if column.name not in barred)
        known = (*(column.name for column in stored.columns if column.name in barred), *stored.known)
        priced = tuple(name for name in self._prices(stored) if name not in features)
        return replace(stored, features=features, known=tuple(dict.fromkeys(known)), priced=priced)

    def _prices(self, stored: Contract) -> tuple[str, ...]:
        """Columns that decisions are priced with.

        Raises
        ------
        ConfigError
            If one is no number column of the contract, or is the target.
        """
        names = self.settings.costs.declared().names
        numbers = [column.name for column in stored.columns if column.type == "number"]
        for name in names:
            if name in self.settings.problem.sensitive and name not in self.settings.features.allow:
                raise ConfigError(
                    f"Costs are to be computed from {name!r}, a protected attribute.",
                    where="costs",
                    next_step="leave it out; if it must be, name it under features.allow with the reason",
                )
            if name not in numbers or name == self.settings.problem.problem().target_column:
                raise ConfigError(
                    f"Costs are to be computed from {name!r}, which is no number column known when a decision is "
                    f"taken{did_you_mean(name, numbers)}.",
                    where="costs",
                    next_step="name number columns of contract.yaml",
                )
        return names

    @property
    def _in_formulas(self) -> set[str | None]:
        return {name for formula in self.settings.features.derived.values() for name in Expression(formula).names}

    @property
    def source(self) -> Source:
        """The training table."""
        data = self.settings.data
        return Source(
            self._path(data.path), data.separator, data.encoding, data.header, tuple(data.columns), data.sample_rows
        )

    @cached_property
    def linked(self) -> Plan:
        """The linked tables that riskloop.yaml declares."""
        return self.settings.plan()

    @property
    def linked_sources(self) -> dict[str, Source]:
        """Where they lie."""
        return {name: Source(self._path(section.path)) for name, section in self.settings.linked.items()}

    def _path(self, path: str) -> str:
        return path if Path(path).is_absolute() else str(self.folder / path)

    @cached_property
    def keys(self) -> KeyRing:
        return KeyRing(self.locations.keys)

    @cached_property
    def engine(self) -> Engine:
        from riskloop.keep.database import migrate, open_database

        self.locations.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = open_database(self.locations.database_url)
        migrate(engine)
        return engine

    @cached_property
    def bundles(self) -> Bundles:
        from riskloop.keep.artifacts import Artifacts, Bundles

        url = self.locations.artifacts_url
        return Bundles(self.locations.bundles, Artifacts(url) if url else None)

    @cached_property
    def ledger(self) -> Ledger:
        from riskloop.keep.ledger import Ledger

        return Ledger(self.engine)

    @cached_property
    def cohorts(self) -> Cohorts:
        from riskloop.keep.cohorts import Cohorts

        return Cohorts(self.engine)

    @cached_property
    def estimates(self) -> Estimates:
        from riskloop.keep.estimates import Estimates

        return Estimates(self.engine)

    @cached_property
    def versions(self) -> Versions:
        from riskloop.keep.versions import Versions

        return Versions(self.engine)

    @cached_property
    def promotions(self) -> Promotions:
        from riskloop.keep.promotions import Promotions

        return Promotions(self.engine, require_approval=self.settings.gate.four_eyes)

    @cached_property
    def profiles(self) -> Profiles:
        from riskloop.keep.profiles import Profiles

        return Profiles(self.engine)

    @cached_property
    def customers(self) -> Customers:
        from riskloop.keep.customers import Customers

        return Customers(self.engine)

    @cached_property
    def batches(self) -> Batches:
        from riskloop.keep.batches import Batches

        return Batches(self.engine)

    @cached_property
    def access(self) -> Access:
        from riskloop.keep.access import Access

        return Access(self.engine)

    @cached_property
    def alerts(self) -> Alerts:
        from riskloop.keep.alerts import Alerts

        return Alerts(self.engine)

    @cached_property
    def deliveries(self) -> Deliveries:
        from riskloop.keep.alerts import Deliveries

        return Deliveries(self.engine)

    @cached_property
    def retrainings(self) -> Retrainings:
        from riskloop.keep.retrainings import Retrainings

        return Retrainings(self.engine)

    @cached_property
    def locks(self) -> Locks:
        from riskloop.keep.locks import Locks

        return Locks(self.engine)

    @cached_property
    def measures(self) -> Measures:
        from riskloop.keep.measures import Measures

        return Measures(self.engine)

    @cached_property
    def registry(self) -> Registry:
        from riskloop.keep.registry.registry import Registry

        self.locations.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Registry(self.locations.tracking_uri, self.name, self.locations.state / "mlartifacts")

    def bundle(self, version: int | None = None) -> tuple[Version, Bundle]:
        """A version and its bundle, verified; the champion unless named.

        Raises
        ------
        NotFound
            If there is no champion yet, or no such version.
        BundleRefused
            If the bundle was altered.
        """
        from riskloop.bundle.load import load

        wanted = version if version is not None else self.promotions.state().champion
        if wanted is None:
            raise NotFound("No version leads yet.", where=self.name, next_step=self.to_lead())
        record = self.versions.get(wanted)
        return record, load(self.bundles.path(record.bundle), self.keys.trusted())

    def to_lead(self) -> str:
        """What is to be done so that a version leads, where none does."""
        asked = self.promotions.pending()
        if asked:
            return f"another person must approve request {asked[-1].seq}: `riskloop approve {asked[-1].seq}`"
        waiting = [one.version for one in self.versions.list() if one.status != "refused"]
        if waiting:
            return f"let one lead: `riskloop promote {waiting[-1]} --reason TEXT`"
        return "run `riskloop train --promote`"
