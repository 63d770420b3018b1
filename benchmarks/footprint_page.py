"""What an installation weighs, as a section of RESULTS.md."""

from __future__ import annotations

from benchmarks.tables import Document, table


def footprint(results: Document) -> list[str]:
    """The whole section."""
    rows: list[list[object]] = [
        [
            f"`{one['requirement']}`",
            one["version"],
            one["packages"],
            f"{one['megabytes']:,}",
            ", ".join(f"{name} {size}" for name, size in one["largest"].items()),
            f"{one['seconds']:.2f}",
            f"{one['cpu_seconds']:.2f}",
        ]
        for one in results["installations"].values()
    ]
    return [
        "What a requirement brings: packages, and megabytes as they lie on disk without bytecode, by the packages' own "
        "metadata. MLflow and BentoML are the framework alone, without the library of the model that they serve; "
        "riskloop's first row is all that serves, whatever the model. AutoGluon is counted with the build of torch for "
        "processors; the one that its requirement gets by default on Linux is larger. Import: median of "
        f"{results['runs']} fresh process{'es' * (results['runs'] > 1)} after one to warm up, telemetry switched off. "
        f"Load of the machine when it began: {results['load']:g}; compare CPU seconds.",
        "",
        *table(["requirement", "version", "packages", "MB", "largest", "import, s", "CPU s"], rows),
        "",
        "Imported were, in the order of the rows: "
        + "; ".join(f"`{one['program']}`" for one in results["installations"].values())
        + ".",
    ]
