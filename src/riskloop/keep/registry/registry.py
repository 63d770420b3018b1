"""The registry: every run with its parameters, metrics and plots; every version as an MLflow model with aliases."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from riskloop.data.contract import Contract
from riskloop.errors import Unavailable
from riskloop.keep.chain import ReleaseState

ALIASES = ("champion", "challenger", "previous")
_MANNERS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # with a server, where data of --json stands
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # by default it hopes for minutes that a server comes back
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
"""How MLflow behaves here, unless the environment says otherwise: it reports to nobody and gives up in time."""
_MODEL_SCRIPT = Path(__file__).with_name("served_model.py")


@dataclass(frozen=True)
class Registry:
    """Runs and versions in MLflow.

    Attributes
    ----------
    tracking_uri : str
        A local SQLite store (``sqlite:///...``) or any MLflow server.
    project : str
        Name of the experiment and of the registered model.
    artifacts : Path
        Folder for run artifacts of a local store; a server has its own.

    Every method raises `Unavailable` when the store is away.
    """

    tracking_uri: str
    project: str
    artifacts: Path

    def prepare(self) -> None:
        """Open the store and bring its tables up to date; a new local one takes seconds."""
        with self._reachable():
            self._client.search_experiments(max_results=1)

    def start_run(self, name: str, parameters: Mapping[str, Any], parent: str | None = None) -> str:
        """Open a run; returns its id."""
        with self._reachable():
            tags = {"mlflow.runName": name} | ({"mlflow.parentRunId": parent} if parent else {})
            run_id = str(self._client.create_run(self._experiment, tags=tags).info.run_id)
            self._log_batch(run_id, {}, parameters)
            return run_id

    def finish_run(
        self,
        run_id: str,
        metrics: Mapping[str, float | None],
        parameters: Mapping[str, Any] | None = None,
        files: Path | None = None,
        *,
        failed: bool = False,
    ) -> None:
        """Log metrics (None is left out), parameters and a folder of files, and close the run."""
        with self._reachable():
            self._log_batch(run_id, metrics, parameters or {})
            if files is not None:
                self._client.log_artifacts(run_id, str(files))
            self._client.set_terminated(run_id, "FAILED" if failed else "FINISHED")

    def register(self, run_id: str, bundle: Path, contract: Contract, trusted: list[str]) -> int:
        """Log the bundle as a pyfunc model of the run and make it the next version; returns its number."""
        with self._reachable(), self._as_default() as mlflow:
            with mlflow.start_run(run_id=run_id, log_system_metrics=False), warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # it asks for an input example; golden requests are ours
                logged = mlflow.pyfunc.log_model(
                    name="model",
                    python_model=str(_MODEL_SCRIPT),
                    artifacts={"bundle": str(bundle)},
                    model_config={"trusted": trusted},
                    signature=self._signature(contract),
                    pip_requirements=["riskloop"],
                )
            version = self._client.create_model_version(
                self._model_name, logged.model_uri, run_id=run_id, model_id=logged.model_id
            )
            return int(version.version)

    def project_aliases(self, state: ReleaseState) -> None:
        """Make the aliases say what the promotion log says; safe to repeat, in any order."""
        with self._reachable():
            wanted = {alias: getattr(state, alias) for alias in ALIASES}
            present = self._client.get_registered_model(self._model_name).aliases
            for alias, version in wanted.items():
                if version is not None and str(present.get(alias)) != str(version):
                    self._client.set_registered_model_alias(self._model_name, alias, str(version))
                elif version is None and alias in present:
                    self._client.delete_registered_model_alias(self._model_name, alias)

    def aliases(self) -> dict[str, int]:
        """Version by alias, as MLflow has them."""
        with self._reachable():
            present = self._client.get_registered_model(self._model_name).aliases
            return {alias: int(version) for alias, version in present.items()}

    @contextmanager
    def _as_default(self) -> Iterator[Any]:
        """MLflow with this store as its default for the moment.

        It keeps the default in the environment too, where the next project of this process would take it for a wish.
        """
        before = os.environ.get("MLFLOW_TRACKING_URI")
        self._mlflow.set_tracking_uri(self.tracking_uri)
        try:
            yield self._mlflow
        finally:
            self._mlflow.set_tracking_uri(before)

    @cached_property
    def _mlflow(self) -> Any:
        """MLflow, imported late (it takes seconds) and silenced first (it would report home)."""
        for name, value in _MANNERS.items():
            os.environ.setdefault(name, value)
        for noisy in ("mlflow", "alembic"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
        import mlflow

        logging.getLogger("mlflow").setLevel(logging.ERROR)
        return mlflow

    @cached_property
    def _client(self) -> Any:
        return self._mlflow.MlflowClient(tracking_uri=self.tracking_uri)

    @cached_property
    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(self.project)
        if found is not None:
            return str(found.experiment_id)
        location = self.artifacts.resolve().as_uri() if self.tracking_uri.startswith("sqlite") else None
        return str(self._client.create_experiment(self.project, artifact_location=location))

    @cached_property
    def _model_name(self) -> str:
        found = self._client.search_registered_models(f"name = '{self.project}'")
        if not found:
            self._client.create_registered_model(self.project)
        return self.project

    def _log_batch(self, run_id: str, metrics: Mapping[str, float | None], parameters: Mapping[str, Any]) -> None:
        import time

        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        logged = [Metric(_key(name), value, now, 0) for name, value in metrics.items() if value is not None]
        described = [Param(_key(name), str(value)[:500]) for name, value in parameters.items()]
        self._client.log_batch(run_id, metrics=logged, params=described)

    def _signature(self, contract: Contract) -> Any:
        """Every feature by name, of any type: MLflow would refuse an int64 column where "double" is declared, as pandas
        reads whole numbers, and what fits is the contract's to say."""
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, Schema
        from mlflow.types.schema import AnyType

        inputs = Schema([ColSpec(AnyType(), name) for name in contract.features])
        return ModelSignature(inputs, Schema([ColSpec("double", "probability"), ColSpec("string", "decision")]))

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        from sqlalchemy.exc import SQLAlchemyError

        mlflow = self._mlflow
        try:
            yield
        except (mlflow.exceptions.MlflowException, SQLAlchemyError, OSError) as error:
            raise Unavailable(
                f"MLflow did not answer: {_without_password(str(error).splitlines()[0][:200])}",
                where=_without_password(self.tracking_uri),
                next_step="check MLFLOW_TRACKING_URI and `riskloop doctor`",
            ) from error


def _without_password(text: str) -> str:
    return re.sub(r"(?<=://)[^/@\s]+@", "", text).partition("?")[0]


def _key(name: str) -> str:
    return "".join(mark if mark.isalnum() or mark in "_-. /" else "_" for mark in name)[:250]
