"""Scheduled monitors and their verdicts."""
