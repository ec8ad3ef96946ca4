"""State: tables, repositories and transactions. The only SQL of the project lives here."""
