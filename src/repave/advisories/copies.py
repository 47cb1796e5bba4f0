"""Copies of others' data as files of this machine."""

from pathlib import Path

from repave.ports.errors import Gone


def state_of(copy: Path) -> str:
    """Its size, its time, and when it was changed, which no tool can set back: another state, another content.

    Raises Gone.
    """
    try:
        stat = copy.stat()
    except OSError as gone:
        raise Gone(f"{copy} cannot be read: {gone.strerror}") from gone
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}"
