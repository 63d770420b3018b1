"""What `make check` asks beyond linters and types: security, secrets, licences, documentation."""
