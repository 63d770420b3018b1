"""docs/comparison.md from the figures of the benchmarks."""

from __future__ import annotations

from benchmarks.comparison.heads import drift, estimates, explanation, footprint, money, quality, serving
from benchmarks.comparison.others import NAMES, OTHERS
from benchmarks.comparison.wins import Win, wins
from benchmarks.tables import Document, table

SECTIONS = ("quality", "serving", "monitoring", "monitoring.estimated", "explain", "explain.dashboard", "footprint")
COMMANDS = (
    "make bench                       # all of it, and this page",
    f"python -m benchmarks {' '.join(SECTIONS)}  # what is compared here",
    "python -m benchmarks comparison  # the page alone, from the figures kept",
)


def comparison(documents: dict[str, Document]) -> str:
    """The whole page.

    Parameters
    ----------
    documents : dict of str to Document
        Figures by benchmark, as `results/` keeps them. What was not measured is told to be missing.
    """
    found = {name: document["results"] for name, document in documents.items()}
    parts = [
        "# riskloop beside others",
        "",
        "Written by `python -m benchmarks comparison` from `benchmarks/results/`, as "
        "[RESULTS.md](../benchmarks/RESULTS.md) "
        "is; no measured figure is typed by hand, and a test fails when this page is older than they are. We measured "
        "ourselves, on "
        "our machine, with the others as they come: read [where they are better](#where-they-are-better) first, and "
        "run "
        "it [again](#again).",
        "",
        "riskloop is for one thing: a yes or no about each customer of a table, decided in money, served, kept, "
        "watched. "
        "Whoever needs something else is better served by most of those named here.",
        "",
        "## Who, which version, when",
        "",
        *_who(documents),
        "",
        "## Quality",
        "",
        *quality(found["quality"]),
        "",
        "## Money",
        "",
        *money(found["quality"]),
        "",
        "## Serving",
        "",
        *serving(found["serving"]),
        "",
        "## Drift",
        "",
        *drift(found["monitoring"]),
        "",
        *estimates(found["monitoring.estimated"]),
        "",
        "## Explanation",
        "",
        *explanation(found["explain"], found.get("explain.dashboard")),
        "",
        "## Footprint",
        "",
        *footprint(found.get("footprint")),
        "",
        "## What is sent home",
        "",
        "By default, as documentation or source of the measured versions say. riskloop sends nothing: CI runs the "
        "whole "
        "demo without a network, and telemetry of what it imports is switched off before.",
        "",
        *table(["", "sends", "said in"], [[one.name, one.sends, f"<{one.sends_source}>"] for one in OTHERS]),
        "",
        "## Where they are better",
        "",
        "### By their documentation",
        "",
        "What each does that riskloop does not, and when to take it instead.",
        "",
        *_does(),
        "",
        "All of them are older, used by more people, and have more examples, integrations and answers to be found than "
        "riskloop. Several have companies behind them that sell support or a managed service.",
        "",
        "### By these measurements",
        "",
        "Every figure in which another is better than `riskloop` (for AutoML: its default choice, on the same splits), "
        "found by going through all of them; theirs : ours. Where noise was measured, **bold** is beyond it.",
        "",
        *_wins(wins(documents)),
        "",
        "## What these figures are not",
        "",
        *_limits(found),
        "",
        "## Again",
        "",
        "Each peer needs an environment of its own; how to make them stands in "
        "[benchmarks/README.md](../benchmarks/README.md). Then, on a machine that does nothing else:",
        "",
        "```sh",
        "export RISKLOOP_PEERS=$PWD/peers",
        *COMMANDS,
        "```",
    ]
    return "\n".join(parts) + "\n"


def _who(documents: dict[str, Document]) -> list[str]:
    installed = documents.get("footprint", {}).get("results", {}).get("installations", {})
    rows: list[list[object]] = []
    for one in OTHERS:
        sections = [documents[name] for name in one.sections if name in documents and name != "footprint"]
        version = installed.get(one.key, {}).get("version", "not installed when this was written")
        dates = sorted({document["date"] for document in sections})
        how = ", ".join(f"`{document['command']}`" for document in sections)
        rows.append([f"[{one.name}]({one.page})", version, one.for_, one.measured, ", ".join(dates), how])
    ours = installed.get("riskloop-train", {}).get("version")
    machines = "; ".join(sorted({document["machine"] for document in documents.values()}))
    return [
        *table(["", "version", "is for", "compared here", "measured", "by"], rows),
        "",
        f"{f'riskloop {ours}' if ours else 'riskloop'}, on {machines}.",
    ]


def _does() -> list[str]:
    rows: list[list[object]] = [[one.name, ";<br>".join(one.does), one.better_when] for one in OTHERS]
    return table(["", "does, and riskloop does not", "take it when"], rows)


def _wins(found: list[Win]) -> list[str]:
    grouped: dict[tuple[str, str], list[str]] = {}
    for one in found:
        figures = f"{one.theirs} : {one.ours}"
        figures = f"**{figures}**" if one.beyond_noise else figures
        grouped.setdefault((one.who, one.what), []).append(f"{one.where}: {figures}" if one.where else figures)
    order = list(dict.fromkeys(one.who for one in found))
    rows: list[list[object]] = [
        [NAMES.get(who, who), what, "; ".join(cells)]
        for (who, what), cells in sorted(grouped.items(), key=lambda one: order.index(one[0][0]))
    ]
    return table(["", "better in", "theirs : ours"], rows)


def _limits(found: dict[str, Document]) -> list[str]:
    results = found["quality"]
    tables = len({one["task"] for one in results})
    loads = [f"{name} {told['load']:g}" for name, told in found.items() if isinstance(told, dict) and "load" in told]
    return [
        f"- {tables} public tables, two cores, one budget. Another table may rank otherwise, and so may hours on many "
        "cores or a GPU: AutoGluon is made for that.",
        "- Everyone with the defaults of their own quick start, tuned by nobody; we know our own best.",
        "- The costs, FN = 10 FP, are told to riskloop and not to the others, which have no place for them (PyCaret's "
        "`optimize_threshold` and AutoGluon's decision threshold can be called by hand). That is why everyone's "
        "probabilities are also held to one threshold.",
        "- The services do not do the same: riskloop checks, decides and keeps; the others answer a number.",
        f"- Load of the machine when a benchmark began: {', '.join(loads)}. Above the number of cores, seconds are "
        "those "
        "of a busy machine; what it disturbs least (CPU seconds) is told beside them where it was taken.",
        "- What further was not even stands in the notes of each section of [RESULTS.md](../benchmarks/RESULTS.md).",
    ]
