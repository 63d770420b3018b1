"""Alerts that are kept: what is open, what happened, what was sent."""

from riskloop.keep.alerts.deliveries import Deliveries, Delivery
from riskloop.keep.alerts.records import Alert, AlertEvent, Pace, Settled, Silence
from riskloop.keep.alerts.store import Alerts, open_by_severity

__all__ = [
    "Alert",
    "AlertEvent",
    "Alerts",
    "Deliveries",
    "Delivery",
    "Pace",
    "Settled",
    "Silence",
    "open_by_severity",
]
