"""Containers: beside them mmdebstrap, ``docker build``, and unpacking alone, which is the limit."""

import itertools
from pathlib import Path

from figures import Figure, at_most, told
from peers.dockerfile import build, import_base, lay_out
from peers.engine import engine
from peers.mmdebstrap import flat_repository, mmdebstrap
from peers.unpacking import unpack_all

from baking.ingredients import Ingredients, Recipe, ingredients, repave, say, settle
from repave.bakers.container.baker import ContainerBaker
from repave.model.lock import Layer
from repave.model.names import ImageName

TOOLS = ImageName("tools")
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
RECIPE = Recipe(
    project=PROJECT,
    application=Path(__file__).resolve().parents[2] / "examples" / "shop" / "app",
    baker=ContainerBaker,
    platform="openssl",
    base="perl",
)


def measure(folder: Path, runs: int) -> list[Figure]:
    """Repave, then its peers, one after another: none has to share the machine with another."""
    made = ingredients(folder / "project", RECIPE)
    try:
        say("repave")
        ours = {name: took.seconds for name, took in repave(made, folder / "repave", runs).items()}
        say("unpacking alone")
        limit = unpacking(made, folder / "unpacked", runs)
        say("mmdebstrap")
        peer = bootstrap(made, folder / "mmdebstrap", runs)
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


def unpacking(made: Ingredients, folder: Path, runs: int) -> float:
    """Seconds of unpacking all of Debian's packages."""
    times = []
    for run in range(runs):
        settle()
        times.append(unpack_all(made.system, made.wiring.vault, folder / f"{run}"))
        say(f"  {times[-1]:.2f} s")
    return min(times)


def bootstrap(made: Ingredients, folder: Path, runs: int) -> float:
    """Seconds of mmdebstrap for all of Debian's packages."""
    repository = flat_repository(folder / "all", made.system, made.wiring.vault)
    times = []
    for run in range(runs):
        settle()
        times.append(mmdebstrap(repository, made.system, folder / f"{run}.tar"))
        say(f"  {times[-1]:.2f} s")
    return min(times)


def docker_build(made: Ingredients, folder: Path) -> dict[str, float]:
    """Seconds of each kind of build; the cold one has to make its base first."""
    base = [package for package in made.system if package.layer is Layer.BASE]
    pip = next(package for package in made.lock.packages_of(TOOLS) if package.name == "pip")
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
            lay_out(context, requests[name], pip, made.wiring.vault)
            settle()
            times[name] = extra + build(docker, context)
            say(f"  {name}: {times[name]:.2f} s")
    return times
