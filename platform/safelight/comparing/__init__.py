"""Versions side by side, and days beside days: evidence for people. Nothing here raises an alarm."""
