"""Which archives a base draws from: Debian's and Ubuntu's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from repave.model.recipe import Base
from repave.ports.errors import Invalid

SECURITY_SUFFIX = "-security"

WORD = re.compile(r"[a-z0-9][a-z0-9-]*")
MIRROR = re.compile(r"(?:https?://|file:/)[^\s\[\]\"'<>|\\{}^`]+")
ROLLING_RELEASES = frozenset({"sid", "unstable", "experimental"})
"""Repairs go straight into these: they have no security suite."""


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """Where one distribution's packages are, and who signs for them."""

    title: str
    archive: str
    """Plain http is the distributions' own default: signatures and hashes protect the content, not the line."""

    components: str
    """What the distribution itself builds from free sources."""

    keyring: Path
    keyring_package: str
    archives: Mapping[str, str] = field(default_factory=dict)
    """By architecture, where it is another than ``archive``."""


DISTRIBUTIONS = {
    "debian": Distribution(
        title="Debian",
        archive="http://deb.debian.org/debian",
        components="main",
        keyring=Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
        keyring_package="debian-archive-keyring",
    ),
    "ubuntu": Distribution(
        title="Ubuntu",
        archive="http://archive.ubuntu.com/ubuntu",
        archives={"arm64": "http://ports.ubuntu.com/ubuntu-ports"},
        components="main universe",
        keyring=Path("/usr/share/keyrings/ubuntu-archive-keyring.gpg"),
        keyring_package="ubuntu-keyring",
    ),
}


def check(base: Base) -> None:
    """Refuse a base that no archive can answer. Raises Invalid."""
    if base.distribution not in DISTRIBUTIONS:
        raise Invalid(
            f"the distribution {base.distribution} is not known",
            hint=f"{' and '.join(f'`{name}`' for name in DISTRIBUTIONS)} can be locked",
        )
    for word in (base.release, base.architecture, *base.suites):
        if not WORD.fullmatch(word):
            raise Invalid(f"{word!r} is no name of a release, suite or architecture", hint="as in bookworm, amd64")
    if not base.suites:
        raise Invalid(f"the base {base.distribution} {base.release} names no suite", hint=f"suites: [{base.release}]")
    for suite in base.suites:
        if suite != base.release and not suite.startswith(f"{base.release}-"):
            raise Invalid(
                f"the suite {suite} is not one of the release {base.release}",
                hint=f"{base.release}, {base.release}-updates and {base.release}-security are",
            )
    _check_mirror(base.mirror)


def distribution(base: Base) -> Distribution:
    """What is known of a base's distribution; ``check`` has let it pass."""
    return DISTRIBUTIONS[base.distribution]


def security_suites(base: Base) -> tuple[str, ...]:
    """Where the distribution publishes security repairs for this release."""
    if base.distribution not in DISTRIBUTIONS or base.release in ROLLING_RELEASES:
        return ()
    return (f"{base.release}{SECURITY_SUFFIX}",)


def archive(base: Base) -> str:
    """The address of the archive that a base draws from."""
    known = distribution(base)
    return (base.mirror or known.archives.get(base.architecture, known.archive)).rstrip("/")


def address(base: Base, suite: str) -> str:
    """The archive's address for one suite.

    Debian's security suites live in an archive of their own. A mirror whose address ends in ``/debian`` is taken to
    have its sibling ``/debian-security``, as mirrors do; any other mirror holds all suites itself, as Ubuntu's do.
    """
    place = archive(base)
    if base.distribution == "debian" and suite in security_suites(base) and place.endswith("/debian"):
        return place + SECURITY_SUFFIX
    return place


def lines(base: Base, suites: tuple[str, ...], places: Mapping[str, str]) -> str:
    """The text of ``sources.list``; ``places`` says where an archive is asked instead of at its own address."""
    components = distribution(base).components

    def asked(archive: str) -> str:
        return places.get(archive, archive)

    return "".join(
        f"deb [arch={base.architecture}] {asked(address(base, suite))} {suite} {components}\n" for suite in suites
    )


def _check_mirror(mirror: str | None) -> None:
    if mirror is None:
        return
    if not MIRROR.fullmatch(mirror):
        raise Invalid(
            f"the mirror {mirror!r} is no address", hint="use http://, https:// or file:///, spaces written as %20"
        )
    parts = urlsplit(mirror)
    if parts.username or parts.password:
        raise Invalid(
            "the mirror's address holds credentials, and every lock would show them",
            hint="declare `credentials` of that address under `origins`",
        )
