"""Hostile bytes, led by coverage, against everything that reads what strangers send."""
