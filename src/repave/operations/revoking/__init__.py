"""Revocation: what a person says must not be started any more, what that covers, and whether any of it still runs."""
