"""What Safelight would have said: the monitors of today, replayed over generations of the past."""
