"""kill -9 under load: what a client saw acknowledged is in the database once, with its image, to the bit."""
