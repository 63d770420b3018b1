"""riskloop beside AutoGluon, FLAML, PyCaret and plain libraries: the same splits, the same budget, two cores.

Run: ``python -m benchmarks.quality [TABLE ...] [--seconds 60] [--repeats 1]``. The peers run in environments of their
own, looked for in the folder that RISKLOOP_PEERS names (``autogluon/bin/python``, ``flaml/bin/python``); how to make
them stands in ``benchmarks/quality/peers/requirements-*.txt``. A peer without an environment is left out. Finished
contests are kept in ``benchmarks/results/quality.jsonl`` and not run again, unless ``--fresh`` or ``--again`` says so.
Every contestant's answers are kept in the folder that RISKLOOP_ANSWERS names, if it names one: then who ran before is
compared with what riskloop says now, without running again. ``--only pycaret`` runs one contestant. With
``--clock cpu`` a contestant that can (PyCaret) counts its budget in CPU time, seconds x cores: for a machine that does
other work meanwhile. Clock, load and CPU seconds are kept with the record.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.datasets import FN_TEN_FP, load
from riskloop.data.dataset import Dataset
from riskloop.data.leakage import auc
from riskloop.data.split import split
from riskloop.learn.evaluation.intervals import finite
from riskloop.learn.evaluation.metrics import evaluate, log_loss

PEERS = Path(__file__).parent / "peers"
RECORDS = Path(__file__).parents[1] / "results" / "quality.jsonl"
TASKS = (
    "bankchurners",
    "telco_churn",
    "uci_credit_card",
    "churn_modelling",
    "adult",
    "bank_marketing",
    "bank_marketing in time",
    "credit_fraud",
)
DRAWS = 300
METRICS = ("roc_auc", "pr_auc", "log_loss", "brier", "calibration_error")


def contests(dataset: Dataset, task: str, repeat: int) -> tuple[np.ndarray, np.ndarray, str]:
    """Training and test rows, 70 to 30, and the kind of split."""
    kind = "row_order" if task.endswith("in time") else "random"
    parts = split(dataset.outcome, test_share=0.3, seed=42 + repeat, groups=dataset.groups, kind=kind)  # type: ignore[arg-type]
    return parts.train, parts.test, kind


def hold(
    task: str,
    repeat: int,
    seconds: float,
    done: set[tuple[str, int, float, str]],
    *,
    only: str | None = None,
    clock: str = "wall",
) -> Iterator[dict[str, Any]]:
    """Run every contestant (or ``only`` one) that has not run yet on one split, its budget counted by one clock."""
    table = task.removesuffix(" in time")
    dataset = load(table)
    train, test, kind = contests(dataset, task, repeat)
    outcome = dataset.outcome[test]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _write(dataset, train, folder / "train.parquet", labelled=True)
        _write(dataset, test, folder / "test.parquet", labelled=False)
        (folder / "task.json").write_text(json.dumps({"table": table, "split": kind}))
        np.savez(folder / "rows.npz", train=train, test=test)
        for names, command in contestants():
            if only not in (None, *names) or all((task, repeat, seconds, name) in done for name in names):
                continue
            began, busy, spent = time.perf_counter(), os.getloadavg()[0], _cpu_seconds()
            ran = subprocess.run(
                [*command, str(folder), str(seconds), str(42 + repeat)],
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | {"RISKLOOP_CLOCK": clock},
                timeout=(20 * seconds + 600) * (6 if clock == "cpu" else 1),
            )
            for name in names:
                files = [
                    folder / f"{name if name.startswith('riskloop') else 'answer'}.{end}" for end in ("json", "npz")
                ]
                if ran.returncode or not all(file.exists() for file in files):
                    print(f"{task}, {name}: failed: {ran.stderr.strip()[-300:]}", file=sys.stderr)
                    continue
                facts, answer = json.loads(files[0].read_text()), np.load(files[1])
                keep_answer((task, repeat, seconds, name), outcome, answer["probability"])
                yield {
                    "task": task,
                    "repeat": repeat,
                    "seconds": seconds,
                    "contestant": name,
                    "rows": [len(train), len(test)],
                    "wall_seconds": round(time.perf_counter() - began, 1),
                    "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
                    "clock": clock,
                    "cpu_seconds": round(_cpu_seconds() - spent, 1),
                    "load": round(busy, 1),
                    **facts,
                    **judge(outcome, answer["probability"], answer["act"]),
                }
                for file in files:
                    file.unlink()


def _cpu_seconds() -> float:
    """What all finished child processes have used so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def answer_file(key: tuple[str, int, float, str]) -> Path | None:
    """Where the answers of one contest are kept; None if nobody asked for that."""
    folder = os.environ.get("RISKLOOP_ANSWERS")
    return Path(folder) / f"{'-'.join(map(str, key))}.npz" if folder else None


