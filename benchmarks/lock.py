"""How long locking takes: the example's lock from nothing, beside apt and uv alone answering the same two questions.

Warm alike for all: the indexes of the archive, apt's own caches, uv's cache, and (for repave) a vault that holds every
file. Each lock starts without a `repave.lock`, so everything is resolved anew. As `apt-get --print-uris` does, repave
reads the indexes that were brought within the last minute; a lock that asks the archive whether they are still the
newest is measured too, beside apt doing the same. The fastest of several runs counts: the others measure the other
work of the machine.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import uv
from figures import Figure, at_most, report, told

from repave.config.project import load_project
from repave.model.recipe import Image

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "shop"
RUNS = 7
AIM = 1.3
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

CONFIGURATION = """
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; }};
APT::Install-Recommends "false";
Dir "{folder}";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc "{folder}/etc";
Dir::Log "{folder}/log";
Debug::NoLocking "true";
"""


class Apt:
    """apt by itself, with a configuration and state of its own."""

    def __init__(self, folder: Path, image: Image) -> None:
        self._image = image
        for name in ("state/lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/preferences.d", "log"):
            (folder / name).mkdir(parents=True)
        lines = [f"deb [signed-by={KEYRING}] {address_of(suite)} {suite} main" for suite in image.base.suites]
        (folder / "etc" / "sources.list").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "status").touch()
        configuration = folder / "apt.conf"
        configuration.write_text(CONFIGURATION.format(folder=folder), encoding="utf-8")
        self._environment = {**os.environ, "APT_CONFIG": str(configuration)}

    def update(self) -> None:
        """Ask the archive for newer indexes."""
        run(["apt-get", "-qq", "update"], self._environment)

    def print_uris(self) -> None:
        """Resolve the closure, and print where each file is."""
        wanted = ["?essential", *self._image.packages]
        run(["apt-get", "-qq", "--print-uris", "install", *wanted], self._environment)


def address_of(suite: str) -> str:
    """Debian keeps its security suites beside the archive."""
    return f"http://deb.debian.org/debian{'-security' if suite.endswith('-security') else ''}"


def run(arguments: Sequence[str], environment: Mapping[str, str], folder: Path | None = None) -> None:
    """To its end, or the benchmark's."""
    done = subprocess.run(arguments, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def fastest(work: Callable[[], None], before: Callable[[], None] = lambda: None) -> float:
    """Seconds of the fastest run, after one that fills the caches."""
    best = float("inf")
    for number in range(RUNS + 1):
        before()
        began = time.perf_counter()
        work()
        if number:
            best = min(best, time.perf_counter() - began)
    return best


def measure(folder: Path) -> list[Figure]:
    """All three in one run, of one image."""
    shutil.copytree(EXAMPLE, folder / "shop")
    lock = folder / "shop" / "repave.lock"
    repave = str(Path(sys.executable).with_name("repave"))
    ours = fastest(
        lambda: run([repave, "lock"], os.environ, folder / "shop"),
        before=lambda: lock.unlink(missing_ok=True),
    )
    asking = fastest(
        lambda: run([repave, "lock", "--upgrade"], os.environ, folder / "shop"),
        before=lambda: lock.unlink(missing_ok=True),
    )
    again = fastest(lambda: run([repave, "lock"], os.environ, folder / "shop"))
    (image,) = load_project(folder / "shop" / "repave.yaml").images.values()
    apt = Apt(folder / "apt", image)
    update = fastest(apt.update)
    debian = fastest(apt.print_uris)
    (folder / "requirements.in").write_text("\n".join(image.python) + "\n", encoding="utf-8")
    compiled = [uv.find_uv_bin(), "pip", "compile", "--quiet", "--generate-hashes", "--only-binary", ":all:"]
    compiled += ["--python", sys.executable, "--cache-dir", str(folder / "uv"), "requirements.in"]
    compiled += ["--output-file", "requirements.txt"]
    output = folder / "requirements.txt"
    python = fastest(lambda: run(compiled, os.environ, folder), before=lambda: output.unlink(missing_ok=True))
    return [
        told("repave lock, from nothing", ours, "s"),
        told("repave lock, nothing changed", again, "s"),
        told("repave lock --upgrade, from nothing", asking, "s"),
        told("apt-get --print-uris", debian, "s"),
        told("uv pip compile", python, "s"),
        told("apt-get update, nothing new", update, "s"),
        at_most("repave / (apt-get + uv)", ours / (debian + python), "x", AIM),
        at_most("repave --upgrade / (apt-get with update + uv)", asking / (debian + update + python), "x", AIM),
    ]


def main() -> int:
    """Print the figures; 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description="How long locking takes, beside apt and uv alone.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="repave-bench-") as folder:
        figures = measure(Path(folder))
    report("lock", figures, asked.json)
    return 1 if any(figure.holds is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
