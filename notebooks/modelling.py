# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # 2. Modelling: from a project to a version that leads
#
# Goes on where [preparation.py](preparation.py) ended, in the folder `churn`. Candidates are compared on folds,
# calibrated, and priced in money; one is chosen, judged once on customers that nothing has seen, held against the
# gate, and packed. This notebook ends where `riskloop train` and `riskloop promote` end.

# %%
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl

import riskloop

pl.Config.set_tbl_rows(20).set_fmt_str_lengths(200)  # tables whole, sentences too

FOLDER = Path("churn")
project = riskloop.open_project(FOLDER)

# %% [markdown]
# ## Train
#
# Three families, to be quick: a regression, an additive model in which every number has a curve of its own, and a
# tree. `candidates=()` tries all eleven and a blend.

# %%
result = riskloop.train(project, candidates=("logistic_regression", "gam", "decision_tree"))
trained = result.trained
riskloop.as_frame(riskloop.compare(project)).select(
    "family", "chosen", "cost_per_thousand", "cost_per_thousand_low", "cost_per_thousand_high", "roc_auc", "log_loss"
)

# %% [markdown]
# Candidates are listed by what their decisions cost on rows that each has not seen. Which one leads is not simply the
# first: of all that are not significantly worse, the simplest that can be read.

# %%
print(trained.choice.why)
assert result.accepted, "the gate refuses: see the table of checks below"
assert trained.test["roc_auc"].low > 0.6

# %% [markdown]
# ## What decisions cost
#
# A call costs 10 EUR and a customer who leaves 100 EUR, so calling pays from a probability of 10 / 110 on. Not from
# 0.5 on. The chosen policy stands beside those that need no model, and beside the habit of cutting at 0.5, on the
# same untouched customers.

# %%
policies = riskloop.as_frame(result.policies)
policies.select("name", "threshold", "act_rate", "cost_per_thousand", "cost_per_thousand_low", "cost_per_thousand_high")

# %%
cost = dict(policies.select("name", "cost_per_thousand").iter_rows())
print(trained.verdict)
assert np.isclose(trained.policy.threshold, 10 / 110)
assert cost["chosen"] < cost["at_0.5"], "at these costs, half a chance of leaving is far too late to call"
assert cost["chosen"] < min(cost["act_on_all"], cost["act_on_none"])

# %%
figures = riskloop.figures(trained)
print(", ".join(figures))
figures["cost_curve"]

# %% [markdown]
# The curve is flat around the chosen threshold and steep to the right: a threshold a little too low costs little, one
# too high a lot. That is what FN = 10 FP means.
#
# ## Do probabilities come true?
#
# A threshold in money needs probabilities that keep their word. Each point is a group of customers: what was
# foreseen, and what came.

# %%
figures["calibration"]

# %%
assert trained.test["calibration_error"].value < 0.05

# %% [markdown]
# ## What moves the model

# %%
explained = riskloop.explain_model(project, version=result.version.version)
riskloop.as_frame(explained.features).head(8)

# %%
figures["shap_summary"]

# %% [markdown]
# The direction that was declared in the contract holds exactly: two customers who differ in late payments only.

# %%
_, bundle = project.bundle(result.version.version)
customer = dict(bundle.golden.requests[0])
risks = []
for late in range(7):
    probability, _ = bundle.score([customer | {"late_payments_12m": late}], typed=True)
    risks.append(float(probability[0]))
assert np.all(np.diff(risks) >= 0)
print(", ".join(f"{risk:.1%}" for risk in risks))

# %% [markdown]
# ## How good could anybody be?
#
# The customers are simulated, so that there is an answer. Whoever knew every true probability would decide best;
# nobody can be cheaper, on average. *Regret* is what the model's decisions cost above that.

# %%
customers, truth = riskloop.simulate_customers("churn", rows=3_000, seed=7)
risk = truth[trained.split.test]
act = trained.test_probability >= trained.policy.threshold


def expected_cost(acted: np.ndarray) -> float:
    """EUR per 1,000 customers, over the true probabilities."""
    return 1_000 * float(np.where(acted, (1 - risk) * 10, risk * 100).mean())


best, ours, everyone = expected_cost(risk >= 10 / 110), expected_cost(act), expected_cost(np.ones_like(act))
print(f"best possible {best:,.0f}, ours {ours:,.0f}, calling everyone {everyone:,.0f} EUR per 1,000")
assert best <= ours < everyone
print(f"regret {ours / best - 1:.1%} of the best possible cost")
assert ours / best - 1 < 0.15

# %% [markdown]
# ## The gate
#
# A version may lead only if every check passes: good enough, calibrated, cheaper than calling everyone and than
# calling nobody, quick, and the packed model gives the same probabilities as the library that trained it.

# %%
checks = riskloop.as_frame(result.gate)
assert checks["passed"].all()
checks.select("name", "passed", "message")

# %%
assert trained.parity < 1e-9
print(f"version {result.version.version}, bundle {result.version.digest[:16]}, in {result.bundle}")

# %% [markdown]
# ## Where the command line would be
#
# The version is registered and does not lead. To promote it is a decision, with a name and a reason. From here or
# from the command line, it is the same event in the same log:

# %%
version = str(result.version.version)
command = [sys.executable, "-m", "riskloop", "promote", version, "--reason", "cheaper than calling everyone"]
told = subprocess.run([*command, "--project", str(FOLDER)], capture_output=True, text=True, check=False)
print(told.stdout)
assert told.returncode == 0, told.stderr

past = riskloop.history(project)
assert past.alias(result.version.version) == "champion"
riskloop.as_frame(past.events).select("seq", "kind", "version", "actor", "reason")

# %% [markdown]
# Next: [tracking.py](tracking.py), or `riskloop serve` in the folder `churn`.
