"""HTTP: everything the dashboard does, and everything a program may do."""
