"""How long a bake takes: cold, one package changed, the application changed, nothing changed.

In the same run: the limit, which is unpacking the same packages on all cores and nothing else; mmdebstrap making the
same root filesystem from the same packages; and ``docker build`` of an equal Dockerfile over a base that mmdebstrap
made. Everything is fetched beforehand, nothing of the network is measured. Cold
times are the better of two runs: a busy machine only ever makes them longer.
"""

import argparse
import itertools
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from figures import Figure, at_most, report, told
from peers.dockerfile import build, import_base, lay_out
from peers.engine import engine
from peers.mmdebstrap import flat_repository, mmdebstrap
from peers.unpacking import unpack_all

from repave.bakers.container.baker import ContainerBaker
from repave.model.artifact import Artifact
from repave.model.lock import Layer, Lock, LockedFile, LockedPackage
from repave.model.names import ImageName, ProjectName
from repave.operations.locking import Asked
from repave.ports.baker import BakeRequest
from repave.ports.pinner import Refresh
from repave.ports.progress import Silent
from repave.ports.surroundings import Surroundings
from repave.registries.layout import LayoutRegistry
from repave.wiring import Wiring

SHOP = Path(__file__).resolve().parent.parent / "examples" / "shop"
WEB, TOOLS = ImageName("web"), ImageName("tools")
RUNS = 2
PROJECT = """project: bench
images:
  web:
    kind: container
    base: {{distribution: debian, release: bookworm, suites: [{suites}]}}
    packages: [python3, ca-certificates, openssl]
    python: [flask ~= 3.0, gunicorn]
    files: {{app/: /srv/app/}}
    run: python3 -m gunicorn --bind 0.0.0.0:8080 app:app
    user: www-data
  tools:
    kind: container
    base: {{distribution: debian, release: bookworm, suites: [{suites}]}}
    packages: [python3]
    python: [pip]
    run: python3 -m pip
fleets: {{web: {{image: web, port: 8080}}}}
environments: {{test: {{provider: local, fleets: {{web: {{size: 1}}}}}}}}
"""


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """The image, and each change of it that is measured."""

    wiring: Wiring
    folder: Path
    whole: BakeRequest
    platform_changed: BakeRequest
    base_changed: BakeRequest
    application_changed: BakeRequest
    pip: LockedPackage

    @property
    def system(self) -> list[LockedPackage]:
        """Debian's packages."""
        return [package for package in self.whole.packages if package.layer in (Layer.BASE, Layer.PLATFORM)]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true", help="one object instead of a table")
    chosen = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="repave-bench-"))
    try:
        figures = measure(folder)
    finally:
        shutil.rmtree(folder)
    report("bake", figures, chosen.json)


def measure(folder: Path) -> list[Figure]:
    """Repave, then its peers, one after another: none has to share the machine with another."""
    made = ingredients(folder / "project")
    try:
        say("repave")
        ours = repave(made, folder / "repave")
        say("unpacking alone")
        limit = unpacking(made, folder / "unpacked")
        say("mmdebstrap")
        peer = bootstrap(made, folder / "mmdebstrap")
        say("docker build")
        docker = docker_build(made, folder / "docker")
    finally:
        made.wiring.close()
    aims = [
        at_most("repave: nothing changed", ours["nothing"], "s", 0.5),
        at_most("repave: application changed", ours["application"], "s", 3.0),
        at_most("repave: one package changed (openssl)", ours["package"], "s", 10.0),
        told("repave: one package of the base changed", ours["base"], "s"),
        told("repave: cold", ours["cold"], "s"),
        told("mmdebstrap: the root filesystem alone", peer, "s"),
        at_most("repave cold / mmdebstrap", ours["cold"] / peer, "x", 0.8),
        told("unpacking the same packages on all cores, alone: the limit", limit, "s"),
        told("repave cold / the limit", ours["cold"] / limit, "x"),
        told("mmdebstrap / the limit", peer / limit, "x"),
    ]
    return [*aims, *(told(f"docker build: {name}", seconds, "s") for name, seconds in docker.items())]


def ingredients(folder: Path) -> Ingredients:
    """The shop's image, locked twice: from the frozen suite, and with the security suite's repairs."""
    say("locking and fetching")
    shutil.copytree(SHOP / "app", folder / "app")
    old = lock(folder, "bookworm")
    new = lock(folder, "bookworm, bookworm-security")
    wiring = Wiring(folder / "repave.yaml")
    image = wiring.project.images[WEB]
    whole = BakeRequest(image=image, packages=old.packages_of(WEB), files=old.files_of(WEB))
    repairs = {package.name: package for package in new.packages_of(WEB)}
    changed = {
        package.source
        for package in whole.packages
        if package.layer is Layer.BASE and repairs.get(package.name, package).version != package.version
    }
    return Ingredients(
        wiring=wiring,
        folder=folder,
        whole=whole,
        platform_changed=repaired(whole, repairs, "openssl"),
        base_changed=repaired(whole, repairs, min(changed)),
        application_changed=replace(whole, files=touched(whole.files, wiring, folder)),
        pip=next(package for package in old.packages_of(TOOLS) if package.name == "pip"),
    )


