"""The studio: the generator and embedder bundled with Safelight, how they were made, and traffic for them."""
