"""The record beyond the store: signed heads, keys that hand over, bundles for auditors and how those are checked."""
