"""How long locking takes: the example's lock from nothing, beside apt and uv alone answering the same two questions.

Warm alike for all: the indexes of the archive, apt's own caches, uv's cache, and (for repave) a vault that holds every
file. Each lock starts without a `repave.lock`, so everything is resolved anew. As `apt-get --print-uris` does, repave
reads the indexes that were brought within the last minute; a lock that asks the archive whether they are still the
newest is measured too, beside apt doing the same. All take turns, and the fastest run of each counts: the others
measure the other work of the machine.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
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


@dataclass(frozen=True)
class Timed:
    """One thing whose time is taken."""

    work: Callable[[], None]
    before: Callable[[], object] = lambda: None
    """Done first, outside of the time."""

    def seconds(self) -> float:
        """Of one run."""
        self.before()
        began = time.perf_counter()
        self.work()
        return time.perf_counter() - began


def fastest(timed: Mapping[str, Timed]) -> Mapping[str, float]:
    """Seconds of the fastest run of each, after one that fills the caches; in turns, so that all meet the same load."""
    rounds = [{name: one.seconds() for name, one in timed.items()} for _ in range(RUNS + 1)]
    return {name: min(taken[name] for taken in rounds[1:]) for name in timed}


def measure(folder: Path) -> list[Figure]:
    """All of them in one run, of one image."""
    shop = folder / "shop"
    shutil.copytree(EXAMPLE, shop)
    lock = shop / "repave.lock"
    repave = str(Path(sys.executable).with_name("repave"))
    (image,) = load_project(shop / "repave.yaml").images.values()
    apt = Apt(folder / "apt", image)
    apt.update()
    (folder / "requirements.in").write_text("\n".join(image.python) + "\n", encoding="utf-8")
    compiled = [uv.find_uv_bin(), "pip", "compile", "--quiet", "--generate-hashes", "--only-binary", ":all:"]
    compiled += ["--python", sys.executable, "--cache-dir", str(folder / "uv"), "requirements.in"]
    compiled += ["--output-file", "requirements.txt"]
    output = folder / "requirements.txt"
    nothing = partial(lock.unlink, missing_ok=True)
    taken = fastest(
        {
            "upgrade": Timed(lambda: run([repave, "lock", "--upgrade"], os.environ, shop), before=nothing),
            "lock": Timed(lambda: run([repave, "lock"], os.environ, shop), before=nothing),
            "again": Timed(lambda: run([repave, "lock"], os.environ, shop)),
            "update": Timed(apt.update),
            "apt": Timed(apt.print_uris),
            "uv": Timed(lambda: run(compiled, os.environ, folder), before=partial(output.unlink, missing_ok=True)),
        }
    )
    alone = taken["apt"] + taken["uv"]
    return [
        told("repave lock, from nothing", taken["lock"], "s"),
        told("repave lock, nothing changed", taken["again"], "s"),
        told("repave lock --upgrade, from nothing", taken["upgrade"], "s"),
        told("apt-get --print-uris", taken["apt"], "s"),
        told("uv pip compile", taken["uv"], "s"),
        told("apt-get update, nothing new", taken["update"], "s"),
        at_most("repave / (apt-get + uv)", taken["lock"] / alone, "x", AIM),
        at_most(
            "repave --upgrade / (apt-get with update + uv)", taken["upgrade"] / (alone + taken["update"]), "x", AIM
        ),
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
