"""riskloop beside others on one page, made from the figures of the other benchmarks."""
