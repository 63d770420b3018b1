"""Trees of every family, as arrays, in plain NumPy."""

from riskloop.scorer.forest.nodes import Forest

__all__ = ["Forest"]
