"""Other tools that say the same in their own way, each with one home."""
