"""Everything that repave needs on this machine, tried just now."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage

from repave.ports.baker import Baker
from repave.ports.commands import Commands
from repave.ports.provider import Machines, Proven
from repave.ports.traffic import Traffic

PROGRAMS = {
    "apt-get": "`repave lock` resolves Debian packages by it: apt-get install apt",
    "apt-cache": "`repave lock` reads hashes by it: apt-get install apt",
    "gpgv": "apt verifies the archive's signatures by it: apt-get install gpgv",
    "dpkg-deb": "`repave lock` reads packages by it: apt-get install dpkg",
    "dpkg": "`repave bake` installs packages by it: apt-get install dpkg",
    "unshare": "`repave bake` works in namespaces of its own by it: apt-get install util-linux",
    "setpriv": "`repave bake` gives up privileges by it: apt-get install util-linux",
    "tar": "`repave bake` unpacks by it: apt-get install tar",
}
"""What is needed whatever provider is used, and how to get it."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

FREE_BYTES = 2 * 2**30
"""A small image with its packages, layers and unpacked copy takes about 1 GiB; twice that leaves room for the next."""


@dataclass(frozen=True, kw_only=True)
class Examined:
    """One thing, and for what it is needed."""

    area: str
    """``programs``, ``disk``, ``bake`` and a kind, or the name of the provider or balancer."""

    name: str
    works: bool
    detail: str
    hint: str


def examine_machine(
    *,
    folder: Path,
    commands: Commands,
    bakers: Iterable[Baker],
    providers: Iterable[Machines],
    balancers: Iterable[tuple[str, Traffic]],
) -> tuple[Examined, ...]:
    """Try all of it; nothing here raises for something that does not work."""
    found = [_program(name, hint, commands) for name, hint in PROGRAMS.items()]
    found += [_keyring(), _disk(folder)]
    for baker in bakers:
        found += [_proof(f"bake {baker.kind}", proof) for proof in baker.describe()]
    for provider in providers:
        description = provider.describe()
        found += [_proof(description.name, proof) for proof in description.proofs]
    for name, balancer in balancers:
        found += [_proof(name, proof) for proof in balancer.describe()]
    return tuple(found)


def _program(name: str, hint: str, commands: Commands) -> Examined:
    there = commands.available(name)
    return Examined(
        area="programs", name=name, works=there, detail="found" if there else "not found", hint="" if there else hint
    )


def _keyring() -> Examined:
    there = KEYRING.is_file()
    return Examined(
        area="programs",
        name="Debian's keyring",
        works=there,
        detail=str(KEYRING) if there else "not found",
        hint="" if there else "no index can be trusted without it: apt-get install debian-archive-keyring",
    )


def _disk(folder: Path) -> Examined:
    free = disk_usage(folder).free
    works = free >= FREE_BYTES
    return Examined(
        area="disk",
        name=str(folder),
        works=works,
        detail=f"{free / 2**30:.1f} GiB free",
        hint="" if works else f"an image needs about {FREE_BYTES / 2**30:.0f} GiB while it is made: `repave gc --yes`",
    )


def _proof(area: str, proof: Proven) -> Examined:
    return Examined(area=area, name=proof.name, works=proof.works, detail=proof.detail, hint=proof.hint)
