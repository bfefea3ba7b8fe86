"""Real servers on loopback, asked by a real client."""
