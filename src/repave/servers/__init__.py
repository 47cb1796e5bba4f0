"""How a server that was made by hand is read: a mounted root, this very machine, one over SSH. Never written to."""
