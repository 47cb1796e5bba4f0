"""From a CVE, a package, a digest or a release to the instances that hold it, and held it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Ecosystem, Lock, LockedImage, LockedPackage
from repave.model.names import Digest, ImageName, ReleaseNumber
from repave.model.release import Bake, Release
from repave.operations.errors import Refused
from repave.operations.exposure import Images, Runners, by_images
from repave.operations.releases import release_named
from repave.operations.scan import examine, uncovered
from repave.operations.urgency import by_urgency
from repave.ports.advisories import Advisories
from repave.ports.bases import Bases, Held
from repave.ports.bundles import Bundled, Bundles
from repave.ports.errors import WorldError
from repave.ports.history import Departed, Presence
from repave.ports.progress import Progress
from repave.ports.store import Store

RELEASE = re.compile(r"r[0-9]+")
DIGEST = re.compile(r"(sha256:)?[0-9a-f]{64}")
DISTRIBUTIONS = frozenset({"deb", "apk"})
"""Whose records of what an image holds are read."""

CARRYING = frozenset({Ecosystem.OCI, Ecosystem.NPM})
"""What brings packages along that no lock names."""

UNTOLD = "it has no records of its distribution's packages that are read here (dpkg's and apk's are)"

CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Holding:
    """One release that holds what was asked about."""

    release: str
    lock: str
    what: tuple[str, ...]
    """What it holds of it: packages with versions, or the digest."""

    bakes: tuple[Bake, ...]
    """When it was baked: the first time, and each time again."""

    living: tuple[Presence, ...]
    """Of them each; oldest first."""

    past: tuple[Departed, ...]
    """By fleet."""


@dataclass(frozen=True, kw_only=True)
class Whereabouts:
    """Everything known about the whereabouts of one thing."""

    subject: str
    kind: str
    """``cve``, ``package``, ``digest`` or ``release``."""

    locked: tuple[str, ...]
    """What the present lock holds of it."""

    holdings: tuple[Holding, ...]
    findings: tuple[Finding, ...]
    """A CVE: what the sources say of it in all those locks, each once; what hurries first."""

    sources: tuple[SourceStatus, ...]
    """Where advisories had to be asked: of when they are."""

    unjudged: tuple[str, ...] = ()
    """A CVE: where a lock holds what no source covers and one could, that in words: it may have the CVE."""

    @property
    def environments(self) -> tuple[str, ...]:
        """Where living instances hold it."""
        return tuple(sorted({one.fleet.environment for holding in self.holdings for one in holding.living}))

    @property
    def unknown(self) -> tuple[SourceStatus, ...]:
        """Sources that failed."""
        return tuple(source for source in self.sources if source.problem)


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What is known of a subject before it is asked who runs it."""

    kind: str
    held: Mapping[ReleaseNumber, Images]
    """What each release holds of it, and in which images; nothing is nothing."""

    locked: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    sources: tuple[SourceStatus, ...] = ()
    unjudged: tuple[str, ...] = ()


