"""The measured rows in which another is better than riskloop: found by going through the figures, not chosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.monitoring.estimated_page import STREAMS
from benchmarks.quality.page import PEERS, TIMES, alike, busy, mean, of
from benchmarks.serving.page import OURS
from benchmarks.tables import Document

QUALITY = {
    "ROC-AUC": ("roc_auc", 0, +1, ".4f"),
    "PR-AUC": ("pr_auc", 0, +1, ".4f"),
    "log loss": ("log_loss", 0, -1, ".4f"),
    "Brier": ("brier", 0, -1, ".4f"),
    "calibration error": ("calibration_error", 0, -1, ".4f"),
    "cost of its own decision": ("cost_own", None, -1, ".0f"),
    "cost at the Bayes threshold": ("cost_bayes", None, -1, ".0f"),
    "seconds of training": ("train_seconds", None, -1, ".0f"),
    "one row, ms": ("one_row_ms", None, -1, ".2f"),
    "1,000 rows, ms": ("batch_ms_per_1000", None, -1, ".1f"),
    "MB of the model": ("size_mb", None, -1, ".1f"),
}
"""Key, position of the value, which way is better, how it is written."""
SERVING = {"p50, ms": ("p50_ms", -1), "p99, ms": ("p99_ms", -1), "requests/s": ("requests_per_second", +1)}
ESTIMATES = {"ROC-AUC": "roc_auc", "F1": "f1", "cost per 1,000": "cost_per_thousand"}


@dataclass(frozen=True)
class Win:
    """One figure in which another is better.

    Attributes
    ----------
    who, what, where : str
        Of whom, of what, and on which data or under which load.
    theirs, ours : str
        As they are written.
    beyond_noise : bool or None
        None where noise was not measured.
    """

    who: str
    what: str
    where: str
    theirs: str
    ours: str
    beyond_noise: bool | None = None


def wins(documents: dict[str, Document]) -> list[Win]:
    """All of them, in the order of the sections."""
    found = {name: document["results"] for name, document in documents.items()}
    return [
        *_quality(found["quality"]),
        *_serving(found["serving"]["services"]),
        *_power(found["monitoring"]),
        *_estimates(found["monitoring.estimated"]["streams"]),
        *_dashboard(found.get("explain.dashboard", {})),
        *_footprint(found.get("footprint", {}).get("installations", {})),
    ]


def _quality(results: list[Document]) -> Iterator[Win]:
    noisy = {"ROC-AUC": ("roc_auc_beside", +1), "cost at the Bayes threshold": ("cost_bayes_beside", -1)}
    for task, seconds in dict.fromkeys((one["task"], one["seconds"]) for one in results):
        for peer in PEERS:
            theirs = of(results, task, seconds, peer)
            if not theirs:
                continue
            ours = alike(results, theirs)
            for what, (key, position, better, form) in QUALITY.items():
                if key in TIMES and any(map(busy, theirs)):
                    continue
                one, other = mean(theirs, key, position), mean(ours, key, position)
                if better * (one - other) <= 0 or format(one, form) == format(other, form):
                    continue
                sure = None
                if what in noisy and all(noisy[what][0] in each for each in theirs):
                    name, sign = noisy[what]
                    sure = sign * mean(theirs, name, 1) > 0 and sign * mean(theirs, name, 2) > 0
                where = f"{task}, {seconds:.0f} s"
                yield Win(peer, what, where, format(one, form), format(other, form), sure)


def _serving(services: dict[str, Document]) -> Iterator[Win]:
    ours = services[OURS]
    for name, theirs in services.items():
        if name == "constant" or name.startswith(OURS):
            continue
        for connections, load in theirs["loads"].items():
            where = f"{connections} connection{'s' * (connections != '1')}"
            for what, (key, better) in SERVING.items():
                one, other = load[key], ours["loads"][connections][key]
                if better * (one - other) > 0:
                    yield Win(name, what, where, f"{one:,.1f}", f"{other:,.1f}")
        for what, key in (("first answer, s", "ready_seconds"), ("resident MB", "rss_mb")):
            if theirs[key] < ours[key]:
                yield Win(name, what, "", f"{theirs[key]:g}", f"{ours[key]:g}")


def _power(results: Document) -> Iterator[Win]:
    told = dict((results.get("rules") or {}).get("power", {}))
    words = {"wasserstein": "Evidently's Wasserstein", "nannyml": "NannyML's Jensen-Shannon"}
    if nannyml := (results.get("nannyml") or {}).get("power"):
        told["nannyml"] = nannyml
    for key, name in words.items():
        for one, other in zip(told.get(key, []), told.get("riskloop", []), strict=False):
            if one["found"] > other["found"]:
                where = f"{one['kind']}, {one['rows']:,} rows, PSI {one['psi']:g}"
                yield Win(name, "power at equal false alarms", where, f"{one['found']:.1%}", f"{other['found']:.1%}")


def _estimates(streams: dict[str, Document]) -> Iterator[Win]:
    for name, stream in streams.items():
        methods = stream["methods"]
        for what, key in ESTIMATES.items() if "nannyml" in methods else ():
            theirs, ours = methods["nannyml"][key], methods["weighted"][key]
            form = ",.0f" if key.startswith("cost") else ".4f"
            one, other = format(theirs["error"], form), format(ours["error"], form)
            if theirs["error"] < ours["error"] and one != other:
                yield Win("NannyML", f"error of the estimated {what}", STREAMS[name], one, other)
            if theirs["covered"] > ours["covered"]:
                one, other = f"{theirs['covered']:.0%}", f"{ours['covered']:.0%}"
                yield Win("NannyML", f"how often the interval of {what} held the truth", STREAMS[name], one, other)


def _dashboard(results: Document) -> Iterator[Win]:
    ours, theirs = results.get("riskloop", {}), results.get("explainerdashboard", {})
    for what, key in (("a known customer, ms", "known_ms"), ("another customer, ms", "another_ms")):
        if theirs and theirs[key] < ours["one_ms"]:
            yield Win("explainerdashboard", what, "", f"{theirs[key]:.2f}", f"{ours['one_ms']:.2f}")


def _footprint(installations: dict[str, Document]) -> Iterator[Win]:
    serving, learning = ("mlflow", "mlserver", "bentoml"), ("autogluon", "flaml", "pycaret")
    for mine, peers in (("riskloop-serve", serving), ("riskloop-train", learning)):
        ours = installations.get(mine)
        for name in peers if ours else ():
            theirs = installations.get(name, {})
            for what, key in (("packages", "packages"), ("MB", "megabytes"), ("import, CPU s", "cpu_seconds")):
                if ours and key in theirs and theirs[key] < ours[key]:
                    yield Win(name, what, f"beside {ours['requirement']}", f"{theirs[key]:,}", f"{ours[key]:,}")
