"""Accounts for people who were not there: the post-mortem of an incident, the evidence of a period."""