class Search:
    """Looks through all locks ever released, and the present one."""

    def __init__(
        self,
        *,
        store: Store,
        present: Lock | None,
        advisories: Iterable[Advisories],
        bases: Bases,
        bundles: Bundles,
        progress: Progress,
    ) -> None:
        self._store = store
        self._present = present
        self._bases = bases
        self._bundles = bundles
        self._advisories = tuple(advisories)
        self._progress = progress

    def find(self, subject: str, at: datetime | None = None, *, kept: bool = False) -> Whereabouts:
        """What the subject's form says it is decides how it is looked for.

        ``at``: which instances lived at that time, and which were gone by then; locks are judged by what is known now.
        ``kept``: a CVE is looked up in what the last examinations found, and no source is asked.
        """
        if CVE.fullmatch(subject) and not kept:
            # Sources are asked about each lock, which may take long: no transaction stays open meanwhile.
            return self._report(subject, self._cve(subject.upper()), at)
        with self._store.of_one_moment():
            return self._report(subject, self._kept(subject), at)

    def _kept(self, subject: str) -> _Found:
        """By what is kept here alone."""
        if CVE.fullmatch(subject):
            return self._kept_cve(subject.upper())
        if RELEASE.fullmatch(subject):
            release = release_named(self._store, subject)
            return _Found(kind="release", held={release.number: {subject: frozenset(release.artifacts)}})
        if DIGEST.fullmatch(subject):
            return self._digest(Digest(subject if subject.startswith("sha256:") else f"sha256:{subject}"))
        return self._package(subject)

    def _cve(self, cve: str) -> _Found:
        """Examined now, each lock: a fix published after a release was made counts too."""
        sources: dict[str, SourceStatus] = {}
        said: dict[Finding, None] = {}
        gaps: dict[str, None] = {}

        def holders(lock: Lock) -> Images:
            report = examine(lock, self._advisories, self._progress)
            for source in report.sources:
                if source.name not in sources or source.problem:
                    sources[source.name] = source
            found = [finding for finding in report.findings if cve in finding.cves]
            said.update(dict.fromkeys(found))
            gaps.update(dict.fromkeys(uncovered(lock, report.sources)))
            return by_images((_told(finding), finding.images) for finding in found)

        return _Found(
            kind="cve",
            held=self._by_release({lock: holders(self._store.lock(lock)) for lock in self._released_locks()}),
            locked=tuple(holders(self._present)) if self._present else (),
            findings=by_urgency(said),
            sources=tuple(sources.values()),
            unjudged=tuple(gaps),
        )

    def _kept_cve(self, cve: str) -> _Found:
        """By the last examination of each artifact; one that never was may have it."""
        found, examined = self._store.found(cve), self._store.examinations()
        held: dict[ReleaseNumber, Images] = {}
        sources: dict[str, SourceStatus] = {}
        gaps: dict[str, None] = {}
        for release in self._store.releases():
            held[release.number] = by_images(
                (_told(finding), (image,))
                for image, artifact in release.artifacts.items()
                for finding in found.get(artifact, ())
                if cve in finding.cves
            )
            for artifact in release.artifacts.values():
                if artifact not in examined:
                    gaps[f"{release} was never examined: `repave scan --released` does"] = None
                    continue
                gaps.update(dict.fromkeys(examined[artifact].unjudged))
                sources |= {one.name: one for one in examined[artifact].sources if _worse(one, sources.get(one.name))}
        every = dict.fromkeys(finding for some in found.values() for finding in some if cve in finding.cves)
        return _Found(
            kind="cve",
            held=held,
            findings=by_urgency(every),
            sources=tuple(sources.values()),
            unjudged=tuple(gaps),
        )

    def _package(self, subject: str) -> _Found:
        name, _, version = subject.partition("==")
        if not name:
            raise Refused(f"`{subject}` names nothing", hint="as in `repave where openssl==3.0.20-1~deb12u2`")
        sources: dict[str, SourceStatus] = {}

        def pinned(lock: Lock) -> Iterator[tuple[Held, Iterable[ImageName]]]:
            return ((package, package.images) for package in lock.packages)

        def holders(lock: Lock) -> Images:
            below = ((one, (image.name,)) for image in lock.images for one in self._below(lock, image, sources))
            matching = _matching(chain(pinned(lock), below), name, version)
            return {**matching, **_within(self._bundled(lock, sources), name, version)}

        # The store knows what locks hold; what lies in images below and within packages is read from these.
        parts = self._store.parts({name})
        held = {digest: _matching(pinned(part), name, version) for digest, part in parts.items()}
        for digest in self._released_locks() & self._store.locks_with(CARRYING):
            held[digest] = holders(self._store.lock(digest))
        locked = tuple(holders(self._present)) if self._present else ()
        return _Found(kind="package", held=self._by_release(held), locked=locked, sources=tuple(sources.values()))

    def _digest(self, digest: Digest) -> _Found:
        files = self._store.files_held(digest.removeprefix("sha256:"))

        def held_by(release: Release) -> Images:
            what = files.get(release.lock, ())
            if len(release.artifacts) > 1 and what:
                # Which images a file is in, only the lock tells.
                return _files(self._store.lock(release.lock), digest)
            return dict.fromkeys(what, frozenset(release.artifacts))

        held = {release.number: {**_bearing(release, digest), **held_by(release)} for release in self._store.releases()}
        return _Found(kind="digest", held=held, locked=tuple(_files(self._present, digest)) if self._present else ())

    def _released_locks(self) -> frozenset[Digest]:
        return frozenset(release.lock for release in self._store.releases())

    def _by_release(self, held: Mapping[Digest, Images]) -> Mapping[ReleaseNumber, Images]:
        return {release.number: held.get(release.lock, {}) for release in self._store.releases()}

    def _below(self, lock: Lock, image: LockedImage, sources: dict[str, SourceStatus]) -> Sequence[Held]:
        """What the base of an image says it holds; one that cannot be read, or not whole, is told in ``sources``."""
        if not image.base.image:
            return ()
        title = f"the base {image.base.image}"
        try:
            inside = self._bases.of(lock.packages_of(image.name), progress=self._progress)
        except WorldError as failure:
            sources[title] = SourceStatus(name=title, as_of=None, problem=failure.message)
            return ()
        if inside is None:
            return ()
        if not any(one.ecosystem in DISTRIBUTIONS for one in inside.packages):
            sources[title] = SourceStatus(name=title, as_of=None, problem=UNTOLD)
        return inside.packages

    def _bundled(self, lock: Lock, sources: dict[str, SourceStatus]) -> Mapping[LockedPackage, Sequence[Bundled]]:
        """What npm packages bring along; where that cannot be read it is said in ``sources``."""
        try:
            return self._bundles.of(lock.packages, progress=self._progress)
        except WorldError as failure:
            title = "what npm packages bundle"
            sources[title] = SourceStatus(name=title, as_of=None, problem=failure.message)
            return {}

    def _report(self, subject: str, found: _Found, at: datetime | None) -> Whereabouts:
        held = {number: what for number, what in found.held.items() if what}
        living: dict[ReleaseNumber, list[Presence]] = defaultdict(list)
        past: dict[ReleaseNumber, list[Departed]] = defaultdict(list)
        releases = {release.number: release for release in self._store.releases() if release.number in held}
        images = {number: frozenset[ImageName]().union(*what.values()) for number, what in held.items()}
        runners = Runners(self._store)
        for one in self._store.alive(held, at):
            if runners.runs(one.fleet, one.revision, releases[one.release], images[one.release]):
                living[one.release].append(one)
        for gone in self._store.departed(held, at):
            if runners.ran(gone.fleet, releases[gone.release], images[gone.release]):
                past[gone.release].append(gone)
        bakes = self._store.bakes()
        holdings = tuple(
            Holding(
                release=str(release),
                lock=release.lock,
                what=tuple(held[release.number]),
                bakes=tuple(bake for bake in bakes if bake.release == release.number),
                living=tuple(living[release.number]),
                past=tuple(past[release.number]),
            )
            for release in releases.values()
        )
        return Whereabouts(
            subject=subject,
            kind=found.kind,
            locked=found.locked,
            holdings=holdings,
            findings=found.findings,
            sources=found.sources,
            unjudged=found.unjudged,
        )


