"""Loan: applications for consumer credit, decided on the application date; do they default within a year?"""

from __future__ import annotations

import numpy as np

from riskloop.costs import BoolArray, Costs, FloatArray
from riskloop.data.contract import Columns
from riskloop.data.simulate.churn import REGION_SHARES, REGIONS
from riskloop.data.simulate.scenario import (
    Column,
    History,
    Scenario,
    Streams,
    by_level,
    category,
    day,
    known,
    over_time,
    pick,
)

_TERMS = np.array([12.0, 24.0, 36.0, 48.0, 60.0, 72.0])

_COLUMNS = (
    Column("age", low=18, high=85),
    category("gender", "female", "male"),
    category("region", *REGIONS),
    category("employment", "permanent", "temporary", "self_employed", "retired", "unemployed"),
    Column("years_employed", low=0, high=45, decimals=1, missing=0.06),
    category("housing", "tenant", "mortgage", "owner", "family"),
    Column("dependants", low=0, high=6),
    Column("income_per_month", low=600, high=25_000, decimals=2, missing=0.04),
    Column("savings", low=0, high=250_000, decimals=2, missing=0.12),
    Column("debt_ratio", low=0, high=0.95, decimals=3),
    category("purpose", "car", "home", "consumption", "debt_consolidation", "education"),
    Column("loan_amount", low=500, high=75_000, decimals=2),
    Column("term_months", low=6, high=84),
    Column("interest_rate", low=0.5, high=21.0, decimals=2),
    Column("previous_loans", low=0, high=12),
    Column("late_instalments_24m", low=0, high=18),
)


def _draw(streams: Streams, n: int) -> Columns:
    employment = pick(streams("employment"), (0.60, 0.16, 0.10, 0.10, 0.04), n)
    age = np.where(employment == 3, 67.0, 40.0) + by_level(employment, 11, 9, 11, 5, 11) * streams("age").normal(size=n)
    age = np.clip(age, 18, 85)
    income = by_level(employment, 2500, 1750, 2700, 1700, 1050) * np.exp(0.38 * streams("income").normal(size=n))
    previous = streams("previous_loans").poisson(0.5 + 0.012 * (age - 18))
    strain = streams("strain").gamma(0.7, 0.9, n)
    purpose = pick(streams("purpose"), (0.32, 0.22, 0.24, 0.14, 0.08), n)
    wish = by_level(purpose, 12_000, 14_000, 4_500, 11_000, 7_000) * np.exp(0.5 * streams("loan_amount").normal(size=n))
    return {
        "age": age,
        "gender": pick(streams("gender"), (0.48, 0.52), n),
        "region": pick(streams("region"), REGION_SHARES, n),
        "employment": employment,
        "years_employed": np.maximum(age - 20, 0) * streams("years_employed").beta(1.2, 2.2, n),
        "housing": pick(streams("housing"), (0.42, 0.30, 0.18, 0.10), n),
        "dependants": streams("dependants").poisson(0.9, n),
        "income_per_month": income,
        "savings": income * streams("savings").gamma(0.6, 5.0, n),
        "debt_ratio": streams("debt_ratio").beta(1.6, 5.0, n),
        "purpose": purpose,
        "loan_amount": np.round(wish, -2),
        "term_months": _TERMS[pick(streams("term_months"), (0.14, 0.22, 0.24, 0.18, 0.15, 0.07), n)],
        "interest_rate": 4.2 + by_level(purpose, 0, 0, 1.6, 1.2, -0.8) + streams("interest_rate").gamma(2.0, 0.7, n),
        "previous_loans": previous,
        "late_instalments_24m": streams("late_instalments_24m").poisson(strain * np.minimum(previous, 4)),
    }


