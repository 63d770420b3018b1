"""Retraining: labelled rows of the ledger become a table, and what was trained on it is held against the champion."""
