"""Whether programs of a processor run here: tried with the smallest there can be, not read from any table.

The kernel runs those of its own processor, and of others where an emulator is registered for them (binfmt_misc). Inside
a root filesystem of another processor no emulator lies, so it must have been registered fixed (flag ``F``).
Source: System V ABI ("ELF header", "Program header"); syscall numbers of exit from include/uapi of Linux.
"""

import struct

ANSWER = 42
"""The exit code of the program: no shell, no missing library and no refusal of the kernel ends with it."""

ADDRESS = 0x400000
HEADER_BYTES, PROGRAM_HEADER_BYTES = 64, 56
EXECUTABLE, LOADED, READ_EXECUTE = 2, 1, 5

MACHINES = {
    "amd64": (62, bytes.fromhex("bf2a000000 b83c000000 0f05")),
    "arm64": (183, bytes.fromhex("400580d2 a80b80d2 010000d4")),
}
"""By architecture: its number in ELF, and the instructions of ``exit(42)``."""


def program(architecture: str) -> bytes | None:
    """A whole program that does nothing but end with ``ANSWER``; None for a processor that is not known here."""
    known = MACHINES.get(architecture)
    if known is None:
        return None
    machine, code = known
    start = HEADER_BYTES + PROGRAM_HEADER_BYTES
    size = start + len(code)
    identity = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        *(identity, EXECUTABLE, machine, 1, ADDRESS + start, HEADER_BYTES, 0, 0),
        *(HEADER_BYTES, PROGRAM_HEADER_BYTES, 1, 0, 0, 0),
    )
    loaded = struct.pack("<IIQQQQQQ", LOADED, READ_EXECUTE, 0, ADDRESS, ADDRESS, size, size, 0x1000)
    return header + loaded + code
