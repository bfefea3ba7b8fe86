"""Programs for whoever works on dntguard; nothing of it is installed."""
