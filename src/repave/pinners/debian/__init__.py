"""Debian packages, resolved by apt itself in a configuration of its own. No resolver is written here."""
