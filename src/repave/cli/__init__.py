"""The command line: a file per command, thin. It parses, calls an operation, prints; only this room exits."""
