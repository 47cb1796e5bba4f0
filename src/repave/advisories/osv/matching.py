"""The pure matcher: is a version affected by a record, and which version repairs it.

As the schema's own evaluation says (https://ossf.github.io/osv-schema/#evaluation): a version that is listed is
affected, and so is one within a range. Commits are in no order that can be told without the repository's history: where
a record does not name the commit itself, the answer is that it cannot be judged.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from repave.advisories.osv.orders import BY_ECOSYSTEM, Key, Unordered, python_identity, semver
from repave.advisories.osv.records import GIT, Affected, Event, Range, Record

FIRST = "0"
"""Before every version (schema: affected[].ranges[].events)."""

UNDETERMINED = "undetermined"
"""In place of an urgency, where a distribution has not judged its package yet."""

ENDLESS = "*"
"""A limit that is none."""

AT_ONE_VERSION = ("fixed", "introduced", "last_affected")
"""The order of events of one version: a range that ends where the next begins leaves that version affected, and one
that begins and ends with the same last version holds just that."""


class Verdict(StrEnum):
    """What a record says of one version."""

    AFFECTED = "affected"
    UNAFFECTED = "unaffected"
    UNDECIDED = "undecided"
    """It cannot be judged: never to be taken for either."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One version of one package, by the names that OSV uses."""

    ecosystem: str
    """With its release, as ``Debian:12``; ``GIT`` for a commit of a repository."""

    name: str
    """``GIT``: the repository's address."""

    version: str
    """``GIT``: the commit."""

    @cached_property
    def kind(self) -> str:
        """The ecosystem without its release."""
        return kind_of(self.ecosystem)

    @cached_property
    def identity(self) -> str:
        """What all spellings of the name share."""
        return identity(self.kind, self.name)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A verdict, and what follows from it."""

    verdict: Verdict
    fixed_version: str = ""
    """The lowest later version that is repaired and that the record names; empty where it names none."""

    reason: str = ""
    """Why it cannot be judged."""

    by: Affected | None = None
    """The part of the record that affects it."""


UNAFFECTED = Judgement(verdict=Verdict.UNAFFECTED)


def judge(record: Record, subject: Subject) -> Judgement:
    """What ``record`` says of ``subject``; what was withdrawn says nothing."""
    if record.withdrawn is not None:
        return UNAFFECTED
    parts = [part for part in record.affected if concerns(part, subject)]
    undecided = UNAFFECTED
    for part in parts:
        found = _judge_part(part, subject)
        if found.verdict is Verdict.AFFECTED:
            return Judgement(verdict=Verdict.AFFECTED, by=part, fixed_version=_repair(parts, subject))
        if found.verdict is Verdict.UNDECIDED:
            undecided = found
    return undecided


def concerns(part: Affected, subject: Subject) -> bool:
    """Whether a part of a record is about the subject's package: an ecosystem without a release means all of them."""
    if subject.ecosystem == GIT:
        return any(one.type == GIT and repository(one.repo) == repository(subject.name) for one in part.ranges)
    package = part.package
    if package is None or (package.name != subject.name and identity(subject.kind, package.name) != subject.identity):
        return False
    return package.ecosystem == subject.ecosystem or release_of(package.ecosystem) in {
        release_of(subject.ecosystem),
        subject.kind,
    }


def kind_of(ecosystem: str) -> str:
    """``Debian:12`` without its release."""
    return ecosystem.partition(":")[0]


def release_of(ecosystem: str) -> str:
    """An ecosystem and its release: Ubuntu's databases add to some releases that they are supported for long."""
    return ecosystem.removesuffix(":LTS")


def identity(kind: str, name: str) -> str:
    """What all spellings of a package's name share: PyPI's are many (PEP 503), elsewhere a name is a name."""
    return re.sub(r"[-_.]+", "-", name).lower() if kind == "PyPI" else name


def repository(address: str) -> str:
    """What all addresses of one repository share."""
    without = re.sub(r"^(?:[a-z+]+://(?:[^/@]*@)?|git@)", "", address.strip(), flags=re.IGNORECASE)
    host, _, path = without.replace(":", "/", 1).partition("/") if "://" not in address else without.partition("/")
    return f"{host.lower()}/{path.rstrip('/').removesuffix('.git')}"


