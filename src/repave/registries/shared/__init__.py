"""Vaults that several projects or machines have: folders, and repositories of a registry."""
