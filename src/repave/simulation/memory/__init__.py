"""The store in memory: the twin of the one over a database, for simulations and for users' tests."""
