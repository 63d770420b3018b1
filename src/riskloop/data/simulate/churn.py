"""Churn: subscribers of a service, looked at on a snapshot date; do they leave within 90 days?"""

from __future__ import annotations

import numpy as np

from riskloop.costs import BoolArray, Costs, FloatArray
from riskloop.data.contract import Columns
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

# "NA" is Nouvelle-Aquitaine: a region that careless readers turn into a missing value.
REGIONS = ("IDF", "ARA", "HDF", "OCC", "NA", "PACA", "GES", "BRE")
REGION_SHARES = (0.24, 0.16, 0.12, 0.12, 0.12, 0.10, 0.08, 0.06)

_COLUMNS = (
    Column("age", low=18, high=95),
    category("region", *REGIONS),
    category("plan", "basic", "plus", "premium"),
    category("contract", "monthly", "yearly", "two_years"),
    category("payment_method", "direct_debit", "card", "transfer"),
    category("acquisition_channel", "web", "shop", "partner", "phone", missing=0.03),
    Column("tenure_months", low=1, high=180),
    Column("monthly_charge", low=5, high=250, decimals=2),
    Column("sessions_30d", low=0, high=120, missing=0.04),
    Column("satisfaction", low=1, high=5, decimals=1, missing=0.15),
    Column("service_contacts_90d", low=0, high=25),
    Column("late_payments_12m", low=0, high=12),
    Column("transactions_90d", low=0, high=40),
    category("newsletter", "no", "yes"),
    Column("margin_per_month", low=0.5, high=150, decimals=2),
)


def _draw(streams: Streams, n: int) -> Columns:
    plan = pick(streams("plan"), (0.50, 0.32, 0.18), n)
    payment = pick(streams("payment_method"), (0.58, 0.30, 0.12), n)
    contacts = streams("service_contacts_90d").poisson(streams("contact_rate").gamma(1.1, 1.0, n))
    sessions = streams("sessions_30d").poisson(streams("session_rate").gamma(1.6, 7.0, n))
    charge = by_level(plan, 19.9, 34.9, 59.9) * np.exp(0.16 * streams("monthly_charge").normal(size=n))
    return {
        "age": streams("age").normal(45, 15, n),
        "region": pick(streams("region"), REGION_SHARES, n),
        "plan": plan,
        "contract": pick(streams("contract"), (0.55, 0.30, 0.15), n),
        "payment_method": payment,
        "acquisition_channel": pick(streams("acquisition_channel"), (0.45, 0.25, 0.18, 0.12), n),
        "tenure_months": 1 + streams("tenure_months").gamma(1.2, 26.0, n),
        "monthly_charge": charge,
        "sessions_30d": sessions,
        "satisfaction": 3.9 - 0.18 * contacts + 0.85 * streams("satisfaction").normal(size=n),
        "service_contacts_90d": contacts,
        "late_payments_12m": streams("late_payments_12m").poisson(by_level(payment, 0.2, 0.4, 1.1)),
        "transactions_90d": streams("transactions_90d").poisson(1.5 + 0.16 * np.minimum(sessions, 60)),
        "newsletter": pick(streams("newsletter"), (0.6, 0.4), n),
        "margin_per_month": charge * streams("margin_per_month").uniform(0.15, 0.55, n),
    }


def _log_odds(columns: Columns) -> FloatArray:
    satisfaction = columns["satisfaction"]
    unhappy = known(satisfaction, 3.5)
    contacts = known(columns["service_contacts_90d"], 1)
    sessions = known(columns["sessions_30d"], 8)
    premium = columns["plan"] == 2
    monthly = columns["contract"] == 0
    # How much dearer than usual for the plan: the price itself says little, the pair says much.
    dear = np.log(known(columns["monthly_charge"], 30) / by_level(columns["plan"], 19.9, 34.9, 59.9, missing=30))
    log_odds: FloatArray = (
        -2.8
        + by_level(columns["contract"], 1.2, -0.4, -1.6)
        + by_level(columns["payment_method"], -0.2, 0.1, 0.6)
        + by_level(columns["region"], 0.15, 0.0, 0.0, 0.0, 0.25, 0.1, -0.1, -0.25)
        - 0.75 * np.log(known(columns["tenure_months"], 24) / 24)
        + 0.80 * (3.5 - unhappy)
        + np.where(np.isnan(satisfaction), 0.35, 0.0)
        + np.where(unhappy < 2.5, 0.7, 0.0)
        + 0.85 * np.sqrt(contacts)
        + np.where(premium & (contacts >= 2), 0.9, 0.0)
        + 0.18 * np.maximum(5 - sessions, 0)
        + np.where(np.isnan(columns["sessions_30d"]), 0.5, 0.0)
        + 0.25 * np.minimum(known(columns["late_payments_12m"], 0), 4)
        - 0.12 * (known(columns["transactions_90d"], 3) - 3)
        + np.where(monthly, 2.2, 0.6) * dear
        - 0.0006 * (known(columns["age"], 45) - 45) ** 2
    )
    return log_odds


