# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # 1. Preparation: from a table to a project
#
# A bank asks which of its customers will leave. Before any model: what is in the table, what must not be learnt from,
# and which rules does it keep? This notebook ends where `riskloop init` and `riskloop check` end, with the same two
# files on disk. [modelling.py](modelling.py) goes on from there, and so does the command line.
#
# The customers are simulated, so that the truth is known: next to every customer we also get the true probability of
# leaving. No bank has that, which is why the second notebook can say how far from the best possible decisions one is.

# %%
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import yaml

import riskloop

pl.Config.set_tbl_rows(20).set_fmt_str_lengths(200)  # tables whole, sentences too

FOLDER = Path("churn")  # the project: what is made here, the next two notebooks find there

customers, truth = riskloop.simulate_customers("churn", rows=3_000, seed=7)
customers.head()

# %% [markdown]
# ## A table as it comes
#
# Real tables are not that clean. We spoil this one in four ways that are met everywhere:
#
# - `closing_letters`: letters about the closing of the account, written *after* the customer has left;
# - `age`: 999 where the age is not known;
# - `email`: personal, and another one for every customer;
# - `country`: the same for everybody.

# %%
rng = np.random.default_rng(1)
left = (customers["churned"] == "yes").to_numpy()
spoilt = customers.with_columns(
    pl.Series("closing_letters", np.where(left, rng.poisson(3, len(left)) + 1, 0)),
    pl.Series("age", np.where(rng.random(len(left)) < 0.03, 999, customers["age"].fill_null(999))),
    pl.Series("email", [f"{name.lower()}@example.org" for name in customers["customer_id"]]),
    pl.lit("FR").alias("country"),
).select(pl.exclude("churned"), "churned")

FOLDER.mkdir(exist_ok=True)
spoilt.write_csv(FOLDER / "customers.csv")
print(f"{spoilt.height:,} customers, {left.mean():.1%} of whom left")

# %% [markdown]
# ## What riskloop notices
#
# `initialise` is what `riskloop init` calls. It reads the table as text, proposes a rule for every column, looks for
# columns that know the outcome, and writes two files: `riskloop.yaml` (what is decided, and what it costs) and
# `contract.yaml` (the rules).
#
# A customer who leaves unnoticed costs 100 EUR, a call to one who would have stayed 10 EUR.

# %%
done = riskloop.initialise(
    FOLDER,
    riskloop.Source(str(FOLDER / "customers.csv")),
    "churned",
    positive="yes",
    id_column="customer_id",
    time_column="snapshot_date",
    costs=riskloop.Costs(fp=10, fn=100),
    project="churn",
    overwrite=True,
)
findings = riskloop.as_frame(done.findings)
findings.select("severity", "code", "column", "message")

# %% [markdown]
# All four are found. A finding is one thing that is wrong: a code, how grave it is, the evidence, and what to do
# next.

# %%
found = set(findings.select("code", "column").iter_rows())
for code, column in [
    ("leakage-single-feature", "closing_letters"),
    ("sentinel", "age"),
    ("personal", "email"),
    ("constant", "country"),
]:
    assert (code, column) in found, f"{code} of {column} went unnoticed"
assert not {"closing_letters", "email", "country"} & set(done.features)

leak = findings.filter(pl.col("column") == "closing_letters").row(0, named=True)
print(leak["message"])
print("Next:", leak["next_step"])

# %% [markdown]
# Why so strict about `closing_letters`? A model with it would be nearly perfect here, and useless in service, where
# nobody has left yet. The picture shows it beside a column that is honest.

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
for axis, column in zip(axes, ["closing_letters", "service_contacts_90d"], strict=True):
    for outcome, colour in (("no", "#0072b2"), ("yes", "#d55e00")):
        values = spoilt.filter(pl.col("churned") == outcome)[column].drop_nulls().to_numpy()
        axis.hist(values, bins=range(10), density=True, alpha=0.6, color=colour, label=f"left: {outcome}")
    axis.set(xlabel=column)
axes[0].set(ylabel="share of customers")
axes[0].legend()

# %% [markdown]
# ## What a person decides
#
# The proposal is a beginning. Three things only a person can say, and they are written down where an auditor finds
# them:
#
# - 999 means "not known": a **missing** value, of which up to 10 % are in order;
# - a customer with more late payments is **never less** likely to leave, whatever a sample of 3,000 says: a
#   *direction*;
# - age is **protected**: it stays out of the decision, and the audit looks at how age groups fare.

# %%
rules = yaml.safe_load((FOLDER / "contract.yaml").read_text())
rules["columns"]["age"] |= {
    "missing_values": ["999"],
    "nullable": True,
    "max_missing": 0.1,
    "minimum": 18,
    "maximum": 110,
}
rules["columns"]["late_payments_12m"] |= {"monotone": "increasing"}
(FOLDER / "contract.yaml").write_text(yaml.safe_dump(rules, sort_keys=False))

settings = yaml.safe_load((FOLDER / "riskloop.yaml").read_text())
settings["problem"]["sensitive"] = ["age"]
settings["training"] = {"folds": 3}  # five are usual; three are quicker
(FOLDER / "riskloop.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))

project = riskloop.open_project(FOLDER)
contract = project.contract
assert "age" not in contract.features
print(f"{len(contract.features)} features: {', '.join(contract.features)}")

# %% [markdown]
# ## Does the table keep the rules?
#
# `check` holds a table against the contract. The training table passes; a table in which somebody wrote a plan that
# does not exist, and a negative tenure, does not: both rows are set aside, with the reason.

# %%
checked = riskloop.check(project)
assert checked.passed
assert checked.kept == checked.rows == 3_000
assert checked.findings == (), "whatever was found has been decided about"

# %%
broken = spoilt.head(200).with_columns(
    pl.when(pl.int_range(pl.len()) == 3).then(pl.lit("platinum")).otherwise("plan").alias("plan"),
    pl.when(pl.int_range(pl.len()) == 5).then(-4).otherwise("tenure_months").alias("tenure_months"),
)
broken.write_csv(FOLDER / "broken.csv")
refused = riskloop.check(project, str(FOLDER / "broken.csv"))
assert refused.kept == refused.rows - 2
assert refused.quarantine is not None
pl.read_csv(refused.quarantine, infer_schema=False).select("riskloop_row", "riskloop_reason")

# %% [markdown]
# ## Where the command line would be
#
# Nothing is kept in this notebook: all of it is in the two files. A process of its own comes to the same result. Exit
# code 0: the table is good; 3 would be: the gate says no.

# %%
command = [sys.executable, "-m", "riskloop", "check", "--project", str(FOLDER)]
told = subprocess.run(command, capture_output=True, text=True, check=False)
print(told.stdout)
assert told.returncode == 0, told.stderr
assert {"riskloop.yaml", "contract.yaml", "reasons.yaml", "customers.csv"} <= {path.name for path in FOLDER.iterdir()}

# %% [markdown]
# Next: [modelling.py](modelling.py), or `riskloop train --promote` in the folder `churn`.
