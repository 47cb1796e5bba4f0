"""From a CVE, a package, a digest or a release to the instances that hold it, and held it."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Lock, LockedImage, LockedPackage
from repave.model.names import Digest
from repave.model.release import Bake, Release
from repave.operations.errors import Refused
from repave.operations.exposure import Bearer, bearers, lived
from repave.operations.releases import release_named
from repave.operations.scan import blind, examine, unjudged
from repave.operations.urgency import by_urgency
from repave.ports.advisories import Advisories
from repave.ports.bases import Bases, Held
from repave.ports.bundles import Bundled, Bundles
from repave.ports.errors import WorldError
from repave.ports.progress import Progress
from repave.ports.store import Store

RELEASE = re.compile(r"r[0-9]+")
DIGEST = re.compile(r"(sha256:)?[0-9a-f]{64}")
DISTRIBUTIONS = frozenset({"deb", "apk"})
"""Whose records of what an image holds are read."""

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

    living: tuple[Bearer, ...]
    past: tuple[Bearer, ...]


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
        return tuple(sorted({bearer.environment for holding in self.holdings for bearer in holding.living}))

    @property
    def unknown(self) -> tuple[SourceStatus, ...]:
        """Sources that failed."""
        return tuple(source for source in self.sources if source.problem)


def as_of(found: Whereabouts, at: datetime) -> Whereabouts:
    """Which instances lived at that time, and which were gone by then; locks are judged by what is known now."""
    return replace(found, holdings=tuple(_held_at(holding, at) for holding in found.holdings))


def _held_at(holding: Holding, at: datetime) -> Holding:
    begun = [bearer for bearer in (*holding.living, *holding.past) if bearer.first_seen <= at]
    return replace(
        holding,
        living=tuple(bearer for bearer in begun if lived(bearer, at)),
        past=tuple(bearer for bearer in begun if not lived(bearer, at)),
    )


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

    def find(self, subject: str) -> Whereabouts:
        """What the subject's form says it is decides how it is looked for."""
        if CVE.fullmatch(subject):
            return self._cve(subject.upper())
        if RELEASE.fullmatch(subject):
            release = release_named(self._store, subject)
            return self._report(subject, "release", {release.lock: (subject,)}, only={release.number})
        if DIGEST.fullmatch(subject):
            return self._digest(Digest(subject if subject.startswith("sha256:") else f"sha256:{subject}"))
        return self._package(subject)

    def _cve(self, cve: str) -> Whereabouts:
        """Examined now, each lock: a fix published after a release was made counts too."""
        locks = {release.lock for release in self._store.releases()}
        held: dict[Digest, tuple[str, ...]] = {}
        sources: dict[str, SourceStatus] = {}
        said: dict[Finding, None] = {}
        not_judged: dict[str, None] = {}

        def holders(lock: Lock) -> tuple[str, ...]:
            report = examine(lock, self._advisories, self._progress)
            for source in report.sources:
                if source.name not in sources or source.problem:
                    sources[source.name] = source
            found = [finding for finding in report.findings if cve in finding.cves]
            said.update(dict.fromkeys(found))
            if blind(lock, report.sources):
                not_judged.update(dict.fromkeys(unjudged(lock, report.sources)))
            return tuple(dict.fromkeys(map(_told, found)))

        for digest in sorted(locks):
            if what := holders(self._store.lock(digest)):
                held[digest] = what
        present = holders(self._present) if self._present else ()
        whereabouts = self._report(cve, "cve", held, locked=present, sources=tuple(sources.values()))
        return replace(whereabouts, findings=by_urgency(said), unjudged=tuple(not_judged))

    def _package(self, subject: str) -> Whereabouts:
        name, _, version = subject.partition("==")
        if not name:
            raise Refused(f"`{subject}` names nothing", hint="as in `repave where openssl==3.0.20-1~deb12u2`")
        sources: dict[str, SourceStatus] = {}

        def holders(lock: Lock) -> tuple[str, ...]:
            below = (one for image in lock.images for one in self._below(lock, image, sources))
            bundled = self._bundled(lock, sources)
            return (*_matching((*lock.packages, *below), name, version or None), *_within(bundled, name, version))

        # The store knows what locks hold; what lies in images below and within packages is read from these.
        locks = {*self._store.locks_holding(name, version or None), *(one.lock for one in self._store.releases())}
        held = {digest: what for digest in sorted(locks) if (what := holders(self._store.lock(digest)))}
        present = holders(self._present) if self._present else ()
        return self._report(subject, "package", held, locked=present, sources=tuple(sources.values()))

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

    def _digest(self, digest: Digest) -> Whereabouts:
        held: dict[Digest, tuple[str, ...]] = {}
        only = set()
        for release in self._store.releases():
            what = _bearing(release, self._store.lock(release.lock), digest)
            if what:
                held[release.lock] = what
                only.add(release.number)
        present = _files(self._present, digest) if self._present else ()
        return self._report(digest, "digest", held, locked=present, only=only)

    def _report(
        self,
        subject: str,
        kind: str,
        held: Mapping[Digest, tuple[str, ...]],
        *,
        locked: tuple[str, ...] = (),
        only: Collection[int] | None = None,
        sources: tuple[SourceStatus, ...] = (),
    ) -> Whereabouts:
        lifetimes = self._store.lifetimes()
        holdings = []
        for release in self._store.releases():
            if release.lock not in held or (only is not None and release.number not in only):
                continue
            instances = bearers(lifetimes, {release.number})
            holdings.append(
                Holding(
                    release=str(release),
                    lock=release.lock,
                    what=held[release.lock],
                    bakes=self._store.bakes(release.number),
                    living=tuple(bearer for bearer in instances if bearer.gone_at is None),
                    past=tuple(bearer for bearer in instances if bearer.gone_at is not None),
                )
            )
        return Whereabouts(
            subject=subject, kind=kind, locked=locked, holdings=tuple(holdings), findings=(), sources=sources
        )


def _told(finding: Finding) -> str:
    """What is there, also where somebody's word is that it does not matter."""
    dismissed = f" (dismissed by {finding.dismissed.author})" if finding.dismissed else ""
    return f"{finding.package} {finding.version}{dismissed}"


def _matching(packages: Iterable[Held], name: str, version: str | None) -> tuple[str, ...]:
    found = {
        f"{package.name} {package.version}"
        for package in packages
        if name in {package.name, package.source} and version in {None, package.version, package.source_version}
    }
    return tuple(sorted(found))


def _within(bundled: Mapping[LockedPackage, Sequence[Bundled]], name: str, version: str) -> tuple[str, ...]:
    found = {
        f"{one.name} {one.version} within {carrier.name} {carrier.version}"
        for carrier, inside in bundled.items()
        for one in inside
        if one.name == name and version in {"", one.version}
    }
    return tuple(sorted(found))


def _bearing(release: Release, lock: Lock, digest: Digest) -> tuple[str, ...]:
    images = tuple(f"image {image}" for image, artifact in release.artifacts.items() if artifact == digest)
    return (*images, *(("the lock",) if release.lock == digest else ()), *_files(lock, digest))


def _files(lock: Lock, digest: Digest) -> tuple[str, ...]:
    sha256 = digest.removeprefix("sha256:")
    packages = tuple(f"{package.name} {package.version}" for package in lock.packages if package.sha256 == sha256)
    return (*packages, *(file.target for file in lock.files if file.sha256 == sha256))
