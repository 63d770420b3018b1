"""MLflow: runs, model versions, aliases. The only home of that library."""
