"""Which wheel the interpreter of an image would take."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from repave.model.recipe import Base
from repave.ports.errors import Invalid

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Debian's name of an architecture, and the one that wheels bear."""

OLDEST_GLIBC = {"x86_64": 5, "aarch64": 17}
"""The first manylinux of each (PEP 513, PEP 599)."""

NEWEST_GLIBC = 40
"""The newest that uv knows by name; a newer image takes wheels made for this one."""

LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}

TELLING = ("python3", "libc6")
"""The Debian packages whose versions say which wheels an image takes."""

UPSTREAM = re.compile(r"(?:\d+:)?(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """The Python of one image, and the C library below it."""

    version: tuple[int, ...]
    glibc_minor: int
    machine: str

    @property
    def platform(self) -> str:
        """As uv names it."""
        return f"{self.machine}-manylinux_2_{self.glibc_minor}"

    def tags(self) -> Iterator[Tag]:
        """What it can install, best first (PEP 425, PEP 600)."""
        major, minor = self.version[:2]
        platforms = list(self._platforms())
        yield from cpython_tags((major, minor), abis=[f"cp{major}{minor}"], platforms=platforms)
        yield from compatible_tags((major, minor), interpreter=f"cp{major}{minor}", platforms=platforms)

    def best(self, filenames: Iterable[str]) -> str | None:
        """The wheel it would take; None when none fits. Of equal ones the highest build number (PEP 427)."""
        order = {tag: place for place, tag in enumerate(self.tags())}
        fitting: list[tuple[int, tuple[int, str], str]] = []
        for filename in filenames:
            try:
                _, _, build, tags = parse_wheel_filename(filename)
            except InvalidWheelFilename:
                continue  # an old upload that no installer takes either
            places = [order[tag] for tag in tags if tag in order]
            if places:
                number, suffix = build or (0, "")
                fitting.append((-min(places), (number, suffix), filename))
        return max(fitting)[2] if fitting else None

    def _platforms(self) -> Iterator[str]:
        for minor in range(self.glibc_minor, OLDEST_GLIBC[self.machine] - 1, -1):
            yield f"manylinux_2_{minor}_{self.machine}"
            if minor in LEGACY:
                yield f"{LEGACY[minor]}_{self.machine}"
        yield f"linux_{self.machine}"


def interpreter(base: Base, versions: Mapping[str, str]) -> Interpreter:
    """Read it from the versions of the image's Debian packages, by name. Raises Invalid when there is no python3."""
    if base.architecture not in MACHINES:
        raise Invalid(
            f"no wheels are known for the architecture {base.architecture}", hint=f"known are {', '.join(MACHINES)}"
        )
    found = {name: UPSTREAM.match(versions.get(name, "")) for name in TELLING}
    python, library = found["python3"], found["libc6"]
    if python is None or library is None:
        raise Invalid(
            "the image wants Python packages, but python3 is not among its Debian packages",
            hint="add python3 to its `packages`",
        )
    return Interpreter(
        version=tuple(int(part) for part in python.groups() if part is not None),
        glibc_minor=min(int(library[2]), NEWEST_GLIBC),
        machine=MACHINES[base.architecture],
    )
