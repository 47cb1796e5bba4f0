"""What npm packages bring along within their own archives is judged like what is locked by itself."""

from dataclasses import dataclass, field

from said_bundles import Bundled, SaidBundles

from repave.advisories.bundled import TITLE, AdvisoriesBundled
from repave.model.finding import Carrier, Finding, SourceStatus
from repave.model.lock import Ecosystem, Layer, Lock, LockedPackage
from repave.model.names import ImageName
from repave.ports.errors import Gone
from repave.ports.progress import Progress, Silent

PARENT = Carrier(ecosystem=Ecosystem.NPM, name="parent", version="1.0.0")


@dataclass
class Flawed:
    """A source that finds a flaw in every package called lib, and remembers what it was asked about."""

    locks: list[Lock] = field(default_factory=list)

    def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """One finding for each."""
        del progress
        self.locks.append(lock)
        findings = tuple(found(one) for one in lock.packages if one.name == "lib")
        return findings, (SourceStatus(name="source", as_of=None),)


def found(package: LockedPackage) -> Finding:
    """In its images."""
    return Finding(
        ecosystem=package.ecosystem,
        package=package.name,
        source=package.name,
        version=package.version,
        fixed_version="2.0.0",
        fixed_in="npm",
        cves=("CVE-2026-1",),
        images=package.images,
    )


def package(name: str, *images: str) -> LockedPackage:
    """A locked one of npm."""
    return LockedPackage(
        ecosystem=Ecosystem.NPM,
        name=name,
        version="1.0.0",
        sha256="0" * 64,
        size_bytes=1,
        origin="https://registry.example/x.tgz",
        filename="x.tgz",
        layer=Layer.NODE,
        images=tuple(ImageName(image) for image in images),
    )


def examined(
    lock: Lock, bundles: SaidBundles
) -> tuple[list[tuple[tuple[str, ...], tuple[Carrier, ...]]], tuple[SourceStatus, ...], Lock]:
    """Of each finding its images and what brings it along; what was said besides; what the source was asked about."""
    source = Flawed()
    findings, statuses = AdvisoriesBundled(source, bundles=bundles).examine(lock, progress=Silent())
    return [(one.images, one.within) for one in findings], statuses, source.locks[0]


def test_a_flaw_of_what_a_package_brings_along_names_that_package() -> None:
    """In every image that has it; two that bring the same along are both named."""
    lock = Lock(packages=(package("other", "web"), package("parent", "api", "web")))
    inside = (Bundled(name="lib", version="1.0.0"),)
    told, statuses, _ = examined(lock, SaidBundles({"parent": inside, "other": inside}))
    other = Carrier(ecosystem=Ecosystem.NPM, name="other", version="1.0.0")
    assert told == [(("api", "web"), (other, PARENT))]
    assert [status.name for status in statuses] == ["source"]


def test_what_is_locked_by_itself_too_is_judged_once_for_an_image() -> None:
    """It says of both places; another image has it within the other alone."""
    lock = Lock(packages=(package("lib", "web"), package("parent", "api", "web")))
    told, _, _ = examined(lock, SaidBundles({"parent": (Bundled(name="lib", version="1.0.0"),)}))
    assert told == [(("web",), (PARENT,)), (("api",), (PARENT,))]


def test_what_cannot_be_read_is_unknown_and_the_rest_is_judged() -> None:
    """With the reason."""
    lock = Lock(packages=(package("lib", "web"),))
    told, statuses, asked = examined(lock, SaidBundles(failure=Gone("lib is not in the vault")))
    assert (told, asked) == ([(("web",), ())], lock)
    assert [(status.name, status.problem) for status in statuses[1:]] == [(TITLE, "lib is not in the vault")]


def test_a_lock_whose_packages_bring_nothing_along_goes_through_as_it_is() -> None:
    """Other ecosystems' packages and npm's."""
    lock = Lock(packages=(package("lib", "web"),))
    assert examined(lock, SaidBundles())[2] is lock