def _concept(columns: Columns) -> FloatArray:
    """A competitor courts loyal, premium customers: those who were safe leave; the unhappy find less to leave for."""
    loyal = known(columns["tenure_months"], 24) > 24
    return (
        2.0 * loyal
        + by_level(columns["plan"], -0.4, 0.4, 1.6)
        + by_level(columns["contract"], -1.0, 0.8, 1.4)
        - 0.4 * np.sqrt(known(columns["service_contacts_90d"], 1))
    )


def _history(streams: Streams, columns: Columns, outcome: BoolArray) -> dict[str, History]:
    return {
        "transactions": _transactions(streams, columns, outcome),
        "service_contacts": _contacts(streams, columns, outcome),
    }


def _transactions(streams: Streams, columns: Columns, outcome: BoolArray) -> History:
    recent = known(columns["transactions_90d"], 0).astype(np.int64)
    earlier = streams("transactions/earlier").poisson(1.0 + 0.8 * recent)
    after = streams("transactions/after").poisson(np.where(outcome, 0.3, 0.5 + 0.7 * recent))
    windows = ((-270, -91), (-90, -1), (1, 90))
    owner, _, days = over_time(streams("transactions/day"), (earlier, recent, after), windows)
    k = len(owner)
    amount = 0.6 * known(columns["monthly_charge"], 30)[owner] * streams("transactions/amount").gamma(2.0, 0.5, k)
    kind = pick(streams("transactions/kind"), (0.62, 0.30, 0.08), k)
    return History(owner, {"booked_on": days, "amount": 1 + amount, "kind": kind})


def _contacts(streams: Streams, columns: Columns, outcome: BoolArray) -> History:
    recent = known(columns["service_contacts_90d"], 0).astype(np.int64)
    earlier = streams("contacts/earlier").poisson(0.3 + 0.5 * recent)
    after = streams("contacts/after").poisson(np.where(outcome, 1.3, 0.3))
    windows = ((-270, -91), (-90, -1), (1, 90))
    owner, window, days = over_time(streams("contacts/day"), (earlier, recent, after), windows)
    k = len(owner)
    reason = pick(streams("contacts/reason"), (0.40, 0.35, 0.25), k)
    # After the snapshot those who leave call to cancel: a feature that looks ahead learns the outcome itself.
    reason[(window == 2) & outcome[owner]] = 3
    minutes = streams("contacts/minutes").gamma(2.0, 4.0, k)
    return History(owner, {"contacted_on": days, "reason": reason, "minutes": minutes})


CHURN = Scenario(
    name="churn",
    id="customer_id",
    id_prefix="C",
    time="snapshot_date",
    target="churned",
    labels=("no", "yes"),
    columns=_COLUMNS,
    linked={
        "transactions": (
            day("booked_on"),
            Column("amount", low=0, decimals=2),
            category("kind", "purchase", "top_up", "refund"),
        ),
        "service_contacts": (
            day("contacted_on"),
            category("reason", "billing", "technical", "information", "cancellation"),
            Column("minutes", low=1, high=90),
        ),
    },
    costs=Costs(fp=10, fn=100),
    value_costs={"fp": "10", "fn": "8 * margin_per_month"},
    horizon=90,
    event_shape=(1.3, 1.8),
    draw=_draw,
    log_odds=_log_odds,
    concept=_concept,
    history=_history,
)
