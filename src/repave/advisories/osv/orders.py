"""The orders of versions, each as a key to sort by: Debian's own, PEP 440 for Python, SemVer 2 for npm.

Not taken from univers: it refuses a colon within a Debian version, which policy admits and dpkg orders.
"""

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar

LONGEST = 512
"""Characters: what is longer is no version, and its numbers would take their time."""

KEPT = 65536
"""Keys remembered: an image's packages have some tens of thousands of versions in all their records together."""

REMEMBERED = 40
"""Characters of a version whose key is remembered. Longer ones are rare, unless somebody wants memory filled: the keys
of so many versions of 512 characters take gigabytes."""

Sorted = TypeVar("Sorted")
Key = Callable[[str], Any]
"""From a version to what sorts as it does. Raises Unordered."""


def _remembering(order: Callable[[str], Sorted]) -> Callable[[str], Sorted]:
    kept = lru_cache(KEPT)(order)

    @wraps(order)
    def key(version: str) -> Sorted:
        return kept(version) if len(version) <= REMEMBERED else order(version)

    return key


class Unordered(Exception):
    """What has no place in the order, in a few words."""


DEBIAN_VERSION = re.compile(
    r"(?:([0-9]+):|(?!.*:))([A-Za-z0-9](?:[A-Za-z0-9.+~:-]*(?=-)|[A-Za-z0-9.+~:]*))(?:-([A-Za-z0-9.+~]+))?", re.ASCII
)
"""A colon only after an epoch, a hyphen only before a revision."""

DEBIAN_PART = re.compile(r"([^0-9]*)([0-9]*)")
DEBIAN_END = "\x02"
DEBIAN_WEIGHTS = str.maketrans({"~": "\x01", ".": "\u0102", "+": "\u0100", "-": "\u0101", ":": "\u0103"})
"""A tilde sorts before the end of a part, the end before letters, letters before all else; the rest as in ASCII."""


@_remembering
def debian(version: str) -> tuple[object, ...]:
    """Debian's order (policy 5.6.12, deb-version(7)): a tilde before the end, letters before all else, numbers."""
    match = DEBIAN_VERSION.fullmatch(version) if len(version) <= LONGEST else None
    if match is None:
        raise Unordered(f"`{version[:LONGEST]}` is no Debian version")
    epoch, upstream, revision = match.groups()
    return int(epoch or "0"), _debian_parts(upstream), _debian_parts(revision or "0")


def _debian_parts(text: str) -> tuple[object, ...]:
    """Letters and numbers in turn."""
    return tuple(
        part
        for letters, digits in DEBIAN_PART.findall(text)
        for part in (letters.translate(DEBIAN_WEIGHTS) + DEBIAN_END, int(digits or "0"))
    )


@_remembering
def pep440(version: str) -> Any:  # noqa: ANN401 - the library's own type, loaded when needed
    """Python's order (PEP 440), by packaging."""
    from packaging.version import InvalidVersion  # noqa: PLC0415 - only a scan of wheels pays for it
    from packaging.version import Version as PythonVersion  # noqa: PLC0415 - the same

    try:
        if len(version) <= LONGEST:
            return PythonVersion(version)
    except InvalidVersion:
        pass
    raise Unordered(f"`{version[:LONGEST]}` is no Python version (PEP 440)")


SEMVER = re.compile(
    r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?", re.ASCII
)
LAST = (1,)
"""A release sorts after all its pre-releases."""


@_remembering
def semver(version: str) -> tuple[object, ...]:
    """SemVer's order (semver.org, 11), without builds; missing numbers count as 0, for databases leave them out."""
    match = SEMVER.fullmatch(version) if len(version) <= LONGEST else None
    if match is None:
        raise Unordered(f"`{version[:LONGEST]}` is no semantic version")
    *numbers, before = match.groups()
    release = tuple(int(number or "0") for number in numbers)
    return (*release, (0, *map(_semver_identifier, before.split("."))) if before else LAST)


def _semver_identifier(text: str) -> tuple[int, int, str]:
    return (0, int(text), "") if text.isdigit() else (1, 0, text)


BY_ECOSYSTEM: dict[str, Key] = {"Debian": debian, "Ubuntu": debian, "PyPI": pep440, "npm": semver}
"""By the ecosystem's name, without a release."""


NUMBERS = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*")


@_remembering
def python_identity(version: str) -> str:
    """What all spellings of one Python version share: ``1.0`` and ``v1.0.0``. What is none is itself."""
    from packaging.utils import canonicalize_version  # noqa: PLC0415 - only a scan of wheels pays for it

    if NUMBERS.fullmatch(version):
        while version.endswith(".0"):
            version = version[:-2]
        return version
    return canonicalize_version(version) if len(version) <= LONGEST else version
