"""Artifacts to other people's registries and from there, with all that is signed of them and documented."""
