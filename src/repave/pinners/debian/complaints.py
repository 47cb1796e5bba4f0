"""What apt's complaints mean: one table, from its words to our errors."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from repave.ports.errors import Corrupt, Denied, Invalid, NoCapacity, Unreachable, WorldError

SHOWN_LINES = 6

UNLOCATED = re.compile(r"E: (?:Unable to locate package|Couldn't find any package by (?:glob|regex)) '?([^\s']+)'?")
VIRTUAL = re.compile(r"E: Package '([^']+)' has no installation candidate")

UNREACHABLE = re.compile(
    r"Could not (?:connect|resolve)|Temporary failure|timed out|Unable to connect|Connection failed"
)


class Meaning(NamedTuple):
    """What one kind of complaint about an index means."""

    pattern: re.Pattern[str]
    error: type[WorldError]
    message: str
    hint: str


NO_ROOM = Meaning(
    re.compile(r"No space left on device|Disk quota exceeded"),
    NoCapacity,
    "no room left on the disk for the index of {suites}",
    "free some, or run `repave gc`",
)

MEANINGS = (
    NO_ROOM,
    Meaning(
        re.compile(r"Release file for .+ is expired"),
        Corrupt,
        "the index of {suites} has expired, may hide repairs, and is not used: {told}",
        "check this machine's clock; if it is right, the mirror no longer follows its origin: use another",
    ),
    Meaning(
        re.compile(r"Release file for .+ is not valid yet"),
        Corrupt,
        "the index of {suites} is from the future: {told}",
        "check this machine's clock and time zone",
    ),
    Meaning(
        re.compile(r"\b40[13]\s+(?:Unauthorized|Forbidden)"),
        Denied,
        "the archive does not let us read the index of {suites}: {told}",
        "declare `credentials` of that address under `origins`, or look at the proxy's permissions",
    ),
    Meaning(
        UNREACHABLE,
        Unreachable,
        "the index of {suites} could not be read: {told}",
        "check the network, the proxy variables, `mirror` of the base and `mirrors` under `origins`",
    ),
    Meaning(
        re.compile(r"Hash Sum mismatch|unexpected size|Hashes of expected file"),
        Corrupt,
        "an index of {suites} does not have the hash its signed Release names: {told}",
        "the mirror may be in the middle of an update: try again in some minutes, or use another",
    ),
    Meaning(
        re.compile(r"does not have a Release file|no longer has a Release file"),
        Invalid,
        "the archive has no suite {suites}: {told}",
        "check `suites` and `mirror` of the base",
    ),
    Meaning(
        re.compile(r"doesn't have the component|doesn't support architecture"),
        Invalid,
        "the index of {suites} lacks what is asked: {told}",
        "check `architecture` of the base",
    ),
    Meaning(
        re.compile(
            r"is not signed|no longer signed|NO_PUBKEY|BADSIG|EXPKEYSIG|REVKEYSIG|NODATA|NOSPLIT|KEYEXPIRED"
            r"|signatures? (?:couldn't be|were) (?:verified|invalid)|signature verification"
        ),
        Corrupt,
        "the index of {suites} is not signed by a key we trust, and is not used: {told}",
        "if the mirror is right, bring its keyring up to date (package debian-archive-keyring), or name `keyring`",
    ),
)
"""The first that fits is taken."""

ANYTHING_ELSE = Meaning(
    re.compile(""),
    Unreachable,
    "the index of {suites} could not be read: {told}",
    "check the network, the proxy variables, `mirror` of the base and `mirrors` under `origins`",
)


def refused_update(output: str, suites: Iterable[str]) -> WorldError:
    """The error for an ``apt-get update`` that did not bring every index, verified."""
    told = _complaints(output)
    meaning = next((meaning for meaning in MEANINGS if meaning.pattern.search(told)), ANYTHING_ELSE)
    return meaning.error(meaning.message.format(suites=_named_suites(told, suites), told=told), hint=meaning.hint)


def raise_without_room(output: str, suites: Iterable[str]) -> None:
    """For any of apt's programs that failed: also those that only read the index write what they make of it."""
    if NO_ROOM.pattern.search(output):
        raise refused_update(output, suites)


def unknown_name(output: str) -> str | None:
    """The package name that apt did not find, or found in no installable version."""
    match = UNLOCATED.search(output) or VIRTUAL.search(output)
    return match[1] if match else None


def unsatisfiable(output: str) -> str:
    """Apt's own reason why a set of packages cannot be installed together, condensed."""
    found: list[str] = []
    listing = False
    subject = ""
    for line in output.splitlines():
        if line.startswith("The following packages have unmet dependencies"):
            listing = True
        elif listing and line.startswith(" "):
            name, colon, reason = line.strip().partition(" : ")
            subject = name if colon else subject
            found.append(f"{subject}: {' '.join((reason or name).split())}")
        else:
            listing = False
    return "; ".join(found[:SHOWN_LINES]) if found else _complaints(output)


def _complaints(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.startswith(("E:", "W:", "  "))]
    kept = list(dict.fromkeys(line.removeprefix("E: ").removeprefix("W: ") for line in lines if line))
    return " ".join(kept[:SHOWN_LINES]) or output.strip()[-500:]


def _named_suites(told: str, suites: Iterable[str]) -> str:
    """The suites the complaint is about: of ``bookworm`` and ``bookworm-security`` the one that stands there."""
    ordered = sorted(suites, key=len, reverse=True)
    found = [suite for suite in ordered if re.search(rf"(?<![\w-]){re.escape(suite)}(?![\w-])", told)]
    return ", ".join(sorted(found or ordered))
