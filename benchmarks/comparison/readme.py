"""The README's short tables: one row for each question, made from the same figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.comparison.heads import budgets, sure
from benchmarks.comparison.others import NAMES
from benchmarks.quality.page import SYSTEMS, alike, busy, mean, of
from benchmarks.serving.page import CONSTANT, OURS
from benchmarks.tables import Document, table

START, END = "<!-- comparison: python -m benchmarks comparison -->", "<!-- /comparison -->"


def short(documents: dict[str, Document]) -> list[str]:
    """Lines of both tables: what was measured of riskloop, and what stands beside others."""
    found = {name: document["results"] for name, document in documents.items()}
    rows = [
        *_quality(found["quality"]),
        _serving(found["serving"]["services"]),
        _drift(found["monitoring"]),
        _explanation(found["explain"]["timed"]),
        *_footprint(found.get("footprint", {}).get("installations", {})),
    ]
    beside = table(["beside others, on two cores", "riskloop", "others"], rows)
    return [*table(["riskloop, on two cores", "measured"], list(_alone(found))), "", *beside]


def _alone(found: dict[str, Any]) -> Iterator[list[object]]:
    for name, one in found["families"].items():
        scores = one["scores"]["riskloop"]
        yield [
            f"{name}, five folds that neither choice nor threshold has seen, at FN = 10 FP",
            f"ROC-AUC {scores['roc_auc']:.4f}; {scores['cost_per_thousand']:.0f} a thousand customers "
            f"(acting on all: {one['act_on_all']:.0f})",
        ]
    regret = {name: one[-1]["regret_percent"] for name, one in found["regret"].items()}
    yield [
        "simulated customers: cost above that of someone who knows every true risk",
        ", ".join(f"{name} {percent:.1f} %" for name, percent in regret.items()),
    ]
    nulls = found["monitoring"]["alarms"]
    yield [
        "tables of which nothing has moved, called drifted",
        f"{sum(round(one['drifted'] * one['batches']) for one in nulls)} of {sum(one['batches'] for one in nulls):,}",
    ]
    experiments = found["experiments"]
    ours, daily = ([one[how]["value"] for one in experiments["nulls"]] for how in ("ours", "t_daily"))
    yield [
        f"{experiments['experiments']:,} experiments without a difference, looked at every day: called decided",
        f"{min(ours):.1%} to {max(ours):.1%} (a t-test each day: {min(daily):.0%} to {max(daily):.0%})",
    ]
    services = found["serving"]["services"]
    told = {name: one["loads"][max(one["loads"], key=int)]["requests_per_second"] for name, one in services.items()}
    yield [
        "requests a second: checked, decided, and in the ledger before the answer leaves",
        f"{told[OURS]:,.0f}, two workers {told[OURS + ', 2 workers']:,.0f}, with exact reasons "
        f"{told[OURS + ', reasons']:,.0f}",
    ]
    batch = found["batch"]
    yield [
        f"{batch['unlogged']['rows']:,} customers from Parquet to decisions in Parquet, rows a second",
        f"{batch['unlogged']['rows_per_second']:,}, with every decision in the ledger "
        f"{batch['logged']['rows_per_second']:,}",
    ]
    started = found["startup"]
    serving = [one for name, one in started.items() if name.startswith("serve ")]
    ready, held = ([one[what]["median"] for one in serving] for what in ("ready_seconds", "rss_mb"))
    yield [
        "`import riskloop`; `riskloop serve` takes requests",
        f"{started['import riskloop']['median']:.2f} s; {min(ready):.2f} to {max(ready):.2f} s, {max(held):.0f} MB",
    ]


def _quality(results: list[Document]) -> list[list[object]]:
    peers = [name for name in SYSTEMS if any(one["contestant"] == name for one in results)]
    pairs = [(name, *one, of(results, *one, name)) for name in peers for one in budgets(results)]
    pairs = [one for one in pairs if one[3]]
    signs = [sure(one[3], "roc_auc_beside", +1) for one in pairs]
    costs = [sure(one[3], "cost_bayes_beside", -1) for one in pairs]
    dearer, slower, ours = [], [], []
    for name in peers:
        theirs = [one for one in results if one["contestant"] == name]
        mine = alike(results, theirs)
        dearer.append(f"{NAMES[name]} {mean(theirs, 'cost_own') / mean(mine, 'cost_own'):.1f}")
        if not any(map(busy, theirs)):
            slower.append(f"{NAMES[name]} {mean(theirs, 'one_row_ms'):.0f}")
            ours.append(mean(mine, "one_row_ms"))
    who = ", ".join(NAMES[name] for name in peers)
    return [
        [
            f"ROC-AUC beyond noise, {len(pairs)} contests with {who}",
            f"above in {signs.count(-1)}, level in {signs.count(0)}",
            f"above in {signs.count(1)}",
        ],
        [
            "cost with everybody's probabilities at one threshold, beyond noise",
            f"cheaper in {costs.count(-1)}, level in {costs.count(0)}",
            f"cheaper in {costs.count(1)}",
        ],
        [
            "cost of what each decides by itself, on the same rows (only riskloop is told the costs)",
            "1",
            ", ".join(dearer),
        ],
        ["one row, ms", _spread(ours, ".2f"), ", ".join(slower)],
    ]


def _spread(values: list[float], form: str) -> str:
    """Ours may differ by the splits on which each peer was measured."""
    told = sorted({format(one, form) for one in values}, key=float)
    return told[0] if len(told) == 1 else f"{told[0]} to {told[-1]}"


def _serving(services: dict[str, Document]) -> list[object]:
    most = max(services[OURS]["loads"], key=int)
    told = {name: one["loads"][most] for name, one in services.items()}
    others = {name: one for name, one in told.items() if name != CONSTANT and not name.startswith(OURS)}
    ranked = sorted(others, key=lambda name: -others[name]["requests_per_second"])
    ours = told[OURS]
    return [
        f"requests/s of one worker, {most} connections (p99, ms)",
        f"{ours['requests_per_second']:,.0f} ({ours['p99_ms']:.0f}), checked, decided and in the ledger",
        ", ".join(
            f"{name} {others[name]['requests_per_second']:,.0f} ({others[name]['p99_ms']:.0f})" for name in ranked
        ),
    ]


def _drift(results: Document) -> list[object]:
    scale = results["scale"]
    others = {name: (results.get(name.lower()) or {}).get("scale") for name in ("Evidently", "NannyML")}
    told = [f"{name} {one.get('cpu_seconds', one['seconds']):.1f}" for name, one in others.items() if one]
    return [
        f"seconds to watch {scale['rows']:,} rows x {scale['columns']} (of CPU, where that was taken)",
        f"{scale.get('cpu_seconds', scale['seconds']):.1f}",
        ", ".join(told) or "not measured",
    ]


def _explanation(timed: dict[str, Document]) -> list[object]:
    peers = {"LightGBM": "LightGBM pred_contrib", "shap, the same values": "shap.TreeExplainer, interventional"}
    told = [f"{name} {timed[key]['one_ms']:.1f}" for name, key in peers.items() if key in timed]
    return ["one customer explained, ms", f"{timed['riskloop']['one_ms']:.2f}", ", ".join(told)]


def _footprint(installations: dict[str, Document]) -> list[list[object]]:
    kinds = (
        ("MB installed that serve", "riskloop-serve", ("mlflow", "mlserver", "bentoml")),
        ("MB installed that learn", "riskloop-train", SYSTEMS),
    )
    rows: list[list[object]] = []
    for what, mine, peers in kinds:
        if ours := installations.get(mine):
            told = [f"{NAMES[key]} {installations[key]['megabytes']:,}" for key in peers if key in installations]
            rows.append([what, f"{ours['megabytes']:,}", ", ".join(told)])
    return rows
