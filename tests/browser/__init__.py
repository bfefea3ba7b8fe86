"""A real browser on loopback, and whom it asks when it is given a page."""
