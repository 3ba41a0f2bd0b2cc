"""SQLite: the ledger and the sessions."""
