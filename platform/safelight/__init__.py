"""Safelight: monitoring and rollback for text-to-image generators in production."""
