"""What runs riskloop for real, and the programs that try it without an engine for containers."""
