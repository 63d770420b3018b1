"""Experiments in production: who was met, what it cost, and what another version would have done."""
