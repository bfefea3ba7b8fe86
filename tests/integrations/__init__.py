"""The integrations, each with its framework's own test client."""
