"""The demo as a process that a test starts, and that ends with the test in whatever way that ends."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.interruption import WITH_ITS_PARENT

ROOT = Path(__file__).resolve().parent.parent.parent


@contextmanager
def demo(folder: Path, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    """The demo in a folder, under way; a block that is left before its end asks it to end, and waits until it has."""
    command = [*WITH_ITS_PARENT, sys.executable, "-m", "demo", "--folder", str(folder), *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate()
