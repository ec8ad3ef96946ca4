"""Generations that were made and kept elsewhere, read from tables and folders."""
