"""Promote and rollback: what should serve, written in the ledger."""
