"""What an explanation costs, as a section of RESULTS.md."""

from __future__ import annotations

from benchmarks.tables import Document, table

ONE_MS = 0.4
TIMES = {"shap.TreeExplainer": 5, "shap.TreeExplainer, interventional": 50}
"""How many times as many rows a second riskloop should explain."""


def explain(results: Document) -> list[str]:
    """The whole section."""
    rows, background = f"{results['rows']:,}", results["background"]
    return [
        f"{results['model']} on {results['table']}, {results['columns']} columns; a background of {background} "
        f"customers, {rows} others explained. riskloop gives exact interventional Shapley values of the log-odds and "
        "runs on one core; LightGBM's own values (`pred_contrib`), which shap.TreeExplainer passes on, depend on the "
        "trees' paths instead of a background, and are worked out on all cores. `riskloop` starts from decoded "
        f"columns, the others from the matrix. Targets: one customer <= {ONE_MS} ms; {TIMES['shap.TreeExplainer']} "
        "times the rows a second of shap.TreeExplainer, "
        f"{TIMES['shap.TreeExplainer, interventional']} times those of its interventional values. Load of the machine "
        f"when it began: {results['load']:g}; beyond 1, what runs on all cores looks slower than it is.",
        "",
        *_timed(results),
        "",
        f"Tables: {results['table_mb']:.0f} MB, made in {results['build_seconds']:.1f} s. {_values(results)}",
        "",
        "Other models of the same rows, with their own defaults but for lightgbm. A random forest of deep trees has no "
        "tables: its trees are walked. XGBoost adds its leaves in single precision: the shares bear the rounding.",
        "",
        *_families(results["families"]),
    ]


def _timed(results: Document) -> list[str]:
    timed = results["timed"]
    ours = timed["riskloop"]
    rows: list[list[object]] = []
    for name, one in timed.items():
        slower, fewer = one["one_ms"] / ours["one_ms"], ours["rows_per_second"] / one["rows_per_second"]
        times = f"{fewer:.1f}" + (f" (target {TIMES[name]})" if name in TIMES else "")
        apart = ["", ""] if name.startswith("riskloop") else [f"{slower:.1f}", times]
        rows.append([name, f"{one['one_ms']:.3f}", f"{one['rows_per_second']:,.0f}", *apart])
    return table(["", "one customer, ms", "rows/s", "riskloop is faster by: one", "many"], rows)


def _values(results: Document) -> str:
    values = results.get("values")
    if not values:
        return "shap was not there to compare with."
    return (
        f"shap's interventional values (shap {values['versions']['shap']}, timed and compared on the first "
        f"{values['rows']} rows) differ from riskloop's by {values['largest_difference']:.1e} at most, where the "
        f"largest share is {values['largest_share']:.2f}; base and shares miss the model's log-odds by "
        f"{values['additivity_error']:.1e} in riskloop, by {values['additivity_error_of_shap']:.1e} in shap."
    )


def _families(families: Document) -> list[str]:
    return table(
        ["", "leaves", "rows", "largest error of base + shares", "one customer, ms", "rows/s", "made in s"],
        [
            [
                name,
                f"{one['leaves']:,}" if one["leaves"] else "",
                f"{one['rows']:,}",
                f"{one['additivity_error']:.1e}",
                f"{one['one_ms']:.3f}",
                f"{one['rows_per_second']:,.0f}",
                f"{one['build_seconds']:.2f}",
            ]
            for name, one in families.items()
        ],
    )
