"""How rows come to be watched: batches from files, predictions from the ledger."""
