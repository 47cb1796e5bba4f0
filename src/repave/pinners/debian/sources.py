"""Which archives a Debian base draws from."""

import re
from urllib.parse import urlsplit

from repave.model.recipe import Base
from repave.ports.errors import Invalid

ARCHIVE = "http://deb.debian.org/debian"
"""Plain http is Debian's own default: signatures and hashes protect the content, not the line."""

SECURITY_SUFFIX = "-security"
COMPONENTS = "main"

WORD = re.compile(r"[a-z0-9][a-z0-9-]*")
MIRROR = re.compile(r"(?:https?://|file:/)[^\s\[\]\"'<>|\\{}^`]+")
ROLLING_RELEASES = frozenset({"sid", "unstable", "experimental"})
"""Repairs go straight into these: they have no security suite."""


def check(base: Base) -> None:
    """Refuse a base that no Debian archive can answer. Raises Invalid."""
    if base.distribution != "debian":
        raise Invalid(
            f"the distribution {base.distribution} is not known", hint="`debian` is the one that can be locked"
        )
    for word in (base.release, base.architecture, *base.suites):
        if not WORD.fullmatch(word):
            raise Invalid(f"{word!r} is no name of a release, suite or architecture", hint="as in bookworm, amd64")
    if not base.suites:
        raise Invalid(f"the base debian {base.release} names no suite", hint=f"suites: [{base.release}]")
    for suite in base.suites:
        if suite != base.release and not suite.startswith(f"{base.release}-"):
            raise Invalid(
                f"the suite {suite} is not one of the release {base.release}",
                hint=f"{base.release}, {base.release}-updates and {base.release}-security are",
            )
    _check_mirror(base.mirror)


def security_suites(base: Base) -> tuple[str, ...]:
    """Where Debian publishes security repairs for this release."""
    if base.distribution != "debian" or base.release in ROLLING_RELEASES:
        return ()
    return (f"{base.release}{SECURITY_SUFFIX}",)


def address(base: Base, suite: str) -> str:
    """The archive's address for one suite.

    Security suites live in an archive of their own. A mirror whose address ends in ``/debian`` is taken to have
    its sibling ``/debian-security``, as mirrors do; any other mirror holds all suites itself.
    """
    archive = (base.mirror or ARCHIVE).rstrip("/")
    if suite in security_suites(base) and archive.endswith("/debian"):
        return archive + SECURITY_SUFFIX
    return archive


def lines(base: Base, suites: tuple[str, ...]) -> str:
    """The text of ``sources.list``."""
    return "".join(f"deb [arch={base.architecture}] {address(base, suite)} {suite} {COMPONENTS}\n" for suite in suites)


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
            hint="use a mirror that needs none, or a proxy that adds them",
        )
