"""The section of RESULTS.md."""

from __future__ import annotations

from benchmarks.tables import Document, table


def scale(results: Document) -> list[str]:
    """Its lines."""
    scoring, ledger, merging = results["scoring"], results["ledger"], results["merging"]
    one, two = scoring["local, one thread"]["rows_per_second"], scoring["dask, 2 workers"]["seconds"]
    rows = []
    for road, figures in scoring.items():
        workers = int(road.split()[1]) if road.startswith("dask") else 0
        efficiency = f"{figures['rows_per_second'] / one / workers:.2f}" if workers and "killed" not in road else ""
        rows.append(
            [
                road,
                f"{figures['seconds']:.1f}",
                f"{figures['rows_per_second']:,}",
                efficiency,
                f"{scoring['local, one thread']['cpu_seconds'] / figures['cpu_seconds']:.2f}"
                if workers and "killed" not in road
                else "",
                f"{figures['peak_mb_of_a_process']:,}",
                f"{figures['start_up_seconds']:.1f}" if workers else "",
            ]
        )
    killed = scoring["dask, 2 workers, one killed"]
    same = "the same bytes" if results["same_bytes"] else "DIFFERENT BYTES"
    heads = ["", "seconds", "rows/s", "efficiency per worker", "in CPU time", "peak MB of a process", "start-up, s"]
    return [
        f"{scoring['local']['rows']:,} customers in partitions of {results['rows_per_partition']:,}; checked, decoded, "
        f"scored, decided, written, not in the ledger. All roads wrote {same}. Efficiency: rate per worker beside one "
        "process with one thread, target >= .85; in CPU time: what that process took, beside what all took. A worker "
        f"killed at 40 %: {killed['seconds'] / two - 1:+.0%} time (target < 25 %), "
        f"{scoring['local']['rows'] - killed['rows']:,} rows lost. Load of the machine at the end of it: "
        f"{results['load_average']:g}, on the cores named above.",
        "",
        *table(heads, rows),
        "",
        f"The ledger, predictions/s, each transaction on disk before the next (PostgreSQL "
        f"{ledger['postgresql']['server_version']}, fsync {ledger['postgresql']['fsync']}, synchronous_commit "
        f"{ledger['postgresql']['synchronous_commit']}, on the same machine):",
        "",
        *table(
            ["", "SQLite", "PostgreSQL"],
            [[how, f"{rate:,}", f"{ledger['postgresql'][how]:,}"] for how, rate in ledger["sqlite"].items()],
        ),
        "",
        f"{merging['windows']:,} windows of {merging['columns']} columns added up: {merging['seconds']:.2f} s "
        f"(target < 1 s).",
    ]
