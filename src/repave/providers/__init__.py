"""One folder per cloud (or this machine): the machines port over its API. No provider knows another."""
