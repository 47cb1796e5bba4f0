"""The changes, oldest first by their number."""