def _worse(one: SourceStatus, known: SourceStatus | None) -> bool:
    """Whether it says less: it could not be read, or is older."""
    if known is None or bool(one.problem) != bool(known.problem):
        return known is None or bool(one.problem)
    return one.as_of is None or (known.as_of is not None and one.as_of < known.as_of)


def _told(finding: Finding) -> str:
    """What is there, also where somebody's word is that it does not matter."""
    dismissed = f" (dismissed by {finding.dismissed.author})" if finding.dismissed else ""
    return f"{finding.package} {finding.version}{dismissed}"


def _matching(packages: Iterable[tuple[Held, Iterable[ImageName]]], name: str, version: str) -> Images:
    """Those of the name, of any version or of this one; an empty version is any."""
    found = by_images(
        (f"{package.name} {package.version}", images)
        for package, images in packages
        if name in {package.name, package.source} and version in {"", package.version, package.source_version}
    )
    return dict(sorted(found.items()))


def _within(bundled: Mapping[LockedPackage, Sequence[Bundled]], name: str, version: str) -> Images:
    found = by_images(
        (f"{one.name} {one.version} within {carrier.name} {carrier.version}", carrier.images)
        for carrier, inside in bundled.items()
        for one in inside
        if one.name == name and version in {"", one.version}
    )
    return dict(sorted(found.items()))


def _bearing(release: Release, digest: Digest) -> Images:
    images = {
        f"image {image}": frozenset({image}) for image, artifact in release.artifacts.items() if artifact == digest
    }
    return images | ({"the lock": frozenset(release.artifacts)} if release.lock == digest else {})


def _files(lock: Lock, digest: Digest) -> Images:
    sha256 = digest.removeprefix("sha256:")
    packages = ((f"{one.name} {one.version}", one.images) for one in lock.packages if one.sha256 == sha256)
    return by_images(chain(packages, ((file.target, file.images) for file in lock.files if file.sha256 == sha256)))
