"""Watching, as a section of RESULTS.md."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from benchmarks.tables import Document, table

_PEERS = {"evidently": "Evidently", "nannyml": "NannyML"}


def monitoring(results: Document) -> list[str]:
    """The whole section."""
    return [
        *_scale(results),
        "",
        *_wide(results.get("wide") or []),
        "",
        *_alarms(results),
        "",
        *_power(results),
        "",
        *_equal(results),
        "",
        *_founding(results.get("founding")),
    ]


def _scale(results: Document) -> list[str]:
    scale, flat = results["scale"], results["flat"]
    mine = scale.get("cpu_seconds", scale["seconds"])
    theirs = scale.get("scipy_ks_cpu_seconds", scale["scipy_ks_seconds"])
    rows: list[list[Any]] = [
        [
            "riskloop: profile, drift, verdict",
            scale["seconds"],
            scale.get("cpu_seconds", ""),
            f"{scale['added_mb']:.0f}",
            "",
        ],
        [
            f"SciPy's Kolmogorov-Smirnov alone, {scale['scipy_ks_columns']} numbers",
            *(scale["scipy_ks_seconds"], scale.get("scipy_ks_cpu_seconds", ""), ""),
            _times(theirs, mine, "> 1"),
        ],
    ]
    for name, least in (("evidently", ">= 75"), ("nannyml", ">= 10")):
        if told := (results.get(name) or {}).get("scale"):
            who = f"{_PEERS[name]} {told['version']}"
            times = _times(told.get("cpu_seconds", told["seconds"]), mine, least)
            rows.append(
                [
                    who,
                    told["seconds"],
                    told.get("cpu_seconds", ""),
                    f"{told['added_mb']:.0f}" if told["added_mb"] else "",
                    times,
                ]
            )
    return [
        f"{scale['rows']:,} rows x {scale['columns']} against a reference of 100,000 rows, in memory. Peers with "
        "their defaults: Evidently's drift preset, NannyML's univariate drift with chunks of 100,000 rows. Load of the "
        f"machine when it began: {results['load']:g}; all seconds here are those of a machine that busy. "
        "Compared are CPU seconds, where they were taken, else seconds." + results.get("note", ""),
        "",
        *table(["", "seconds", "CPU seconds", "MB more", "times riskloop's CPU seconds (target)"], rows),
        "",
        f"{flat['rows']:,} rows x 20 in parts of 100,000: {flat['seconds']} s, {flat['added_mb']:.0f} MB more after "
        "the first part.",
    ]


def _times(theirs: float, mine: float, least: str) -> str:
    return f"{theirs / mine:.0f} ({least})"


def _wide(told: list[Document]) -> list[str]:
    if not told:
        return ["A hundred columns were not measured."]
    rows = [
        [
            f"{one['rows']:,}",
            one["columns"],
            f"{one['file_mb']:,}",
            one["seconds"],
            one["cpu_seconds"],
            f"{one['cpu_seconds'] / one['rows'] * 1e6:.1f}",
            one["peak_mb"],
        ]
        for one in told
    ]
    return [
        "From a Parquet file to the verdict, all that `riskloop monitor --batch` does: read, checked, decoded, scored "
        "by a LightGBM champion, decided, counted, compared. Target: cost linear, memory flat.",
        "",
        *table(["rows", "columns", "MB", "seconds", "CPU seconds", "CPU seconds a million rows", "peak MB"], rows),
    ]


def _alarms(results: Document) -> list[str]:
    mine = [
        [
            f"{one['rows']:,}",
            one["batches"],
            f"{one['drifted']:.1%}",
            f"{one['not_stable']:.1%}",
            f"{one['any_column_significant']:.1%}",
            f"{one['p_below_05']:.1%}",
        ]
        for one in results["alarms"]
    ]
    heads = ["rows", "batches", "drifted", "drifted or to watch", "any column significant (level 1 %)", "p < .05"]
    return [
        "Where nothing has moved (20 columns: normal, heavy-tailed, counts, half zeros, categories):",
        "",
        *table(heads, mine),
        "",
        "Others on such tables: how often any of the 20 columns is called drifted. Kolmogorov-Smirnov (chi-square for "
        "categories) at .05, without and with Bonferroni's correction; PSI over tenths above .1; the defaults of the "
        "peers.",
        "",
        *table(["rule", "rows", "batches", "any column"], list(_rules(results))),
    ]


def _rules(results: Document) -> Iterable[list[Any]]:
    words = {"ks": "KS at .05", "ks_bonferroni": "KS at .05, Bonferroni", "psi": "PSI above .1"}
    rules = (results.get("rules") or {}).get("alarms", [])
    for key, word in words.items():
        yield from ([word, f"{one['rows']:,}", one["batches"], f"{one[key]:.1%}"] for one in rules)
    for name, word in _PEERS.items():
        told = (results.get(name) or {}).get("alarms", [])
        yield from ([word, f"{one['rows']:,}", one["batches"], f"{one['any']:.1%}"] for one in told)


def _power(results: Document) -> list[str]:
    power = [[f"{one['rows']:,}", one["psi"], f"{one['found']:.0%}", f"{one['moved']:.0%}"] for one in results["power"]]
    return [
        "One column of twenty whose mean moves: how often it is found (false discoveries at 1 %), and called moved "
        "(also .05 of PSI above chance).",
        "",
        *table(["rows", "PSI", "found", "moved"], power),
    ]


def _equal(results: Document) -> list[str]:
    told: dict[str, list[Document]] = dict((results.get("rules") or {}).get("power", {}))
    words = {
        "riskloop": "riskloop",
        "kolmogorov_smirnov": "SciPy's KS",
        "psi": "PSI, tenths",
        "wasserstein": "Evidently's Wasserstein",
    }
    if found := (results.get("nannyml") or {}).get("power"):
        told["nannyml"], words["nannyml"] = found, "NannyML's Jensen-Shannon"
    if not told:
        return ["Power at equal false alarms was not measured."]
    cases = [(one["kind"], one["rows"], one["psi"]) for one in next(iter(told.values()))]
    rows = [
        [kind, f"{size:,}", psi, *(f"{found[place]['found']:.0%}" for found in told.values())]
        for place, (kind, size, psi) in enumerate(cases)
    ]
    return [
        "Power where everybody may be wrong as often: one column, one false alarm in a hundred, the limit taken from "
        "1,000 batches of which nothing has moved; 200 moved ones. Target: not below any peer (of 200, some 5 points "
        "are chance).",
        "",
        *table(["column", "rows", "PSI", *(words[name] for name in told)], rows),
    ]


def _founding(told: Document | None) -> list[str]:
    if not told:
        return ["The founding batches were not there."]
    rows = [
        [stem, f"{one['rows']:,}", one["verdict"], len(one["moved"]), one["roc_auc"], _change(one["relative_harm"])]
        for stem, one in told["batches"].items()
    ]
    return [
        f"The founding project's batches, and {told['draws']} draws of {told['rows']:,} of its reference rows: "
        f"{told['drifted'] / told['draws']:.1%} called drifted (target: at most 5 %), "
        f"{told['watch'] / told['draws']:.1%} to watch. Its own report called the strong drift stable.",
        "",
        *table(["batch", "rows", "verdict", "columns moved", "realised ROC-AUC", "expected cost"], rows),
    ]


def _change(harm: Document) -> str:
    return f"{harm['value']:+.1%} [{harm['low']:+.1%}, {harm['high']:+.1%}]"