def lock(folder: Path, suites: str) -> Lock:
    """The lock from these suites, with every file of it in the vault."""
    (folder / "repave.yaml").write_text(PROJECT.format(suites=suites), encoding="utf-8")
    wiring = Wiring(folder / "repave.yaml")
    try:
        proposal = wiring.locking.propose(Asked(refresh=Refresh.UPGRADE), Silent())
        wiring.locking.write(proposal, Silent())
        return proposal.lock
    finally:
        wiring.close()


def repaired(request: BakeRequest, repairs: dict[str, LockedPackage], source: str) -> BakeRequest:
    """The request with the packages of one source replaced."""
    packages = (repairs[package.name] if package.source == source else package for package in request.packages)
    return replace(request, packages=tuple(packages))


def touched(files: Sequence[LockedFile], wiring: Wiring, folder: Path) -> tuple[LockedFile, ...]:
    """The files with one line more in the first."""
    changed = folder / "changed"
    changed.write_bytes(wiring.vault.path(files[0].sha256).read_bytes() + b"\n")
    size = changed.stat().st_size
    return (replace(files[0], sha256=wiring.vault.add(changed), size_bytes=size), *files[1:])


def repave(made: Ingredients, folder: Path) -> dict[str, float]:
    """Seconds of each kind of bake."""
    cold = min(bake(made, folder / f"cold-{run}", made.whole) for run in range(RUNS))
    root = folder / f"cold-{RUNS - 1}"
    return {
        "cold": cold,
        "nothing": bake(made, root, made.whole),
        "application": bake(made, root, made.application_changed),
        "package": bake(made, root, made.platform_changed),
        "base": bake(made, root, made.base_changed),
    }


def bake(made: Ingredients, root: Path, request: BakeRequest) -> float:
    """Seconds of one bake, with whatever ``root`` has cached."""
    surroundings = Surroundings(
        project=ProjectName("bench"),
        folder=root / "cache",
        commands=made.wiring.commands,
        clock=made.wiring.clock,
        vault=made.wiring.vault,
        registry=LayoutRegistry(root / "registry"),
    )
    settle()
    began = time.perf_counter()
    artifact: Artifact = ContainerBaker(surroundings).bake(request, progress=Silent())
    seconds = time.perf_counter() - began
    anew = [layer.layer for layer in artifact.layers if not layer.cached]
    say(f"  {seconds:.2f} s, made anew: {', '.join(anew) or 'nothing'}")
    return seconds


def unpacking(made: Ingredients, folder: Path) -> float:
    """Seconds of unpacking all of Debian's packages."""
    times = []
    for run in range(RUNS):
        settle()
        times.append(unpack_all(made.system, made.wiring.vault, folder / f"{run}"))
        say(f"  {times[-1]:.2f} s")
    return min(times)


def bootstrap(made: Ingredients, folder: Path) -> float:
    """Seconds of mmdebstrap for all of Debian's packages."""
    repository = flat_repository(folder / "all", made.system, made.wiring.vault)
    times = []
    for run in range(RUNS):
        settle()
        times.append(mmdebstrap(repository, made.system, folder / f"{run}.tar"))
        say(f"  {times[-1]:.2f} s")
    return min(times)


def docker_build(made: Ingredients, folder: Path) -> dict[str, float]:
    """Seconds of each kind of build; the cold one has to make its base first."""
    base = [package for package in made.system if package.layer is Layer.BASE]
    repository = flat_repository(folder / "base", base, made.wiring.vault)
    context, times = folder / "context", {}
    requests = {
        "cold": made.whole,
        "nothing changed": made.whole,
        "application changed": made.application_changed,
        "one package changed (openssl)": made.platform_changed,
    }
    with engine(folder / "engine") as docker:
        settle()
        before = mmdebstrap(repository, base, folder / "base.tar") + import_base(docker, folder / "base.tar")
        for name, extra in zip(requests, itertools.chain([before], itertools.repeat(0.0)), strict=False):
            lay_out(context, requests[name], made.pip, made.wiring.vault)
            settle()
            times[name] = extra + build(docker, context)
            say(f"  {name}: {times[name]:.2f} s")
    return times


def settle() -> None:
    """Let the disk finish what came before, so that nobody pays for another's writes."""
    os.sync()


def say(line: str) -> None:
    """What goes on, beside the figures."""
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
