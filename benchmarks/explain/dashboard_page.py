"""explainerdashboard beside riskloop, as a section of RESULTS.md."""

from __future__ import annotations

from benchmarks.tables import Document, table


def dashboard(results: Document) -> list[str]:
    """The whole section."""
    ours, theirs = results["riskloop"], results.get("explainerdashboard")
    lines = [
        f"The model of the section before, {results['rows']:,} customers of {results['table']}, {results['columns']} "
        "columns. riskloop: from the scorer in memory to the shares of every customer, against 100 others; its service "
        "starts without any of that and answers each customer when asked. explainerdashboard: from starting the "
        "process "
        "to the first pages a browser asks for, when the values of all its customers lie ready (along the trees' "
        "paths; "
        "interaction values switched off, all other tabs on). *Known*: one of them looked up; *another*: a row it has "
        f"not seen. Load of the machine when it began: {results['load']:g}; compare CPU seconds.",
        "",
    ]
    if not theirs:
        return [*lines, "explainerdashboard was not there to compare with."]
    elsewhere = theirs["loaded_from_elsewhere"]
    versions = theirs["versions"]
    rows: list[list[object]] = [
        ["riskloop", ours["seconds"], ours["cpu_seconds"], "", f"{ours['one_ms']:.2f}", f"{ours['one_ms']:.2f}"],
        [
            f"explainerdashboard {versions['explainerdashboard']}",
            theirs["seconds"],
            theirs["cpu_seconds"],
            f"{theirs['rss_mb']:,} ({theirs['peak_mb']:,})",
            f"{theirs['known_ms']:.2f}",
            f"{theirs['another_ms']:.2f}",
        ],
    ]
    return [
        *lines,
        *table(["", "all ready, s", "CPU s", "resident MB (peak)", "known customer, ms", "another, ms"], rows),
        "",
        f"Base and shares miss the model's log-odds by {theirs['additivity_error']:.1e} at most in explainerdashboard "
        f"(shap {versions['shap']}). Its first pages load "
        + (f"from elsewhere: {', '.join(elsewhere)}." if elsewhere else "nothing from elsewhere: it serves offline."),
    ]