def keep_answer(key: tuple[str, int, float, str], outcome: np.ndarray, probability: np.ndarray) -> None:
    if file := answer_file(key):
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(file, outcome=outcome, probability=probability)


def compared(records: list[dict[str, Any]], only: str | None = None) -> None:
    """Add to every record (or those of ``only`` one) how its contestant differs from riskloop, where both answers are
    kept."""
    for record in records:
        if only not in (None, record["contestant"]):
            continue
        key = (record["task"], record["repeat"], record["seconds"])
        theirs, ours = answer_file((*key, record["contestant"])), answer_file((*key, "riskloop"))
        if record["contestant"] != "riskloop" and theirs and ours and theirs.exists() and ours.exists():
            one, other = np.load(theirs), np.load(ours)
            record.update(beside(one["outcome"], one["probability"], other["probability"]))


def contestants() -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Names and command of each contestant whose environment is there."""
    yield ("riskloop", "riskloop, cheap"), [sys.executable, "-m", "benchmarks.quality.ours"]
    for name in ("logistic_regression", "lightgbm", "catboost"):
        yield (f"{name} defaults",), [sys.executable, str(PEERS / "run_defaults.py"), name]
    home = os.environ.get("RISKLOOP_PEERS")
    for name in ("flaml", "autogluon", "pycaret"):
        python = Path(home) / name / "bin" / "python" if home else None
        if python and python.exists():
            yield (name,), [str(python), str(PEERS / f"run_{name}.py")]
        else:
            print(f"{name} is left out: no environment in RISKLOOP_PEERS", file=sys.stderr)


def judge(outcome: np.ndarray, probability: np.ndarray, act: np.ndarray) -> dict[str, Any]:
    """Metrics with their intervals; cost of the contestant's own decision, and at the Bayes threshold."""
    probability = np.clip(probability, 1e-15, 1 - 1e-15)
    bayes = probability >= FN_TEN_FP.bayes_threshold
    evaluation = evaluate(outcome, probability, bayes, FN_TEN_FP, seed=0, resamples=200)
    told = {name: evaluation.metrics[name] for name in METRICS}
    each = FN_TEN_FP.each(outcome, bayes)
    return {
        **{name: [finite(one.value), finite(one.low), finite(one.high)] for name, one in told.items()},
        "cost_own": round(FN_TEN_FP.per_thousand(outcome, act), 2),
        "cost_bayes": round(FN_TEN_FP.per_thousand(outcome, bayes), 2),
        "cost_bayes_se": round(float(each.std(ddof=1) / np.sqrt(len(each)) * 1000), 2),
        "log_loss_mean": float(log_loss(outcome, probability).mean()),
        "act_on_all": round(FN_TEN_FP.per_thousand(outcome, np.ones(len(outcome), dtype=bool)), 1),
    }


