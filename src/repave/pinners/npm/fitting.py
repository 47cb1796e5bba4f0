"""Which entries of a package-lock are installed for one image: without tools for developing, and what fits it only."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from semantic_version import NpmSpec, Version

from repave.model.lock import Ecosystem, LockedPackage
from repave.model.recipe import Base
from repave.pinners.npm.needs import Need, closure, needs_of
from repave.pinners.npm.packagelock import Entry, PackageLock
from repave.ports.errors import Invalid

PROCESSORS = {"amd64": "x64", "arm64": "arm64"}
"""Debian's name of an architecture, and Node's."""

SYSTEM, LIBRARY = "linux", "glibc"
UPSTREAM = re.compile(r"(?:\d+:)?(\d+\.\d+\.\d+)")
LOOSE = ((re.compile(r"\s+"), " "), (re.compile("~>"), "~"), (re.compile(r"([<>=~^])(?: v?|v)"), r"\1"))
"""What npm takes within a range and the library does not, and what it means."""

BUILD = re.compile(r"(?<=[0-9A-Za-z])\+[0-9A-Za-z.-]+")
"""Of a version; ranges are not about it."""

TAG = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
"""A word such as ``latest``: npm looks it up when it makes a package-lock, and takes what the lock has from then on."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the packages are for."""

    processor: str
    node: str
    """Its version; empty where the image's base brings it, which says of none."""

    def takes(self, entry: Entry) -> bool:
        """Whether the entry is for this system and processor."""
        return (
            _listed(SYSTEM, entry.words("os"))
            and _listed(self.processor, entry.words("cpu"))
            and _listed(LIBRARY, entry.words("libc"))
        )

    def runs(self, entry: Entry) -> bool:
        """Whether the entry says that it runs on this Node."""
        wanted = entry.engine("node")
        return not (wanted and self.node) or admits(wanted, self.node)


def machine(base: Base, pinned: Iterable[LockedPackage]) -> Machine:
    """Read it from what is locked for the image. Raises Invalid when there is no nodejs."""
    if base.architecture not in PROCESSORS:
        raise Invalid(
            f"no npm packages are known for the architecture {base.architecture}",
            hint=f"known are {', '.join(PROCESSORS)}",
        )
    versions = (package.version for package in pinned if (package.ecosystem, package.name) == (Ecosystem.DEB, "nodejs"))
    found = UPSTREAM.match(next(versions, ""))
    if found is None and not base.image:
        raise Invalid(
            "the image wants a Node application, but nodejs is not among its packages",
            hint="add nodejs to its `packages`",
        )
    return Machine(processor=PROCESSORS[base.architecture], node=found[1] if found else "")


def installed(lock: PackageLock, on: Machine) -> tuple[Entry, ...]:
    """The entries that `npm ci --omit=dev` leaves in place. Raises Invalid for a needed one that does not fit."""
    unfit: set[str] = set()
    needs = tuple(needs_of(lock))
    for entry in lock.entries.values():
        if entry.path in unfit:
            continue
        if entry.optional and not (on.takes(entry) and on.runs(entry)):
            unfit |= _branch(entry.path, [need for need in needs if need.by not in unfit])
        elif not entry.optional and entry.installed and not on.takes(entry):
            raise Invalid(
                f"{entry.name} {entry.version} of {lock.file} is not for {SYSTEM} on {on.processor}, and is needed",
                hint="make it an optional dependency, or take another package",
            )
    return tuple(entry for entry in lock.entries.values() if entry.installed and entry.path not in unfit)


def admits(wanted: str, version: str) -> bool:
    """Whether a range of npm's holds a version; a range that nobody can read holds none."""
    spec = _spec(wanted)
    try:
        return spec is not None and Version(version) in spec
    except ValueError:
        return False


def is_readable(wanted: str) -> bool:
    """Whether it can be said of a range which versions it holds; a tag holds any."""
    return TAG.fullmatch(wanted.strip()) is not None or _spec(wanted) is not None


def _spec(wanted: str) -> NpmSpec | None:
    text = BUILD.sub("", wanted.strip())
    for written, meant in LOOSE:
        text = written.sub(meant, text)
    try:
        return NpmSpec(text)
    except ValueError:
        return None


def _listed(value: str, allowed: Iterable[str]) -> bool:
    """``!value`` forbids; without any that allow, all that is not forbidden may."""
    words = tuple(allowed)
    wanted = {word for word in words if not word.startswith("!")}
    return f"!{value}" not in words and (not wanted or value in wanted or words == ("any",))


def _branch(unfit: str, needs: Sequence[Need]) -> set[str]:
    """Everything that is there for the sake of one optional package that does not fit, by place.

    Upwards to where a dependency is optional, then downwards to what nobody else needs.
    """
    above = closure(
        {unfit}, lambda held: (need.by for need in needs if need.by and need.of in held and not need.spared)
    )
    below = closure(above, lambda held: (need.of for need in needs if need.by in held))
    while kept := {need.of for need in needs if need.of in below - above and need.by not in below}:
        below -= kept
    return below
