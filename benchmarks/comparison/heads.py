"""The sections of docs/comparison.md: riskloop's figure beside each of the others'."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.comparison.others import NAMES
from benchmarks.monitoring.estimated_page import STREAMS
from benchmarks.quality.page import PEERS, SYSTEMS, TIMES, alike, apart, busy, mean, of
from benchmarks.serving.page import CONSTANT, OURS
from benchmarks.tables import Document, table

SHOWN = ("riskloop", *SYSTEMS)
NOT_COMPARED = "Not measured when this was written."


def budgets(results: list[Document]) -> list[tuple[str, float]]:
    """Tables and seconds, the shorter budget first."""
    return sorted(dict.fromkeys((one["task"], one["seconds"]) for one in results), key=lambda one: one[1])


def sure(peer: list[Document], key: str, better: int) -> int:
    """1 if the peer is better than riskloop beyond noise, -1 if worse, 0 if that cannot be told."""
    measured = [one for one in peer if key in one]
    if not measured:
        return 0
    low, high = mean(measured, key, 1), mean(measured, key, 2)
    return better * ((low > 0) - (high < 0))


def _names(contestants: Iterable[str]) -> list[str]:
    return [NAMES.get(name, name) for name in contestants]


def _fewer(results: list[Document], found: list[Document]) -> list[list[Document]]:
    """riskloop's contests on the splits of another, if those are some of riskloop's only."""
    ours = alike(results, found)
    return [ours] if found and len(ours) < len(of(results, found[0]["task"], found[0]["seconds"], "riskloop")) else []


def quality(results: list[Document]) -> list[str]:
    """ROC-AUC table by table; how often each peer is above, level, below; what it takes."""
    rows: list[list[object]] = []
    for task, seconds in budgets(results):
        cells: list[object] = [f"{task}, {seconds:.0f} s"]
        for name in SHOWN:
            found = of(results, task, seconds, name)
            mark = {1: " ▲", 0: "", -1: " ▽"}[sure(found, "roc_auc_beside", +1) if name != "riskloop" else 0]
            beside = "".join(f"; ours {mean(ours, 'roc_auc', 0):.4f}" for ours in _fewer(results, found))
            cells.append(f"{mean(found, 'roc_auc', 0):.4f}{mark}{beside}" if found else "")
        rows.append(cells)
    notes = [
        "ROC-AUC, mean over the splits; *ours* stands where a contestant ran on fewer of them: riskloop's on the same. "
        "▲ above riskloop beyond noise, ▽ below it.",
        "",
        *table(["", *_names(SHOWN)], rows),
        "",
    ]
    if words := apart(results):
        notes += [words, ""]
    lean = []
    for name in PEERS:
        theirs = [one for one in results if one["contestant"] == name]
        if theirs:
            ours = alike(results, theirs)
            signs = [sure(of(results, task, seconds, name), "roc_auc_beside", +1) for task, seconds in budgets(results)]
            held = [bool(of(results, task, seconds, name)) for task, seconds in budgets(results)]
            counts = [sum(sign == one and there for sign, there in zip(signs, held, strict=True)) for one in (1, 0, -1)]
            pairs = (("train_seconds", ".0f"), ("one_row_ms", ".2f"), ("batch_ms_per_1000", ".1f"), ("size_mb", ".1f"))
            both = [
                ""
                if key in TIMES and any(map(busy, theirs))
                else f"{mean(theirs, key):{form}} : {mean(ours, key):{form}}"
                for key, form in pairs
            ]
            lean.append([*_names([name]), *counts, *both])
    return [
        *notes,
        "In how many of these rows each is above riskloop's ROC-AUC beyond noise, level, or below; and means over all "
        "its contests, theirs : ours. A row is scored from a data frame by the others, from a request's fields by "
        "riskloop.",
        "",
        *table(["", "above", "level", "below", "training, s", "one row, ms", "1,000 rows, ms", "MB"], lean),
    ]


def money(results: list[Document]) -> list[str]:
    """Cost of the own decision and at one threshold, table by table."""
    rows: list[list[object]] = []
    for task, seconds in budgets(results):
        cells: list[object] = [f"{task}, {seconds:.0f} s"]
        for name in SHOWN:
            found = of(results, task, seconds, name)
            mark = {1: " ▲", 0: "", -1: " ▽"}[sure(found, "cost_bayes_beside", -1) if name != "riskloop" else 0]
            beside = "".join(f"; ours {mean(ours, 'cost_own'):.0f}" for ours in _fewer(results, found))
            costs = f"{mean(found, 'cost_own'):.0f} / {mean(found, 'cost_bayes'):.0f}" if found else ""
            cells.append(f"{costs}{mark}{beside}")
        every = of(results, task, seconds)
        rows.append([*cells, f"{mean(every, 'act_on_all'):.0f}"])
    return [
        "Cost per 1,000 customers at FN = 10 FP on rows nobody has seen: of what each decides by itself / with "
        "everybody's probabilities held to the Bayes threshold, 1/11. ▲ cheaper there than riskloop beyond noise, "
        "▽ dearer. riskloop is told the costs, the others are not: the first figure says what knowing them is worth, "
        "the second what remains of it for whoever sets the threshold by hand.",
        "",
        *table(["", *_names(SHOWN), "acting on all"], rows),
    ]


def serving(results: Document) -> list[str]:
    """Requests a second, times, work and memory."""
    services = results["services"]
    ours = services[OURS]
    few, most = min(ours["loads"], key=int), max(ours["loads"], key=int)
    rows = [
        [
            name,
            *(f"{one['loads'][number]['requests_per_second']:,.0f}" for number in (few, most)),
            *(f"{one['loads'][number]['p99_ms']:.1f}" for number in (few, most)),
            f"{one['loads'][most]['cpu_us']:,.0f}",
            f"{one['ready_seconds']:.1f}",
            one["rss_mb"],
        ]
        for name, one in services.items()
    ]
    heads = [f"requests/s, {number} conn." for number in (few, most)] + [f"p99 ms, {number}" for number in (few, most)]
    return [
        f"{results['model']}; one worker each where no other number stands. riskloop validates, decides and has its "
        f"answer in the ledger before it leaves; the others answer a probability and keep nothing. `{CONSTANT}`: the "
        "same web server answering a constant.",
        "",
        *table(["", *heads, "CPU a request, us", "first answer, s", "resident MB"], rows),
    ]


def drift(results: Document) -> list[str]:
    """Speed, false alarms and power."""
    scale, rules = results["scale"], results.get("rules") or {}
    mine = scale.get("cpu_seconds", scale["seconds"])
    rows: list[list[object]] = [["riskloop", scale["seconds"], scale.get("cpu_seconds", ""), ""]]
    for key, name in (("evidently", "Evidently"), ("nannyml", "NannyML")):
        if told := (results.get(key) or {}).get("scale"):
            spent = told.get("cpu_seconds", told["seconds"])
            rows.append(
                [f"{name} {told['version']}", told["seconds"], told.get("cpu_seconds", ""), f"{spent / mine:.0f}"]
            )
    alarms: list[list[object]] = [
        ["riskloop: any column significant", f"{one['rows']:,}", one["batches"], f"{one['any_column_significant']:.1%}"]
        for one in results["alarms"]
    ]
    alarms += [
        ["riskloop: batch called drifted", f"{one['rows']:,}", one["batches"], f"{one['drifted']:.1%}"]
        for one in results["alarms"]
    ]
    alarms += [
        ["Kolmogorov-Smirnov at .05", f"{one['rows']:,}", one["batches"], f"{one['ks']:.1%}"]
        for one in rules.get("alarms", [])
    ]
    for key, name in (("evidently", "Evidently"), ("nannyml", "NannyML")):
        for one in (results.get(key) or {}).get("alarms", []):
            alarms.append([f"{name}: any column", f"{one['rows']:,}", one["batches"], f"{one['any']:.1%}"])
    power = dict(rules.get("power", {}))
    words = {"riskloop": "riskloop", "kolmogorov_smirnov": "SciPy's KS", "wasserstein": "Evidently's Wasserstein"}
    if told := (results.get("nannyml") or {}).get("power"):
        power["nannyml"], words["nannyml"] = told, "NannyML's Jensen-Shannon"
    power = {key: power[key] for key in words if key in power}
    found = [
        [
            one["kind"],
            f"{one['rows']:,}",
            f"{one['psi']:g}",
            *(f"{each[place]['found']:.0%}" for each in power.values()),
        ]
        for place, one in enumerate(next(iter(power.values()), []))
    ]
    return [
        f"{scale['rows']:,} rows x {scale['columns']}, peers with their defaults; times of riskloop's work are by CPU "
        "seconds where both were taken, else by seconds.",
        "",
        *table(["", "seconds", "CPU seconds", "times riskloop's"], rows),
        "",
        "Nothing has moved, and yet (20 columns):",
        "",
        *table(["", "rows", "batches", "called so"], alarms),
        *(
            []
            if (results.get("evidently") or {}).get("alarms")
            else ["", "Evidently's were not drawn often enough to tell."]
        ),
        "",
        "How often a column that did move is found, where everybody may be wrong as often (one false alarm in a "
        "hundred):",
        "",
        *table(["column", "rows", "PSI", *(words[key] for key in power)], found),
    ]


def estimates(streams: Document) -> list[str]:
    """Estimated performance against what came true."""
    rows: list[list[object]] = []
    for kind, one in streams["streams"].items():
        for name, method in (("riskloop", "weighted"), ("NannyML's CBPE", "nannyml")):
            if told := one["methods"].get(method):
                rows.append(
                    [
                        STREAMS[kind],
                        name,
                        f"{told['roc_auc']['error']:.4f} ({told['roc_auc']['covered']:.0%})",
                        f"{told['cost_per_thousand']['error']:.0f} ({told['cost_per_thousand']['covered']:.0%})",
                    ]
                )
    return [
        "Performance estimated before outcomes are known: mean absolute error against what came true (and how often "
        "the "
        "interval held it).",
        "",
        *table(["stream", "", "ROC-AUC", "cost per 1,000"], rows),
    ]


def explanation(explained: Document, dashboard: Document | None) -> list[str]:
    """One customer and many."""
    timed = explained["timed"]
    ours = timed["riskloop"]
    rows: list[list[object]] = [
        [
            name,
            f"{one['one_ms']:.3f}",
            f"{one['rows_per_second']:,.0f}",
            "" if name.startswith("riskloop") else f"{one['one_ms'] / ours['one_ms']:.0f}",
        ]
        for name, one in timed.items()
    ]
    lines = [
        f"{explained['model']}, {explained['columns']} columns: the shares of each column in one customer's log-odds, "
        "in "
        f"milliseconds, and customers a second for {explained['rows']:,}. riskloop's and shap's interventional values "
        "mean the same; the others go along the trees' paths.",
        "",
        *table(["", "one, ms", "customers/s", "times riskloop's ms"], rows),
        "",
        "explainerdashboard, from the same model and customers to an explanation of each (its process and pages "
        "included; milliseconds are of the wall, at the load told below):",
        "",
    ]
    theirs = (dashboard or {}).get("explainerdashboard")
    if not dashboard or not theirs:
        return [*lines, NOT_COMPARED]
    mine = dashboard["riskloop"]
    return [
        *lines,
        *table(
            ["", "all ready, CPU s", "resident MB", "known customer, ms", "another, ms"],
            [
                ["riskloop", mine["cpu_seconds"], "", *[f"{mine['one_ms']:.2f}"] * 2],
                [
                    f"explainerdashboard {theirs['versions']['explainerdashboard']}",
                    *(theirs["cpu_seconds"], f"{theirs['rss_mb']:,}"),
                    *(f"{theirs['known_ms']:.2f}", f"{theirs['another_ms']:.2f}"),
                ],
            ],
        ),
        "",
        "It is a dashboard to explore with, not a service: it works its customers out when it starts; riskloop's "
        "service "
        "explains whoever is asked about, and holds the memory told under [serving](#serving).",
    ]


def footprint(results: Document | None) -> list[str]:
    """Packages, megabytes, import."""
    if not results:
        return [NOT_COMPARED]
    rows = [
        [
            NAMES.get(name, name),
            f"`{one['requirement']}`",
            *(one["packages"], f"{one['megabytes']:,}", f"{one['cpu_seconds']:.2f}"),
        ]
        for name, one in results["installations"].items()
    ]
    return [
        "What a requirement brings, on disk without bytecode, and CPU seconds of a first import. MLflow and BentoML: "
        "the "
        "framework alone, without the library of the model that they serve; AutoGluon: with torch for processors.",
        "",
        *table(["", "requirement", "packages", "MB", "import, CPU s"], rows),
    ]
