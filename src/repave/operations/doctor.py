"""Everything that repave needs on this machine, tried just now; and what runs here that no record knows."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage

from repave.model.names import FleetKey
from repave.ports.baker import Baker
from repave.ports.commands import Commands
from repave.ports.errors import WorldError
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
    needed: bool = True
    """Whether something does not work without it."""


def examine_machine(
    *,
    folder: Path,
    commands: Commands,
    bakers: Iterable[Baker],
    providers: Iterable[Machines],
    balancers: Iterable[tuple[str, Traffic]],
    recorded: Callable[[], Iterable[FleetKey]],
) -> tuple[Examined, ...]:
    """Try all of it; nothing here raises for something that does not work.

    ``recorded`` answers the fleets that something is wanted of; it is asked only where instances run.
    """
    found = [_program(name, hint, commands) for name, hint in PROGRAMS.items()]
    found += [_keyring(), _disk(folder)]
    for baker in bakers:
        found += [_proof(f"bake {baker.kind}", proof) for proof in baker.describe()]
    for provider in providers:
        description = provider.describe()
        found += [_proof(description.name, proof) for proof in description.proofs]
        found += _unknown(provider, recorded)
    for name, balancer in balancers:
        found += [_proof(name, proof) for proof in balancer.describe()]
    return tuple(found)


def _unknown(provider: Machines, recorded: Callable[[], Iterable[FleetKey]]) -> Iterator[Examined]:
    """Instances that bear repave's tags, of fleets that nothing is wanted of here: reported, and left alone."""
    try:
        fleets = provider.fleets()
        known = frozenset(recorded()) if fleets else frozenset()
        strangers = {fleet: provider.observe(fleet).instances for fleet in fleets if fleet not in known}
    except WorldError:
        return  # what does not answer has been said by its proofs
    for fleet, instances in strangers.items():
        slots = ", ".join(sorted(instance.slot for instance in instances))
        yield Examined(
            area=provider.name,
            name=f"unknown instances of {fleet}",
            works=False,
            detail=f"{slots}: no record here wants them; they are left alone",
            hint=f"`repave deploy {fleet.environment}` of {fleet.project} takes them over and replaces them",
        )


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
    return Examined(
        area=area, name=proof.name, works=proof.works, detail=proof.detail, hint=proof.hint, needed=proof.needed
    )
