"""The command line: a file per command, thin. It parses, calls an operation, prints; only this room exits."""

from repave.cli.application import main

__all__ = ["main"]
