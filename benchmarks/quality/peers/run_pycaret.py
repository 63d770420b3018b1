"""PyCaret with its defaults, ranked on ROC-AUC. Run by the environment that has it; see `benchmarks.quality`.

``setup``, ``compare_models`` under the budget, ``finalize_model``: the road of its quick start. The best model is then
fitted on all rows, after the budget. It calibrates only when asked to, and decides at 0.5. With RISKLOOP_CLOCK=cpu the
budget counts what its processes have computed, divided by the cores, in place of the wall's seconds.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from contestant import run

MINUTE, CORES = 60, 2


class CpuClock:
    """In place of the module ``time``: CPU seconds of this process and all it started, a core (Linux)."""

    @staticmethod
    def time():
        family, ticks = [os.getpid()], 0
        for pid in family:
            try:
                ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
                for task in Path(f"/proc/{pid}/task").iterdir():
                    family += map(int, (task / "children").read_text().split())
            except OSError:  # ended meanwhile
                continue
        return ticks / os.sysconf("SC_CLK_TCK") / CORES


def fit(train, outcome, seconds, seed):
    os.chdir(sys.argv[1])  # it writes its log wherever it is
    from pycaret.classification import ClassificationExperiment
    from pycaret.internal.pycaret_experiment import supervised_experiment

    clock = CpuClock() if os.environ.get("RISKLOOP_CLOCK") == "cpu" else time
    supervised_experiment.time = clock
    began = clock.time()
    experiment = ClassificationExperiment()
    experiment.setup(
        train.assign(outcome=outcome),
        target="outcome",
        session_id=seed,
        n_jobs=2,
        html=False,
        verbose=False,
        system_log=False,
    )
    left = seconds - (clock.time() - began)
    best = experiment.compare_models(sort="AUC", budget_time=left / MINUTE, verbose=False)
    pipeline = experiment.finalize_model(best)
    experiment.save_model(pipeline, "model", verbose=False)
    size = Path("model.pkl").stat().st_size / 1e6

    def probability(rows):
        return pipeline.predict_proba(rows)[:, 1]

    def decide(rows):
        return pipeline.predict(rows) == 1

    return probability, decide, size, lambda: None, type(pipeline.steps[-1][1]).__name__


if __name__ == "__main__":
    run(fit)
