"""The service beside others, as a section of RESULTS.md."""

from __future__ import annotations

from typing import Any

from benchmarks.tables import Document, table

OURS, REASONS, CONSTANT = "riskloop", "riskloop, reasons", "constant"
AT_MOST_MS = 10
REASONS_PER_SECOND = 2_000
SHARE_OF_CONSTANT = 0.45
TIMES = {"1": 20, "32": 60}
"""How many times the requests of the best of the others, by connections."""


def serving(results: Document) -> list[str]:
    """The whole section."""
    services, most = results["services"], max(results["services"][OURS]["loads"], key=int)
    return [
        f"{results['model']}; {results['customers']:,} customers in turn, {results['seconds']} s for each number of "
        "connections, one worker each where no other number stands. riskloop validates, scores and decides, and its "
        "answer is in the ledger (SQLite) before it leaves; the others answer a probability and keep nothing, MLServer "
        "for a bare row of numbers that nobody checks. `power`: durable against loss of power as well; "
        "`adverse reasons` and `reasons`: with exact reasons for whoever gets the adverse decision, and for every "
        "customer; `constant`: uvicorn answering as many bytes and doing nothing. The load "
        f"({results['loader']}) runs on the same cores. Load of the machine when it began: {results['load']:g}; CPU "
        "per request (all of a service's processes, at the most connections) is what other work disturbs least.",
        "",
        *_figures(services),
        "",
        *table(["", "reached", "target"], _targets(services, most)),
        "",
        f"{results['predictions in the ledger']:,} predictions in the ledger; no request failed."
        if not _failed(services)
        else f"Requests that failed: {_failed(services)}.",
    ]


def _figures(services: dict[str, Any]) -> list[str]:
    connections = list(services[OURS]["loads"])
    rows: list[list[object]] = [
        [
            name,
            *(_cell(one["loads"][number]) for number in connections),
            f"{one['loads'][connections[-1]]['cpu_us']:,.0f}",
            f"{one['ready_seconds']:.1f}",
            one["rss_mb"],
        ]
        for name, one in services.items()
    ]
    heads = [f"{number} connection{'s' * (number != '1')}: requests/s (p50, p99 ms)" for number in connections]
    return table(["", *heads, "CPU per request, us", "first answer, s", "resident MB"], rows)


def _cell(load: dict[str, float]) -> str:
    return f"{load['requests_per_second']:,.0f} ({load['p50_ms']:.1f}, {load['p99_ms']:.0f})"


def _targets(services: dict[str, Any], most: str) -> list[list[object]]:
    def rate(name: str, connections: str) -> float:
        return float(services[name]["loads"][connections]["requests_per_second"])

    others = [name for name in services if name != CONSTANT and not name.startswith(OURS)]
    rows: list[list[object]] = []
    for connections, times in TIMES.items():
        best = max(others, key=lambda name: rate(name, connections))
        reached = rate(OURS, connections) / rate(best, connections)
        what = f"times the best of the others ({best}), {connections} connection{'s' * (connections != '1')}"
        rows.append([what, f"{reached:.1f}", f">= {times}"])
    share = rate(OURS, most) / rate(CONSTANT, most)
    rows += [
        [f"share of the constant, {most} connections", f"{share:.0%}", f">= {SHARE_OF_CONSTANT:.0%}"],
        [
            f"CPU of the constant in CPU of riskloop, {most} connections",
            f"{services[CONSTANT]['loads'][most]['cpu_us'] / services[OURS]['loads'][most]['cpu_us']:.0%}",
            "",
        ],
        [f"p99, {most} connections", f"{services[OURS]['loads'][most]['p99_ms']:.1f} ms", f"<= {AT_MOST_MS} ms"],
        [f"with reasons, {most} connections", f"{rate(REASONS, most):,.0f}/s", f">= {REASONS_PER_SECOND:,}/s"],
        ["ready", f"{services[OURS]['ready_seconds']:.2f} s", "< 1 s"],
        ["memory of the worker", f"{services[OURS]['rss_mb']} MB", "< 120 MB"],
    ]
    return rows


def _failed(services: dict[str, Any]) -> int:
    return sum(load["failed"] for one in services.values() for load in one["loads"].values())
