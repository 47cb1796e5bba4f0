"""The program that ``chamber`` starts in namespaces of its own: one job from standard input, its result to output.

Here it is root of its own world, also when started by a normal user: it mounts, unpacks, runs package scripts, and
writes the layer's tar with the owners as they are inside.
"""

import fcntl
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from repave.bakers.rootfs.cleaning import clean
from repave.bakers.rootfs.foreign import ANSWER, program
from repave.bakers.rootfs.hooks import HookFailed, Limits
from repave.bakers.rootfs.installation import Larder, Package, bootstrap, extend, lay_out, unpack
from repave.bakers.rootfs.isolation import ProgramFailed, chroot
from repave.bakers.rootfs.layertar import LayerTar
from repave.bakers.rootfs.overlay import overlaid
from repave.bakers.rootfs.skeleton import Skeleton
from repave.bakers.rootfs.workshop import build
from repave.model.errors import RepaveError

WHEEL_TIME = 315_532_800
"""1 January 1980, the first moment a wheel can hold; compiled files carry hashes, so no time matters."""

HOSTNAME = "bake"
"""What this machine is called is nothing to an image."""

Job = dict[str, Any]


def main() -> None:
    """Do one of the jobs that make layers."""
    serve(JOBS)


def serve(jobs: Mapping[str, Callable[[Job], Job]]) -> None:
    """Do the job asked for; a failure is an answer too, so that the caller can tell it apart from our own crash."""
    os.umask(0o022)
    socket.sethostname(HOSTNAME)
    job: Job = json.load(sys.stdin)
    try:
        answer = jobs[job["kind"]](job)
    except HookFailed as error:
        answer = error.answer
    except ProgramFailed as error:
        answer = {"program": error.arguments, "exit_code": error.exit_code, "output": error.output}
    except OSError as error:
        answer = {"errno": error.errno or 0, "strerror": str(error)}
    except RepaveError as error:
        answer = {"code": error.code, "message": error.message, "hint": error.hint}
    json.dump(answer, sys.stdout)


def _system(job: Job) -> Job:
    """Make the base layer, or with ``lowers`` the platform layer, from Debian packages."""
    work = hold(job)
    tree = work / "tree"
    tree.mkdir()
    larder = Larder(
        folder=Path(job["folder"]),
        packages=[Package(**package) for package in job["packages"]],
        epoch=job["epoch"],
    )
    lowers = [Path(lower) for lower in job["lowers"]]
    nothing = work / "nothing"
    if not lowers:
        # Laid out where dpkg will write: of a file below, overlayfs would first make a copy that nobody needs.
        nothing.mkdir()
        lay_out(tree, architecture=job["architecture"], folder=larder.folder, packages=job["first"])
    with overlaid(work, lowers=lowers or [nothing], upper=tree) as merged:
        (extend if lowers else bootstrap)(merged, larder)
        clean(merged, epoch=larder.epoch)
        skeleton = Skeleton.of(merged)
    with LayerTar(work / "layer.tar") as layer:
        layer.tree(tree, newest=larder.epoch, lowers=lowers)
    return {"skeleton": skeleton.content(), "exposed": [asdict(exposed) for exposed in layer.exposed]}


def _python(job: Job) -> Job:
    """Make the python layer from wheels; with ``lowers`` compiled by the Python that lies in them."""
    from repave.bakers.rootfs.wheels import Wheel, compile_all, lay_out_wheels  # noqa: PLC0415 - 60 ms of each other job

    work = hold(job)
    stage = work / "tree"
    stage.mkdir()
    below = Skeleton.read(job["skeleton"])
    wheels = [Wheel(filename=wheel["filename"], path=Path(wheel["path"])) for wheel in job["wheels"]]
    lay_out_wheels(wheels, stage, below=below)
    lowers = [Path(lower) for lower in job["lowers"]]
    if lowers:
        with overlaid(work, lowers=lowers, upper=stage) as merged, chroot(merged, epoch=WHEEL_TIME) as inside:
            compile_all(inside, below=below)
    with LayerTar(work / "layer.tar") as layer:
        layer.staged(stage, below=below, time=WHEEL_TIME)
    return {}


def _runs(job: Job) -> Job:
    """Whether a program of this architecture runs in a root filesystem that holds nothing else."""
    content = program(job["architecture"])
    if content is None:
        return {"runs": False}
    work = hold(job)
    place = work / "program"
    place.write_bytes(content)
    place.chmod(0o755)
    tried = subprocess.run(["chroot", os.fspath(work), "/program"], capture_output=True, check=False)
    return {"runs": tried.returncode == ANSWER}


def _build(job: Job) -> Job:
    """Make the build layer: what the recipe's own commands make of the application."""
    work = hold(job)
    lowers = [Path(lower) for lower in job["lowers"]]
    for number, layer in enumerate(job["layers"]):
        lowers.insert(0, work / f"layer{number}")
        lowers[0].mkdir()
        unpack(Path(layer["path"]), layer["digest"], lowers[0])
    upper = work / "tree"
    upper.mkdir()
    with overlaid(work, lowers=lowers, upper=upper) as merged:
        build(merged, work, commands=job["commands"], folders=job["folders"], limits=Limits(**job["limits"]))
    return {}


def hold(job: Job) -> Path:
    """The work folder, held by this process: as long as it lives, no other bake sweeps it away."""
    work = Path(job["work"])
    handle = os.open(work / "held", os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(handle, fcntl.LOCK_SH)
    return work


JOBS = {"runs": _runs, "system": _system, "python": _python, "build": _build}

if __name__ == "__main__":
    main()
