"""A package, for pytest ends with it what is its: the studio would go on making images until the last test of all."""
