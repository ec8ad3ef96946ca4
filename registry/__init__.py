"""What may serve: checkpoints, versions, and the rules of a release. Knows nothing of HTTP, engines or monitors."""
