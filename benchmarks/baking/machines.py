"""Disks of virtual machines: beside them mkosi and Packer, which make the same of the same packages."""

import tarfile
from pathlib import Path

from figures import Figure, at_most, told
from peers.mkosi import mirror, mkosi, mkosi_tools
from peers.packer import KEY_PLACE, LOGIN, LOGIN_PLACE, Job, new_key, packer
from peers.server import Took, run

from baking.equality import differences
from baking.ingredients import (
    Ingredients,
    Recipe,
    bake,
    better,
    ingredients,
    registry,
    repave,
    request,
    say,
    settle,
    spoken,
    warm,
)
from repave.bakers.disk.baker import DiskBaker
from repave.bakers.disk.settings import Settings
from repave.model.names import ImageName
from repave.operations.exporting.contents import disk_of
from repave.operations.exporting.plain import write_raw
from repave.ports.baker import BakeRequest

SOURCE = ImageName("source")
SEED = "/var/lib/cloud/seed/nocloud"
"""Debian's cloud-init, which makes the SSH server's keys, runs only where it is told something."""

DISK = "2GiB"
PROJECT = f"""project: bench
images:
  web:
    kind: vm
    disk: {DISK}
    base: {{{{distribution: debian, release: bookworm, suites: [{{suites}}]}}}}
    packages: [python3, jq, openssh-server]
    files: {{{{machine/www/: /srv/www/}}}}
    run: python3 -m http.server 8080 --directory /srv/www
    user: www-data
  source:
    kind: vm
    disk: {DISK}
    base: {{{{distribution: debian, release: bookworm, suites: [{{suites}}]}}}}
    packages: [python3, openssh-server]
    files: {{{{machine/source/login: {LOGIN_PLACE}, machine/source/key: {KEY_PLACE}, machine/source/seed/: {SEED}}}}}
    run: sleep infinity
fleets: {{{{web: {{{{image: web, port: 8080}}}}}}}}
environments: {{{{test: {{{{provider: local, fleets: {{{{web: {{{{size: 1}}}}}}}}}}}}}}}}
"""


def measure(folder: Path, runs: int) -> list[Figure]:
    """Repave, then its peers, one after another: none has to share the machine with another."""
    key = new_key(folder / "key")
    made = ingredients(folder / "project", recipe(folder / "machine", key))
    disks = {name: folder / name / "disk.raw" for name in ("repave", "mkosi", "Packer")}
    try:
        say("repave")
        ours = repave(made, folder / "cache", runs)
        put_together(made, warm(folder / "cache"), made.whole, disks["repave"])
        lay_out(folder / "tree", made)
        say("mkosi")
        theirs = {"mkosi": by_mkosi(made, folder, disks["mkosi"], runs)}
        say("Packer")
        theirs["Packer"] = by_packer(made, folder, disks["Packer"], key)
        differing = {name: differences(disk, made.whole) for name, disk in disks.items()}
    finally:
        made.wiring.close()
    for name, found in differing.items():
        say(f"{name}: {', '.join(found) or 'as locked'}")
    seconds = [
        told("repave: nothing changed", ours["nothing"].seconds, "s"),
        at_most("repave: application changed", ours["application"].seconds, "s", 5.0),
        at_most("repave: one package changed (jq)", ours["package"].seconds, "s", 12.0),
        told("repave: one package of the base changed (openssl)", ours["base"].seconds, "s"),
        told("repave: cold", ours["cold"].seconds, "s"),
        *(told(f"{name}: cold", took.seconds, "s") for name, took in theirs.items()),
    ]
    return [
        *seconds,
        *(
            at_most(f"repave cold / {name}", ours["cold"].seconds / took.seconds, "x", 1.0)
            for name, took in theirs.items()
        ),
        *(told(f"repave: {name}, processor time", took.cpu_seconds, "s") for name, took in ours.items()),
        *(told(f"{name}: cold, processor time", took.cpu_seconds, "s") for name, took in theirs.items()),
        *(at_most(f"{name}: packages and files not as locked", len(found), "", 0) for name, found in differing.items()),
    ]


def recipe(application: Path, key: Path) -> Recipe:
    """The slim server, and beside it what Packer logs into."""
    for name, content in {
        "www/index.html": b"hello\n",
        "source/login": LOGIN.encode(),
        "source/key": key.with_suffix(".pub").read_bytes(),
        "source/seed/meta-data": b"instance-id: source\n",
        "source/seed/user-data": b"#cloud-config\n",
    }.items():
        place = application / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return Recipe(project=PROJECT, application=application, baker=DiskBaker, platform="jq", base="openssl")


def put_together(made: Ingredients, root: Path, wanted: BakeRequest, disk: Path) -> None:
    """The baked disk as one file, each piece verified."""
    _, artifact = bake(made, root, wanted)
    disk.parent.mkdir(exist_ok=True)
    with disk.open("xb+") as target:
        write_raw(disk_of(artifact.digest, registry(root), lambda _: None), target)


def by_mkosi(made: Ingredients, folder: Path, disk: Path, runs: int) -> Took:
    """mkosi, for the whole disk."""
    say("  its tools")
    tools = mkosi_tools(folder / "tools")
    archive = mirror(folder / "mirror", made.system, made.wiring.vault)
    names, times = [package.name for package in made.system], []
    for number in range(runs):
        work = folder / f"mkosi-{number}"
        settle()
        size = made.whole.image.disk_bytes
        times.append(mkosi(work, tools=tools, mirror=archive, tree=folder / "tree", names=names, disk_bytes=size))
        say(f"  {spoken(times[-1])}")
    disk.parent.mkdir()
    (work / "disk.raw").rename(disk)
    return better(times)


def by_packer(made: Ingredients, folder: Path, disk: Path, key: Path) -> Took:
    """Packer, from a disk of what any machine has."""
    say("  its source")
    given = request(made.wiring, made.lock, SOURCE)
    put_together(made, warm(folder / "cache"), given, folder / "source" / "disk.raw")
    there = {package.sha256 for package in given.packages}
    with tarfile.open(folder / "tree.tar", "w") as tar:
        tar.add(folder / "tree", ".")
    job = Job(
        source=folder / "source" / "disk.raw",
        key=key,
        packages=[(made.wiring.vault.path(one.sha256), one.filename) for one in made.system if one.sha256 not in there],
        tree=folder / "tree.tar",
        disk_bytes=made.whole.image.disk_bytes,
    )
    settle()
    took = packer(folder / "packer-work", job)
    say(f"  {spoken(took)}")
    disk.parent.mkdir()
    run(
        ["qemu-img", "convert", "-O", "raw", str(folder / "packer-work" / "out" / "disk.qcow2"), str(disk)], seconds=600
    )
    return took


def lay_out(folder: Path, made: Ingredients) -> None:
    """The application and its unit, as a tree: what the peers are given beside packages."""
    wanted = {file.target: made.wiring.vault.path(file.sha256).read_bytes() for file in made.whole.files}
    settings = Settings.own(made.whole, {})
    wanted |= {path: text.encode() for path, text in settings.files.items()}
    for path, content in wanted.items():
        place = folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    for path, target in settings.links.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).symlink_to(target)
