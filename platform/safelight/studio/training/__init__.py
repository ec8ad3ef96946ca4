"""Trains the studio's weights from scratch on composed scenes; nothing here runs in production."""
