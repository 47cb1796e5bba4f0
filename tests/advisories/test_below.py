"""What lies in images of registries is judged by what their package managers wrote down, and no further."""

from dataclasses import dataclass, field, replace

import pytest
from bases_below import Held, Inside, SaidBases

from repave.advisories.below import AdvisoriesBelow
from repave.model.finding import Carrier, Finding, SourceStatus
from repave.model.lock import Ecosystem, Layer, Lock, LockedImage, LockedPackage
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, ImageKind
from repave.ports.errors import Gone
from repave.ports.progress import Progress, Silent

BASE = Base(image="registry.example/base:1", architecture="arm64")
TITLE = "the base registry.example/base:1"
OPENSSL = Held(name="libssl3", version="3.0.1", source="openssl", source_version="3.0.1")
DEBIAN = Inside(distribution=("debian", "12", "bookworm"), packages=(OPENSSL, Held(name="dash", version="1")))


@dataclass
class Asked:
    """A source that remembers what it was asked about."""

    locks: list[Lock] = field(default_factory=list)

    def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """Nothing is found."""
        del progress
        self.locks.append(lock)
        return (), (SourceStatus(name="source", as_of=None),)


def package(ecosystem: Ecosystem, name: str, *images: str) -> LockedPackage:
    """A locked one."""
    return LockedPackage(
        ecosystem=ecosystem,
        name=name,
        version="sha256:1" if ecosystem is Ecosystem.OCI else "1",
        sha256="0" * 64,
        size_bytes=1,
        origin="https://example.org/x",
        filename="x",
        layer=Layer.BASE,
        images=tuple(ImageName(image) for image in images),
    )


def image(name: str, base: Base = BASE) -> LockedImage:
    """One that stands on the base."""
    return LockedImage(name=ImageName(name), kind=ImageKind.CONTAINER, base=base, recipe=Digest("sha256:0"))


LOCK = Lock(
    images=(image("api"), image("web")),
    packages=(package(Ecosystem.OCI, "registry.example/base", "api", "web"), package(Ecosystem.PYPI, "flask", "web")),
)


def examined(bases: SaidBases, lock: Lock = LOCK) -> tuple[Lock, tuple[SourceStatus, ...]]:
    """What the source was asked about, and what was said besides it."""
    source = Asked()
    _, (first, *others) = AdvisoriesBelow(source, bases=bases).examine(lock, progress=Silent())
    assert first.name == "source"
    return source.locks[0], tuple(others)


def test_packages_of_a_base_are_judged_as_those_of_its_distribution() -> None:
    """Once for all images that stand on it, each with what was locked above; what no record tells is said."""
    asked, (status,) = examined(SaidBases({"sha256:1": DEBIAN}))
    assert {one.base for one in asked.images} == {
        Base(distribution="debian", release="bookworm", suites=("bookworm",), architecture="arm64")
    }
    assert [(one.name, one.source, one.images) for one in asked.packages] == [
        ("libssl3", "openssl", ("api", "web")),
        ("dash", "", ("api", "web")),
        ("flask", "", ("web",)),
    ]
    assert (status.name, status.problem, status.covers) == (TITLE, "", (Ecosystem.OCI,))
    assert "what lies beside them is not" in status.remarks[0]


def test_a_flaw_of_what_lies_in_a_base_names_the_base() -> None:
    """What is locked above names nothing."""

    class Found:
        """A flaw in every package."""

        def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
            """One each."""
            del progress
            return tuple(finding(one) for one in lock.packages), ()

    found, _ = AdvisoriesBelow(Found(), bases=SaidBases({"sha256:1": DEBIAN})).examine(LOCK, progress=Silent())
    base = Carrier(ecosystem=Ecosystem.OCI, name="registry.example/base", version="sha256:1")
    assert {one.package: one.within for one in found} == {"libssl3": (base,), "dash": (base,), "flask": ()}


def finding(package: LockedPackage) -> Finding:
    """A flaw of it."""
    return Finding(
        ecosystem=package.ecosystem,
        package=package.name,
        source=package.name,
        version=package.version,
        fixed_version="",
        fixed_in="",
        cves=("CVE-2026-1",),
        images=package.images,
    )


def test_a_release_is_known_by_its_number_too() -> None:
    """Images that are no whole system often leave its name out."""
    asked, _ = examined(SaidBases({"sha256:1": replace(DEBIAN, distribution=("ubuntu", "24.04", ""))}))
    assert asked.images[0].base.release == "noble"


@pytest.mark.parametrize(
    "inside",
    [
        Inside(distribution=None, packages=(OPENSSL,)),
        Inside(distribution=("alpine", "3.20", ""), packages=(OPENSSL,)),
        Inside(distribution=("debian", "99", ""), packages=(OPENSSL,)),
        Inside(distribution=("debian", "12", "bookworm"), packages=()),
        Inside(
            distribution=("debian", "12", "bookworm"), packages=(OPENSSL, Held(name="x", version="1", ecosystem="apk"))
        ),
    ],
)
def test_a_base_that_cannot_be_judged_whole_stays_a_base(inside: Inside) -> None:
    """So that the source says that it is not judged: nothing of it is called clean."""
    assert examined(SaidBases({"sha256:1": inside})) == (LOCK, ())
    assert examined(SaidBases()) == (LOCK, ())


def test_a_base_that_cannot_be_read_is_unknown() -> None:
    """With the reason; the source is asked about the rest all the same."""
    asked, statuses = examined(SaidBases(failure=Gone("the layer is not in the vault")))
    assert asked == LOCK
    assert {(status.name, status.problem) for status in statuses} == {(TITLE, "the layer is not in the vault")}


def test_a_lock_without_such_bases_goes_through_as_it_is() -> None:
    """Nothing is read."""
    debian = Base(distribution="debian", release="bookworm", suites=("bookworm",))
    lock = Lock(images=(image("web", debian),), packages=(package(Ecosystem.DEB, "dash", "web"),))
    assert examined(SaidBases(failure=Gone("must not be asked")), lock) == (lock, ())
