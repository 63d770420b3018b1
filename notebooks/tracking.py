# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # 3. Tracking: from a version that leads to a record that can be audited
#
# Goes on where [modelling.py](modelling.py) ended: version 1 leads in the folder `churn`. A second version is trained
# and compared, customers are decided about, their outcomes come in, the world moves, and everything is on record.
# This notebook ends where `riskloop monitor`, `riskloop rollback` and `riskloop audit verify` end.

# %%
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

import riskloop
from riskloop.data.simulate.drift import Drift

pl.Config.set_tbl_rows(20).set_fmt_str_lengths(200)  # tables whole, sentences too

FOLDER = Path("churn")
project = riskloop.open_project(FOLDER)
first = riskloop.history(project).state.champion
assert first is not None, "no version leads yet: run modelling.py first"

# %% [markdown]
# ## A second version
#
# A scorecard: points per bin, as a credit department knows it. The gate compares it with the champion on the same
# customers.

# %%
result = riskloop.train(project, candidates=("scorecard",))
second = result.version.version
assert second > first
against = next(check for check in result.gate if "champion" in check.message)
print("accepted" if result.accepted else "refused", "-", against.message)
riskloop.as_frame(riskloop.compare(project)).select(
    "version", "alias", "family", "chosen", "cost_per_thousand", "roc_auc"
)

# %% [markdown]
# ## The same in MLflow
#
# Every training is a run, every version a registered model, and who leads an alias, in MLflow's own store. Whatever
# reads MLflow reads this.

# %%
import mlflow  # takes seconds

mlflow.set_tracking_uri(project.locations.tracking_uri)
runs = mlflow.search_runs(experiment_names=[project.name])
runs = runs[runs["tags.mlflow.parentRunId"].isna()]  # below each are the runs of its candidates
assert {version.run_id for version in riskloop.history(project).versions} == set(runs["run_id"])
runs[["run_id", "status", "params.family", "metrics.roc_auc", "metrics.cost_per_thousand", "metrics.parity"]]

# %%
client = mlflow.MlflowClient()
champion = client.get_model_version_by_alias(project.name, "champion")
assert int(champion.version) == first
print(f"models:/{project.name}@champion is version {champion.version}")

# %% [markdown]
# ## Decide about customers
#
# 500 new customers come. Each decision is in the ledger before it is in the output.

# %%
new, risk = riskloop.simulate_customers("churn", rows=500, seed=21)
new.drop("churned").write_csv(FOLDER / "new.csv")
scored = riskloop.score(project, riskloop.Source(str(FOLDER / "new.csv")), FOLDER / "decisions.csv")
assert scored.scored == scored.logged == 500
decisions = pl.read_csv(FOLDER / "decisions.csv", infer_schema_length=None)
print(f"act on {scored.acted} of {scored.rows}; expected cost {scored.expected_cost:,.0f} {scored.currency}")
decisions.select("customer_id", "probability", "decision", "threshold", "expected_cost").head()

# %% [markdown]
# Why this customer? Reasons compare with customers who got the better decision, and they add up exactly.

# %%
riskiest = decisions.sort("probability", descending=True)["customer_id"][0]
why = riskloop.explain_customer(project, customer=riskiest)
assert why.found == "ledger"
assert why.version == first
for reason in why.reasons:
    print("-", reason.texts["en"])

# %% [markdown]
# ## The world moves
#
# A month later customers call the service desk more often, and are less content. `monitor_batch` holds the new ones
# against what the champion learnt from: which columns have moved, above what chance would do, and what that costs.

# %%
moved = (Drift("mean", 1.0, "service_contacts_90d"), Drift("mean", -1.0, "satisfaction"))
later, _ = riskloop.simulate_customers("churn", rows=800, seed=22, drifts=moved)
quiet, _ = riskloop.simulate_customers("churn", rows=800, seed=23)
for name, table in (("later", later), ("quiet", quiet)):
    table.write_csv(FOLDER / f"{name}.csv")

found = riskloop.monitor_batch(project, str(FOLDER / "later.csv"))
riskloop.as_frame(found.drift.columns).select("name", "verdict", "psi", "p_value").head(6)

# %%
assert found.drift.drifted
assert {one.name for one in found.drift.moved} >= {"service_contacts_90d", "satisfaction"}
assert not riskloop.monitor_batch(project, str(FOLDER / "quiet.csv")).drift.drifted, "nothing has moved in this one"

shown = [one for one in found.drift.columns if np.isfinite(one.psi)][:8]
figure, axes = plt.subplots(figsize=(7, 3))
axes.barh(
    [one.name for one in shown],
    [one.psi for one in shown],
    color=["#d55e00" if one.drifted else "#5b6470" for one in shown],
)
axes.invert_yaxis()
axes.set(xlabel="PSI against the training rows (orange: moved)")

# %% [markdown]
# The later batch says what became of its customers, so that decisions can be judged too: what was promised on the
# test block, and what came true.

# %%
assert found.realised is not None
promised, realised = found.promised["cost_per_thousand"], found.realised["cost_per_thousand"]
print(f"promised {promised['value']:,.0f}, realised {realised.value:,.0f} [{realised.low:,.0f}, {realised.high:,.0f}]")

# %% [markdown]
# ## Outcomes come late
#
# What became of the 500 customers is told afterwards, by id; the ledger knows which decision it was about.

# %%
new.select("customer_id", pl.col("churned").alias("outcome")).write_csv(FOLDER / "outcomes.csv")
receipt = riskloop.record_outcomes(project, riskloop.Source(str(FOLDER / "outcomes.csv")))
known = riskloop.monitor_ledger(project)
assert known.realised is not None
assert known.realised.n >= 500
realised, promised = known.realised["roc_auc"], known.promised["roc_auc"]
print(f"{receipt.accepted} outcomes: ROC-AUC {realised.value:.3f}, promised {promised['value']:.3f}")

# %% [markdown]
# ## Promote, and go back
#
# Version 2 leads for a while, if need be over the gate's objection, which is written down as that. Then complaints
# come, and version 1 leads again: its bundle is verified and answers its golden requests before it does.

# %%
riskloop.promote(project, second, reason="points can be told to customers", override=not result.accepted)
assert int(client.get_model_version_by_alias(project.name, "champion").version) == second
riskloop.rollback(project, reason="the scorecard was too coarse")
assert int(client.get_model_version_by_alias(project.name, "champion").version) == first
riskloop.as_frame(riskloop.history(project).events).select("seq", "kind", "version", "actor", "reason", "at")

# %% [markdown]
# ## Can the record be trusted?
#
# Every event carries the hash of the one before: nobody can alter, remove or insert one without it showing.

# %%
verified = riskloop.verify_log(project)
assert verified.ok
print(verified)

# %% [markdown]
# ## Where the command line would be
#
# The same log, and who decided about that customer, in a process of its own:

# %%
for arguments in (
    ["audit", "verify"],
    ["history", "--customer", riskiest],
    ["monitor", "--batch", str(FOLDER / "quiet.csv")],
):
    command = [sys.executable, "-m", "riskloop", *arguments, "--project", str(FOLDER)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    print(f"$ riskloop {' '.join(arguments)}\n{told.stdout}")
    assert told.returncode == 0, told.stderr
assert riskloop.history(project).state.champion == first

# %% [markdown]
# Next: `riskloop serve` in the folder `churn`, and [the loop](../docs/loop.md) that does all of this by itself.
