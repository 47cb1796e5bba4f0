"""How long a person waits for the command line: `repave --help` and `repave status`, beside the interpreter alone.

Each command runs several times and the fastest counts: the others measure the other work of the machine. Bytecode is
made beforehand, in a folder of the run, as an installed wheel has it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from figures import Figure, at_most, report, told

RUNS = 11
HELP_SECONDS = 0.2
STATUS_SECONDS = 0.4

PROJECT = """project: bench
images:
  web: {kind: container, base: {distribution: debian, release: bookworm}, packages: [python3], run: [sleep, "1"]}
fleets:
  web: {image: web, port: 8080}
environments:
  test: {provider: local, fleets: {web: {size: 2}}}
"""


def measured(arguments: Sequence[str], folder: Path, bytecode: Path) -> float:
    """Seconds of the fastest run, after one that fills the caches."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(bytecode)
    fastest = float("inf")
    for run in range(RUNS + 1):
        began = time.perf_counter()
        subprocess.run(arguments, cwd=folder, env=environment, check=True, capture_output=True)
        if run:
            fastest = min(fastest, time.perf_counter() - began)
    return fastest


def figures() -> list[Figure]:
    """Measure all of it in a project of its own, which is gone afterwards."""
    repave = str(Path(sys.executable).with_name("repave"))
    work = Path(tempfile.mkdtemp(prefix="repave-bench-"))
    try:
        folder, bytecode = work / "project", work / "bytecode"
        folder.mkdir()
        (folder / "repave.yaml").write_text(PROJECT, encoding="utf-8")
        python = measured([sys.executable, "-c", "pass"], folder, bytecode)
        shown = measured([repave, "--help"], folder, bytecode)
        status = measured([repave, "status"], folder, bytecode)
        status_json = measured([repave, "status", "--json"], folder, bytecode)
    finally:
        shutil.rmtree(work)
    return [
        told("python -c pass", python, "s"),
        at_most("repave --help", shown, "s", HELP_SECONDS),
        at_most("repave status", status, "s", STATUS_SECONDS),
        at_most("repave status --json", status_json, "s", STATUS_SECONDS),
        told("repave --help, above the interpreter", shown / python, "x"),
        told("repave status, above the interpreter", status / python, "x"),
    ]


def main() -> int:
    """Print the figures; 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description="How long a person waits for the command line.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    measured_now = figures()
    report("cli", measured_now, asked.json)
    return 1 if any(figure.holds is False for figure in measured_now) else 0


if __name__ == "__main__":
    sys.exit(main())
