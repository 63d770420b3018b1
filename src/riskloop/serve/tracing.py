"""Traces of requests through OpenTelemetry, where its environment variables ask for them; else nothing is imported.

``OTEL_TRACES_EXPORTER`` names an exporter that is installed (``console``, or ``otlp`` of the package
``opentelemetry-exporter-otlp-proto-http``); where spans go is told by that exporter's own variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from riskloop.errors import MissingExtra

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

EXPORTER = "OTEL_TRACES_EXPORTER"
_GROUP = "opentelemetry_traces_exporter"


def tracing(environ: Mapping[str, str], project: str) -> TracerProvider | None:
    """What makes spans, if the environment asks for it.

    Raises
    ------
    MissingExtra
        If OpenTelemetry, or the exporter that is named, is not installed.
    """
    name = environ.get(EXPORTER, "none")
    if name in ("", "none"):
        return None
    try:
        return provider(_exporter(name), environ.get("OTEL_SERVICE_NAME") or f"riskloop-{project}")
    except ModuleNotFoundError as error:
        raise _missing("opentelemetry-sdk") from error


def provider(exporter: SpanExporter, service: str) -> TracerProvider:
    """A provider of its own, so that nothing global is set; it sends spans in batches from a thread."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    made = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    made.add_span_processor(BatchSpanProcessor(exporter))
    return made


def _exporter(name: str) -> SpanExporter:
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter()
    found = [point for point in entry_points(group=_GROUP) if point.name in (name, f"{name}_proto_http")]
    if not found:
        raise _missing(f"opentelemetry-exporter-{name}-proto-http")
    made: SpanExporter = found[-1].load()()
    return made


def _missing(package: str) -> MissingExtra:
    return MissingExtra(
        "Traces are asked for, and what sends them is not installed.",
        where=EXPORTER,
        next_step=f"pip install {package}, or unset the variable",
    )


class Tracing:
    """ASGI middleware around everything: a span per request, under the caller's trace where there is one.

    A span names the route and never the path, which may hold the id of a customer.
    """

    def __init__(self, app: ASGIApp, *, provider: TracerProvider, routes: Mapping[Any, str]) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._app = app
        self._tracer = provider.get_tracer("riskloop.serve")
        self._callers = TraceContextTextMapPropagator()
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind, StatusCode

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        context = self._callers.extract(headers)
        with self._tracer.start_as_current_span(scope["method"], context, kind=SpanKind.SERVER) as span:
            status = 0

            async def watching(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            await self._app(scope, receive, watching)
            route = self._routes.get(scope.get("endpoint"), "none")
            span.update_name(f"{scope['method']} {route}")
            span.set_attributes(
                {
                    "http.request.method": scope["method"],
                    "http.route": route,
                    "http.response.status_code": status,
                    "riskloop.request_id": scope.get("riskloop.request_id", ""),
                }
            )
            if status >= 500:
                span.set_status(StatusCode.ERROR)
