"""`riskloop doctor`: what is installed, where things are, what is missing and what to do about it."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

from riskloop.errors import RiskloopError
from riskloop.loop.project import Project

_PARTS = ("numpy", "starlette", "uvicorn", "sqlalchemy", "alembic", "msgspec", "cryptography", "pydantic")
_TRAINING = ("polars", "scikit-learn", "lightgbm", "xgboost-cpu", "catboost", "mlflow")


@dataclass(frozen=True)
class Diagnosis:
    """One thing looked at."""

    name: str
    ok: bool
    found: str
    next_step: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def diagnose(
    open_here: Callable[[], Project], look_at_cluster: Callable[[Project], str] | None = None
) -> list[Diagnosis]:
    """Look at the installation and, if there is one, at the project.

    Parameters
    ----------
    open_here : callable
        Opens the project; may raise ConfigError.
    look_at_cluster : callable, optional
        Where a Dask cluster is named: says what it is made of; may raise what is wrong with it.
    """
    found = [_python(), *(_package(name) for name in _PARTS), *_training()]
    try:
        project = open_here()
    except RiskloopError as error:
        return [*found, Diagnosis("project", False, error.message, error.next_step or "")]
    found += _project(project)
    if look_at_cluster is not None:
        found.append(_try("dask", lambda: look_at_cluster(project)))
    return found


def _python() -> Diagnosis:
    good = sys.version_info >= (3, 11)
    return Diagnosis("python", good, platform.python_version(), "" if good else "install Python 3.11 or newer")


def _package(name: str) -> Diagnosis:
    try:
        return Diagnosis(name, True, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Diagnosis(name, False, "not installed", "run `make install`")


def _training() -> list[Diagnosis]:
    """An installation that only serves has none of it, and that is as it should be."""
    found = [_package(name) for name in _TRAINING]
    if any(one.ok for one in found):
        return found
    return [Diagnosis("training", True, "not installed: this installation serves; riskloop[train] adds it")]


def _project(project: Project) -> Iterable[Diagnosis]:
    yield Diagnosis("project", True, f"{project.name} in {project.folder.resolve()}")
    yield _try("contract", lambda: f"{len(project.contract.features)} features")
    yield _try("data", lambda: _readable(project))
    yield _try("signing key", lambda: _keys(project))
    yield _try("database", lambda: f"{project.ledger.count():,} predictions")
    if project.bundles.behind is not None:
        yield _try("artifacts", project.bundles.behind.check)
    yield _try("promotion log", lambda: _log(project))
    yield _try("champion", lambda: _champion(project))
    if find_spec("mlflow") is not None:
        yield _try("mlflow", lambda: _aliases(project))


def _try(name: str, look: Callable[[], str]) -> Diagnosis:
    try:
        return Diagnosis(name, True, look())
    except RiskloopError as error:
        return Diagnosis(name, False, error.message, error.next_step or "")


def _readable(project: Project) -> str:
    from riskloop.data.source import locate

    return ", ".join(str(path) for path in locate(project.source.path)[:3])


def _keys(project: Project) -> str:
    trusted = project.keys.trusted()
    if not trusted:
        raise RiskloopError("There is no trusted key.", next_step="run `riskloop init` or copy the keys folder")
    return f"{len(trusted)} trusted"


def _log(project: Project) -> str:
    result = project.promotions.verify()
    if not result.ok:
        raise RiskloopError(f"The chain is broken at event {result.first_broken_seq}: {result.why}")
    return f"{result.checked} events, chain whole"


def _champion(project: Project) -> str:
    record, bundle = project.bundle()
    return f"version {record.version} ({bundle.card.get('family')}), bundle {bundle.digest[:12]} verified"


def _aliases(project: Project) -> str:
    """MLflow's aliases, mended if they lag behind the promotion log."""
    project.registry.project_aliases(project.promotions.state())
    aliases = project.registry.aliases()
    return ", ".join(f"{alias}: {version}" for alias, version in sorted(aliases.items())) or "no aliases yet"
