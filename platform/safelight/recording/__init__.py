"""The durable log of generations: journal, image store, database."""