def beside(outcome: np.ndarray, theirs: np.ndarray, ours: np.ndarray) -> dict[str, list[float]]:
    """Contestant minus riskloop on the same resampled rows: ROC-AUC and cost at the Bayes threshold, 95 % intervals."""
    rng = np.random.default_rng(0)
    costs = [FN_TEN_FP.each(outcome, one >= FN_TEN_FP.bayes_threshold) for one in (theirs, ours)]
    differences = []
    for _ in range(DRAWS):
        rows = rng.integers(0, len(outcome), len(outcome))
        curve = auc(outcome[rows], theirs[rows]) - auc(outcome[rows], ours[rows])
        differences.append((curve, float((costs[0] - costs[1])[rows].mean()) * 1000))
    whole = auc(outcome, theirs) - auc(outcome, ours), float((costs[0] - costs[1]).mean()) * 1000
    low, high = np.quantile(differences, (0.025, 0.975), axis=0)
    return {
        name: [round(value, 5) for value in (whole[at], float(low[at]), float(high[at]))]
        for at, name in enumerate(("roc_auc_beside", "cost_bayes_beside"))
    }


def _write(dataset: Dataset, rows: np.ndarray, path: Path, *, labelled: bool) -> None:
    """The rows' features as every contestant gets them: numbers as numbers, categories as texts."""
    columns: dict[str, Any] = {}
    for column in dataset.contract.used:
        values = dataset.columns[column.name][rows]
        if column.type == "category":
            texts = np.array([*column.levels, "(other)", None], dtype=object)
            columns[column.name] = pl.Series(texts[np.where(values < 0, -1, values)].tolist(), dtype=pl.String)
        else:
            columns[column.name] = pl.Series(values).fill_nan(None)
    if labelled:
        columns["__outcome__"] = dataset.outcome[rows]
    pl.DataFrame(columns).write_parquet(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", metavar="TABLE", help=f"of {', '.join(TASKS)}; all by default")
    parser.add_argument("--seconds", type=float, default=60.0, help="budget of each contestant that takes one")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="forget every contest")
    parser.add_argument("--again", metavar="CONTESTANT", help="forget the contests of one, as 'riskloop'")
    parser.add_argument("--only", metavar="CONTESTANT", help="run one alone, as 'pycaret'")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="what a budget is counted by")
    arguments = parser.parse_args()
    if arguments.only and arguments.only not in (known := [name for names, _ in contestants() for name in names]):
        parser.error(f"no contestant {arguments.only} here; there are {', '.join(known)}")
    if arguments.fresh:
        RECORDS.unlink(missing_ok=True)
    records = [json.loads(line) for line in RECORDS.read_text().splitlines()] if RECORDS.exists() else []
    if arguments.again:
        records = [one for one in records if one["contestant"].partition(",")[0] != arguments.again]
        write(records)
    done = {(one["task"], one["repeat"], one["seconds"], one["contestant"]) for one in records}
    for repeat in range(arguments.repeats):
        for task in arguments.tasks or TASKS:
            if task.endswith("in time") and repeat:
                continue  # there is one past and one future
            only, clock = arguments.only, arguments.clock
            for record in hold(task, repeat, arguments.seconds, done, only=only, clock=clock):
                records.append(record)
                write(records)
                print(
                    f"{task}, {record['contestant']} {record.get('chosen', '')}: ROC-AUC {record['roc_auc'][0]:.4f}, "
                    f"cost {record['cost_own']:.0f}, at the Bayes threshold {record['cost_bayes']:.0f}, "
                    f"{record['train_seconds']:.0f} s",
                    file=sys.stderr,
                    flush=True,
                )
    compared(records, arguments.only)
    write(records)
    print(json.dumps({"benchmark": "quality", "results": records}))


def write(records: list[dict[str, Any]]) -> None:
    """Keep all contests, whole or not at all."""
    draft = RECORDS.with_suffix(".draft")
    draft.write_text("".join(json.dumps(record) + "\n" for record in records))
    draft.replace(RECORDS)


if __name__ == "__main__":
    main()