def _judge_part(part: Affected, subject: Subject) -> Judgement:
    if subject.ecosystem == GIT:
        return _judge_commit(part, subject)
    if _listed(part, subject):
        return Judgement(verdict=Verdict.AFFECTED)
    ordered = [one for one in part.ranges if one.type != GIT]
    if not ordered and not part.versions:
        return Judgement(verdict=Verdict.UNDECIDED, reason=_unversioned(part))
    undecided = UNAFFECTED
    for one in ordered:
        try:
            if _within(one, subject):
                return Judgement(verdict=Verdict.AFFECTED)
        except Unordered as why:
            undecided = Judgement(verdict=Verdict.UNDECIDED, reason=str(why))
    return undecided


def _unversioned(part: Affected) -> str:
    if part.ecosystem_specific.urgency == UNDETERMINED:
        return "the distribution has not determined whether it is affected"
    return "it names commits, not versions" if part.ranges else "it names no versions"


def _listed(part: Affected, subject: Subject) -> bool:
    if subject.version in part.versions:
        return True
    if subject.kind != "PyPI":
        return False
    # A build of one's own (1.0+cpu, PEP 440) has the flaws of the version that was built.
    spellings = {python_identity(subject.version), python_identity(subject.version.partition("+")[0])}
    return not spellings.isdisjoint(map(python_identity, part.versions))


def _order(one: Range, kind: str) -> Key:
    if one.type == "SEMVER":
        return semver
    if one.type == "ECOSYSTEM" and kind in BY_ECOSYSTEM:
        return BY_ECOSYSTEM[kind]
    raise Unordered(f"the order of versions of {kind} ({one.type}) is not known")


def _within(one: Range, subject: Subject) -> bool:
    """Whether the version is in the range (schema: IncludedInRanges, BeforeLimits). Raises Unordered."""
    key = _order(one, subject.kind)
    version = key(subject.version)
    limits = [event.version for event in one.events if event.kind == "limit"]
    if limits and not any(limit == ENDLESS or version < key(limit) for limit in limits):
        return False
    affected = False
    for at, _, kind in sorted(_edge(event, key) for event in one.events if event.kind != "limit"):
        match kind:
            case "introduced" if not at or version >= at[0]:
                affected = True
            case "fixed" if version >= at[0]:
                affected = False
            case "last_affected" if version > at[0]:
                affected = False
    return affected


def _edge(event: Event, key: Key) -> tuple[tuple[Any, ...], int, str]:
    """What sorts as the edges of a range do; nothing is before every version."""
    at = () if event.introduced == FIRST else (key(event.version),)
    return at, AT_ONE_VERSION.index(event.kind), event.kind


def _repair(parts: Iterable[Affected], subject: Subject) -> str:
    """The lowest version above the subject's at which no part of the record affects it any more.

    Lowest by the ecosystem's own order, whatever the range's kind: what has no place in it repairs nothing there.
    """
    if subject.ecosystem == GIT:
        return ""
    known = list(parts)
    key = BY_ECOSYSTEM.get(subject.kind, semver)
    above: list[tuple[Any, str]] = []
    events = (event for part in known for one in part.ranges if one.type != GIT for event in one.events)
    for version in (event.fixed for event in events if event.fixed):
        with suppress(Unordered):
            if key(version) > key(subject.version):
                above.append((key(version), version))
    for _, version in sorted(above):
        moved = Subject(ecosystem=subject.ecosystem, name=subject.name, version=version)
        if all(_judge_part(part, moved).verdict is Verdict.UNAFFECTED for part in known):
            return version
    return ""


def _judge_commit(part: Affected, subject: Subject) -> Judgement:
    """By the commits that the record names itself."""
    commit = subject.version.lower()
    if commit in {version.lower() for version in part.versions}:
        return Judgement(verdict=Verdict.AFFECTED)
    ranges = [one for one in part.ranges if one.type == GIT and repository(one.repo) == repository(subject.name)]
    found = {_of_commit(one, commit) for one in ranges}
    if Verdict.AFFECTED in found:
        return Judgement(verdict=Verdict.AFFECTED)
    if found == {Verdict.UNAFFECTED}:
        return UNAFFECTED
    why = "it names a range of commits, and whether this one is within cannot be told without the repository's history"
    return Judgement(verdict=Verdict.UNDECIDED, reason=why)


def _of_commit(one: Range, commit: str) -> Verdict:
    named = {event.kind for event in one.events if event.version.lower() == commit}
    if named & {"fixed", "limit"}:
        return Verdict.UNAFFECTED
    if named & {"introduced", "last_affected"}:
        return Verdict.AFFECTED
    endless = all(event.introduced == FIRST or event.limit == ENDLESS for event in one.events)
    return Verdict.AFFECTED if endless else Verdict.UNDECIDED
