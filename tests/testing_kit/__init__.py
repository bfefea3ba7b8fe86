"""The test kit that sites use, as sites use it."""
