"""How long a bake takes: cold, one package changed, the application changed, nothing changed.

A container, in the same run with the limit, which is unpacking the same packages on all cores and nothing else; with
mmdebstrap making the same root filesystem from the same packages; and with ``docker build`` of an equal Dockerfile over
a base that mmdebstrap made. With ``--vm`` the disk of a virtual machine, in the same run with mkosi and Packer, which
make disks of the same size with the same packages and the same application: all three are looked into.

Everything is fetched beforehand, nothing of the network is measured. Cold times are the better of two runs: a busy
machine only ever makes them longer. Packer, which starts a machine, is run once.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from baking import containers, machines
from figures import report

RUNS = 2


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--vm", action="store_true", help="a virtual machine instead of a container")
    options.add_argument("--runs", type=int, default=RUNS, help=f"of what is cold (default: {RUNS})")
    options.add_argument("--json", action="store_true", help="one object instead of a table")
    chosen = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="repave-bench-"))
    try:
        figures = (machines if chosen.vm else containers).measure(folder, chosen.runs)
    finally:
        shutil.rmtree(folder)
    report("bake --vm" if chosen.vm else "bake", figures, chosen.json)


if __name__ == "__main__":
    main()
