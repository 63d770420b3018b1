"""The README's short table: one row for each question, made from the same figures."""

from __future__ import annotations

from benchmarks.comparison.heads import budgets, sure
from benchmarks.comparison.others import NAMES
from benchmarks.quality.page import SYSTEMS, alike, busy, mean, of
from benchmarks.serving.page import CONSTANT, OURS
from benchmarks.tables import Document, table

START, END = "<!-- comparison: python -m benchmarks comparison -->", "<!-- /comparison -->"


def short(documents: dict[str, Document]) -> list[str]:
    """Lines of the table."""
    found = {name: document["results"] for name, document in documents.items()}
    rows = [
        *_quality(found["quality"]),
        _serving(found["serving"]["services"]),
        _drift(found["monitoring"]),
        _explanation(found["explain"]["timed"]),
        *_footprint(found.get("footprint", {}).get("installations", {})),
    ]
    return table(["beside others, on two cores", "riskloop", "others"], rows)


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
