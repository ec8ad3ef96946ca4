"""Whom the ledger and the audit log name for what a command does."""

import getpass
import os


def actor() -> str:
    """Whoever runs it; by number where the system has no name for them, as in a container under a user of its own."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return f"cli:{name}"