def _log_odds(columns: Columns) -> FloatArray:
    income = known(columns["income_per_month"], 1700)
    burden = known(columns["loan_amount"], 9000) / known(columns["term_months"], 36) / income
    savings = columns["savings"]
    late = known(columns["late_instalments_24m"], 0)
    tenant = columns["housing"] == 0
    debt = known(columns["debt_ratio"], 0.25)
    log_odds: FloatArray = (
        -2.25
        + by_level(columns["employment"], -0.5, 0.6, 0.4, -0.6, 1.4)
        + by_level(columns["housing"], 0.3, -0.2, -0.6, 0.1)
        + by_level(columns["purpose"], -0.2, -0.3, 0.3, 0.6, -0.1)
        + by_level(columns["region"], 0.0, -0.1, 0.25, 0.1, 0.1, 0.15, 0.0, -0.3)
        - 0.9 * np.log(income / 2200)
        + np.where(np.isnan(columns["income_per_month"]), 0.5, 0.0)
        + 5.0 * np.minimum(burden, 0.6)
        + 3.2 * (debt - 0.25)
        + np.where(tenant & (debt > 0.35), 0.8, 0.0)
        + 0.95 * np.sqrt(late)
        - 0.22 * np.log1p(known(savings, 2000) / 500)
        + np.where(np.isnan(savings), 0.3, 0.0)
        - 0.5 * np.log1p(known(columns["years_employed"], 4))
        + 0.05 * np.maximum(30 - known(columns["age"], 40), 0)
        + 0.10 * known(columns["dependants"], 1)
        - 0.12 * np.minimum(known(columns["previous_loans"], 1), 5) * (late == 0)
        + 0.10 * (known(columns["interest_rate"], 6) - 6)
    )
    return log_odds


def _concept(columns: Columns) -> FloatArray:
    """Rates rise: those with a mortgage and a large, long loan default, whatever their past; jobs no longer shield."""
    return (
        by_level(columns["housing"], -0.3, 1.8, 0.0, 0.0)
        + by_level(columns["employment"], 0.8, -0.4, 0.6, 0.4, -0.8)
        + 0.9 * np.log(known(columns["loan_amount"], 9000) / 9000)
        + 0.02 * (known(columns["term_months"], 36) - 36)
        - 0.5 * np.sqrt(known(columns["late_instalments_24m"], 0))
    )


def _history(streams: Streams, columns: Columns, outcome: BoolArray) -> dict[str, History]:
    return {
        "previous_loans": _loans(streams, columns, outcome),
        "instalments": _instalments(streams, columns, outcome),
    }


def _loans(streams: Streams, columns: Columns, outcome: BoolArray) -> History:
    previous = known(columns["previous_loans"], 0).astype(np.int64)
    # Who defaults gets no further loan: a count that looks ahead learns the outcome.
    after = (streams("loans/after").random(len(outcome)) < np.where(outcome, 0.04, 0.45)).astype(np.int64)
    owner, _, days = over_time(streams("loans/day"), (previous, after), ((-2500, -760), (1, 365)))
    k = len(owner)
    amount = np.round(7000 * np.exp(0.6 * streams("loans/amount").normal(size=k)), -2)
    term = _TERMS[pick(streams("loans/term"), (0.2, 0.25, 0.25, 0.15, 0.1, 0.05), k)]
    lender = pick(streams("loans/lender"), (0.5, 0.3, 0.2), k)
    return History(owner, {"opened_on": days, "amount": amount, "term_months": term, "lender": lender})


def _instalments(streams: Streams, columns: Columns, outcome: BoolArray) -> History:
    late = known(columns["late_instalments_24m"], 0).astype(np.int64)
    previous = known(columns["previous_loans"], 0)
    punctual = streams("instalments/punctual").poisson(3.5 * np.minimum(previous, 4))
    after = streams("instalments/after").poisson(2.5, len(outcome))
    # Late ones end 31 days before the application, so that they were also paid, and known, before it.
    windows = ((-730, -31), (-730, -31), (1, 180))
    owner, window, due = over_time(streams("instalments/day"), (punctual, late, after), windows)
    overdue = (window == 1) | ((window == 2) & outcome[owner])
    days_late = np.where(overdue, 1 + streams("instalments/late").integers(0, 30, len(owner)), 0)
    amount = known(columns["income_per_month"], 1700)[owner] * streams("instalments/amount").uniform(
        0.04, 0.18, len(owner)
    )
    return History(owner, {"due_on": due, "paid_on": due + days_late, "days_late": days_late, "amount": amount})


LOAN = Scenario(
    name="loan",
    id="application_id",
    id_prefix="L",
    time="application_date",
    target="defaulted",
    labels=(0, 1),
    columns=_COLUMNS,
    linked={
        "previous_loans": (
            day("opened_on"),
            Column("amount", low=300, decimals=2),
            Column("term_months"),
            category("lender", "bank", "retailer", "online"),
        ),
        "instalments": (day("due_on"), day("paid_on"), Column("days_late"), Column("amount", low=5, decimals=2)),
    },
    costs=Costs(fp=1, fn=10, currency="relative"),
    value_costs={"fp": "0.06 * loan_amount", "fn": "0.6 * loan_amount"},
    horizon=365,
    event_shape=(1.6, 1.8),
    draw=_draw,
    log_odds=_log_odds,
    concept=_concept,
    history=_history,
)
