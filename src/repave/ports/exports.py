"""Files that no server holds as they are: made from what an address names, always the same."""

from typing import BinaryIO, Protocol


class Exports(Protocol):
    """Makes such files; the vault keeps and verifies them like any other."""

    def makes(self, address: str) -> bool:
        """Whether an address is of the kind this makes files from."""
        ...

    def write(self, address: str, target: BinaryIO) -> None:
        """Write the file that an address names: the same bytes each time.

        May be called again after any failure. Raises Gone, Denied, Unreachable, Invalid, Corrupt (what came is not what
        the address names), NoCapacity.
        """
        ...
