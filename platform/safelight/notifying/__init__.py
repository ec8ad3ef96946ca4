"""Telling people: a transactional outbox and signed webhooks."""
