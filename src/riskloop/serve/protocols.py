"""Extra doors over the same core: MLflow's ``/invocations`` and the Open Inference Protocol, ``/v2``.

What comes in by them is a batch like any other: decided by the arms, in the ledger before it is answered. Neither has a
place for what is wrong with a single row, so that a row that breaks the contract refuses the whole request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from riskloop import __version__
from riskloop.bundle.bundle import Bundle
from riskloop.errors import NotFound
from riskloop.keep.ledger import Prediction
from riskloop.problem import Customer
from riskloop.serve.answers import FieldError
from riskloop.serve.body import JSON, decode_json, read_body
from riskloop.serve.champion import Champion
from riskloop.serve.config import ServeConfig
from riskloop.serve.envelope import id_column_of, id_text
from riskloop.serve.predictions import too_many
from riskloop.serve.problems import invalid, request_id

Decide = Callable[[Request, Sequence[Customer]], Awaitable[list[Prediction]]]
"""Decides about customers and keeps it; refuses all of them if one breaks the contract."""

_FORMS = ("dataframe_split", "dataframe_records")
_BYTES = "BYTES"


class Protocols:
    """The endpoints of other tools."""

    def __init__(self, config: ServeConfig, champion: Champion, decide: Decide) -> None:
        self._config = config
        self._champion = champion
        self._decide = decide

    async def invocations(self, request: Request) -> Response:
        """``POST /invocations``: rows as MLflow's scoring server takes them."""
        bundle = self._champion.require().champion.bundle
        _, data = await read_body(request, (JSON,), self._config.max_body_bytes)
        rows = read_invocation(decode_json(data))
        kept = await self._decide(request, self._customers(rows, bundle))
        told = [{"probability": one.probability, "decision": one.decision} for one in kept]
        return _json({"predictions": told})

    async def ping(self, _request: Request) -> Response:
        """``GET /ping``: whether customers can be scored."""
        self._champion.require()
        return Response(b"\n", media_type="text/plain")

    async def server(self, _request: Request) -> Response:
        """``GET /v2``: what answers."""
        return _json({"name": "riskloop", "version": __version__, "extensions": []})

    async def live(self, _request: Request) -> Response:
        """``GET /v2/health/live``."""
        return _json({"live": True})

    async def ready(self, _request: Request) -> Response:
        """``GET /v2/health/ready`` and ``GET /v2/models/{name}/ready``."""
        self._champion.require()
        return _json({"ready": True})

    async def metadata(self, request: Request) -> Response:
        """``GET /v2/models/{name}``: the tensors that the model takes and gives."""
        live = self._named(request)
        inputs = [
            {"name": column.name, "datatype": "FP64" if column.type == "number" else _BYTES, "shape": [-1]}
            for column in live.bundle.contract.read
        ]
        return _json(
            {
                "name": live.record.name,
                "versions": [str(live.record.version)],
                "platform": "riskloop",
                "inputs": inputs,
                "outputs": [
                    {"name": "probability", "datatype": "FP64", "shape": [-1]},
                    {"name": "decision", "datatype": _BYTES, "shape": [-1]},
                ],
            }
        )

    async def infer(self, request: Request) -> Response:
        """``POST /v2/models/{name}/infer``: one tensor per column."""
        live = self._named(request)
        _, data = await read_body(request, (JSON,), self._config.max_body_bytes)
        document = decode_json(data)
        rows = read_tensors(document)
        kept = await self._decide(request, self._customers(rows, live.bundle))
        given = document.get("id")
        return _json(
            {
                "model_name": live.record.name,
                "model_version": str(live.record.version),
                "id": given if isinstance(given, str) else request_id(request),
                "outputs": [
                    _tensor("probability", "FP64", [one.probability for one in kept]),
                    _tensor("decision", _BYTES, [one.decision for one in kept]),
                ],
            }
        )

    def _named(self, request: Request) -> Any:
        live = self._champion.require().champion
        name, version = request.path_params["name"], request.path_params.get("version")
        if name != live.record.name or version not in (None, str(live.record.version)):
            raise NotFound("There is no such model here.", next_step=f"ask for {live.record.name!r}: GET /model")
        return live

    def _customers(self, rows: list[dict[str, Any]], bundle: Bundle) -> list[Customer]:
        """Rows as customers; a column of ids is no feature."""
        if not rows:
            raise invalid([FieldError("", "empty", "a request holds at least one row")])
        if len(rows) > self._config.max_batch_rows:
            raise too_many(self._config.max_batch_rows)
        column = id_column_of(bundle)
        identified = column not in bundle.contract.features
        return [Customer(id_text(row.get(column)) if identified else None, row) for row in rows]


def read_invocation(document: Any) -> list[dict[str, Any]]:
    """Rows of ``dataframe_split`` or ``dataframe_records``.

    Raises
    ------
    RequestRefused
        422 if it is neither.
    """
    forms = [form for form in _FORMS if isinstance(document, dict) and form in document]
    if len(forms) != 1:
        raise invalid([FieldError("", "not-an-invocation", f"expected an object with {' or '.join(_FORMS)}")])
    held = document[forms[0]]
    if forms[0] == "dataframe_records":
        if not isinstance(held, list) or not all(isinstance(row, dict) for row in held):
            raise invalid([FieldError(forms[0], "not-a-list", "expected a list of objects")])
        return held
    columns, data = (held.get(key) if isinstance(held, dict) else None for key in ("columns", "data"))
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise invalid([FieldError("dataframe_split.columns", "not-a-list", "expected a list of names")])
    if not isinstance(data, list) or not all(isinstance(row, list) and len(row) == len(columns) for row in data):
        raise invalid([FieldError("dataframe_split.data", "not-a-list", f"expected lists of {len(columns)} values")])
    return [dict(zip(columns, row, strict=True)) for row in data]


def read_tensors(document: Any) -> list[dict[str, Any]]:
    """Rows of ``{"inputs": [{"name", "shape", "datatype", "data"}]}``, one tensor of shape (n,) or (n, 1) per column.

    Raises
    ------
    RequestRefused
        422 if it is none.
    """
    inputs = document.get("inputs") if isinstance(document, dict) else None
    if not isinstance(inputs, list) or not inputs:
        raise invalid([FieldError("inputs", "not-a-list", "expected a list of tensors, one per column")])
    columns: dict[str, list[Any]] = {}
    for place, tensor in enumerate(inputs):
        name = tensor.get("name") if isinstance(tensor, dict) else None
        data = tensor.get("data") if isinstance(tensor, dict) else None
        if not isinstance(name, str) or not isinstance(data, list):
            raise invalid([FieldError(f"inputs[{place}]", "not-a-tensor", "expected name, shape, datatype and data")])
        columns[name] = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in data]
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        raise invalid([FieldError("inputs", "lengths", "expected tensors of one length")])
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _tensor(name: str, datatype: str, data: list[Any]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [len(data)], "data": data}


def _json(document: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(document), media_type=JSON)
