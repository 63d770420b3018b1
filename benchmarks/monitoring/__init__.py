"""Watching: time, false alarms and power, beside Evidently."""
