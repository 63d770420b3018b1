"""riskloop beside its peers: the same splits, the same wall-clock budget, each in its own environment."""
