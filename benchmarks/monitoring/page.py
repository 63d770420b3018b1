"""Watching, as a section of RESULTS.md."""

from __future__ import annotations

from benchmarks.tables import Document, table


def monitoring(results: Document) -> list[str]:
    """The whole section."""
    scale, flat = results["scale"], results["flat"]
    power = [[f"{one['rows']:,}", one["psi"], f"{one['found']:.0%}", f"{one['moved']:.0%}"] for one in results["power"]]
    return [
        f"{scale['rows']:,} rows x {scale['columns']} against a reference of 100,000 rows, in memory: profile, drift "
        f"and verdict in {scale['seconds']} s ({scale['seconds_two_threads']} s on two threads), "
        f"{scale['added_mb']:.0f} MB more. SciPy's Kolmogorov-Smirnov test alone, over the {scale['scipy_ks_columns']} "
        f"numbers of it: {scale['scipy_ks_seconds']} s. {flat['rows']:,} rows in parts of 100,000: {flat['seconds']} "
        f"s, {flat['added_mb']:.0f} MB more after the first part. Load of the machine when it began: "
        f"{results['load']:g}; all seconds here are those of a machine that busy.",
        "",
        "Where nothing has moved (20 columns: normal, heavy-tailed, counts, half zeros, categories):",
        "",
        *table(
            ["rows", "batches", "drifted", "drifted or to watch", "any column significant (level 1 %)", "p < .05"],
            [
                [
                    f"{one['rows']:,}",
                    one["batches"],
                    f"{one['drifted']:.1%}",
                    f"{one['not_stable']:.1%}",
                    f"{one['any_column_significant']:.1%}",
                    f"{one['p_below_05']:.1%}",
                ]
                for one in results["alarms"]
            ],
        ),
        "",
        "One column of twenty whose mean moves: how often it is found (false discoveries at 1 %), and called moved "
        "(also .05 of PSI above chance).",
        "",
        *table(["rows", "PSI", "found", "moved"], power),
        "",
        *_evidently(results.get("evidently"), scale),
    ]


def _evidently(told: Document | None, scale: Document) -> list[str]:
    if not told:
        return ["Evidently was not there to compare with."]
    seconds, mine = told["scale"]["seconds"], scale["seconds"]
    found = [
        [f"{one['rows']:,}", one["psi"], one["batches"], f"{one['moved']:.0%}", f"{one['any_other_column']:.0%}"]
        for one in told["found"]
    ]
    return [
        f"Evidently {told['scale']['version']}, its drift preset with its defaults, on the same million rows: "
        f"{seconds} s, {seconds / mine:.0f} times as long, {told['scale']['added_mb']:.0f} MB more than its data "
        "frame. On the same kind of batches:",
        "",
        *table(
            ["rows", "PSI of the column that moved", "batches", "that column is called drifted", "any other is"], found
        ),
    ]
