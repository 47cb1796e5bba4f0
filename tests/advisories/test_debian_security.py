"""What the security suites say of a lock, from packages built for the purpose."""

import gzip
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hostile_packages import packed

from repave.advisories import debian_package, kept_changelogs
from repave.advisories.debian_package import documents
from repave.advisories.debian_security import DebianSecurityAdvisories
from repave.advisories.kept_changelogs import KeptChangelogs
from repave.jobs.commands import LocalCommands
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Ecosystem, Layer, Lock, LockedImage, LockedPackage
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, ImageKind
from repave.ports.archive import Candidate, SuiteView
from repave.ports.errors import Corrupt, Invalid, Unreachable, WorldError
from repave.ports.progress import Silent
from repave.registries.vault import FileVault

COMMANDS = LocalCommands()
AS_OF = datetime(2026, 11, 21, tzinfo=UTC)
BOOKWORM = Base(distribution="debian", release="bookworm", suites=("bookworm",))
CHANGELOG = (
    "{source} (1.2) s; urgency=low\n\n  * CVE-2024-0002\n\n -- M <m@x>  x\n\n"
    "{source} (1.1) s; urgency=low\n\n  * CVE-2024-0001\n\n -- M <m@x>  x\n\n"
    "{source} (1.0) s; urgency=low\n\n  * CVE-2020-0001\n\n -- M <m@x>  x\n"
)


@dataclass
class Suites:
    """An archive whose security suites list what a test says."""

    folder: Path
    candidates: dict[str, Candidate] = field(default_factory=dict)
    failure: WorldError | None = None
    suites: tuple[str, ...] = ("bookworm-security",)

    def security_suites(self, base: Base) -> tuple[str, ...]:
        """As the test says."""
        del base
        return self.suites

    def view(self, base: Base, suites: Iterable[str], names: Iterable[str]) -> SuiteView:
        """As the test says."""
        assert (base.release, tuple(suites)) == ("bookworm", self.suites)
        if self.failure:
            raise self.failure
        wanted = set(names)
        return SuiteView(
            as_of=AS_OF, candidates={name: found for name, found in self.candidates.items() if name in wanted}
        )

    def newer(self, version: str, than: str) -> bool:
        """An order that is enough for these versions."""
        return version > than

    def build(self, name: str, files: dict[str, bytes | str], *, compression: str = "xz") -> Path:
        """A package with these files below ``usr/share/doc``; text means a link's target."""
        tree = self.folder / f"{name}-tree"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: 1.2\nArchitecture: amd64\nMaintainer: M <m@x>\nDescription: x\n"
        )
        for place, content in files.items():
            path = tree / "usr/share/doc" / place
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                path.symlink_to(content)
            else:
                path.write_bytes(content)
        package = self.folder / f"{name}.deb"
        COMMANDS.run(("dpkg-deb", "--build", "--root-owner-group", f"-Z{compression}", str(tree), str(package)))
        return package

    def list(
        self, name: str, files: dict[str, bytes | str], *, version: str = "1.2", source_version: str = "1.2"
    ) -> Path:
        """List a package of the source ``source``."""
        package = self.build(name, files)
        content = package.read_bytes()
        self.candidates[name] = Candidate(
            name=name,
            version=version,
            source="source",
            source_version=source_version,
            suite="bookworm-security",
            url=package.as_uri(),
            sha256=sha256(content).hexdigest(),
            size_bytes=len(content),
            architecture="amd64",
        )
        return package


@pytest.fixture
def archive(tmp_path: Path) -> Suites:
    """Security suites that list nothing."""
    return Suites(folder=tmp_path)


def changelog(source: str = "source") -> bytes:
    """A changelog of three versions, each with a CVE."""
    return gzip.compress(CHANGELOG.format(source=source).encode())


def locked(name: str, version: str, *images: str, source_version: str = "") -> LockedPackage:
    """A locked Debian package."""
    return LockedPackage(
        ecosystem=Ecosystem.DEB,
        name=name,
        version=version,
        sha256="0" * 64,
        size_bytes=1,
        origin="http://archive/x.deb",
        filename="x.deb",
        layer=Layer.BASE,
        images=tuple(ImageName(image) for image in images or ("web",)),
        source="source",
        source_version=source_version or version,
    )


def examine(archive: Suites, *packages: LockedPackage) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
    """What is said of a lock with these packages."""
    names = sorted({name for package in packages for name in package.images})
    images = tuple(
        LockedImage(name=name, kind=ImageKind.CONTAINER, base=BOOKWORM, recipe=Digest("sha256:0")) for name in names
    )
    changelogs = KeptChangelogs(archive.folder / "changelogs")
    advisories = DebianSecurityAdvisories(
        archive=archive, vault=FileVault(archive.folder / "vault"), changelogs=changelogs
    )
    return advisories.examine(Lock(images=images, packages=packages), progress=Silent())


def test_older_packages_are_findings_with_the_cves_of_the_entries_between(archive: Suites) -> None:
    """Each with the images that want it; what is as new, newer or unknown to the suite is none."""
    archive.list("lib", {"lib/changelog.Debian.gz": changelog()})
    archive.list("same", {})
    found, (status,) = examine(
        archive, locked("lib", "1.1", "web"), locked("lib", "1.0", "job"), locked("same", "1.2"), locked("new", "9")
    )
    assert [(finding.version, finding.cves, finding.images) for finding in found] == [
        ("1.0", ("CVE-2024-0001", "CVE-2024-0002"), ("job",)),
        ("1.1", ("CVE-2024-0002",), ("web",)),
    ]
    assert (found[0].package, found[0].source, found[0].fixed_version, found[0].fixed_in) == (
        "lib",
        "source",
        "1.2",
        "bookworm-security",
    )
    assert (status.name, status.as_of, status.problem) == ("debian bookworm-security", AS_OF, "")


def test_a_rebuild_is_judged_by_its_source(archive: Suites) -> None:
    """1.1+b1 is the source's 1.1: what 1.1 repaired is not counted again."""
    archive.list("lib", {"lib/changelog.Debian.gz": changelog()}, version="1.2+b3")
    found, _ = examine(archive, locked("lib", "1.1+b1", source_version="1.1"))
    assert [(finding.fixed_version, finding.cves) for finding in found] == [("1.2+b3", ("CVE-2024-0002",))]


@pytest.mark.parametrize(
    "link",
    [{"tool": "lib"}, {"tool/changelog.Debian.gz": "../lib/changelog.Debian.gz"}, {"tool/copyright": b"x"}],
    ids=["folder", "file", "none"],
)
def test_the_changelog_may_be_in_another_package_of_the_source(archive: Suites, link: dict[str, bytes | str]) -> None:
    """A package points to the one that carries it, or just has none."""
    archive.list("tool", link)
    archive.list("lib", {"lib/changelog.Debian.gz": changelog(), "lib/padding": bytes(range(256)) * 64})
    found, (status,) = examine(archive, locked("tool", "1.1"), locked("lib", "1.1"))
    assert [finding.cves for finding in found] == [("CVE-2024-0002",)] * 2
    assert status.problem == ""


def test_a_native_package_has_its_changelog_under_another_name(archive: Suites) -> None:
    """Where both are there, the one beside Debian's is upstream's."""
    archive.list("native", {"native/changelog.gz": changelog()})
    assert [finding.cves for finding in examine(archive, locked("native", "1.1"))[0]] == [("CVE-2024-0002",)]


def test_a_repair_without_a_changelog_is_a_problem_not_a_silence(archive: Suites) -> None:
    """The finding stands; that its CVEs are unknown is said."""
    archive.list("lib", {})
    found, (status,) = examine(archive, locked("lib", "1.1"))
    assert [finding.cves for finding in found] == [()]
    assert "which CVEs source 1.2 repairs is not known" in status.problem


CUT = "# Older entries have been removed from this changelog.\n"


def test_a_changelog_that_ends_above_what_is_locked_is_a_problem(archive: Suites) -> None:
    """What its oldest entries repaired is not known; a lock that it reaches has no such problem."""
    text = CHANGELOG.format(source="source")
    cut = text[: text.index("source (1.0)")] + CUT
    archive.list("lib", {"lib/changelog.Debian.gz": gzip.compress(cut.encode())})
    assert examine(archive, locked("lib", "1.1"))[1][0].problem == ""
    found, (status,) = examine(archive, locked("lib", "1.0"))
    assert found[0].cves == ("CVE-2024-0001", "CVE-2024-0002")
    assert "source 1.2 repairs is not wholly known: its changelog ends above 1.0" in status.problem


def spoilt(archive: Suites) -> None:
    """Change the repairing package after it was listed."""
    with archive.list("lib", {"lib/changelog.Debian.gz": changelog()}).open("ab") as package:
        package.write(b"x")


def vanished(archive: Suites) -> None:
    """Delete the repairing package after it was listed."""
    archive.list("lib", {"lib/changelog.Debian.gz": changelog()}).unlink()


@pytest.mark.parametrize("trouble", [spoilt, vanished])
def test_a_repair_that_cannot_be_read_is_a_problem(archive: Suites, trouble: Callable[[Suites], None]) -> None:
    """Nothing is raised, and the finding stands."""
    trouble(archive)
    found, (status,) = examine(archive, locked("lib", "1.1"))
    assert len(found) == 1
    assert "is not known" in status.problem


@pytest.mark.parametrize("failure", [Unreachable("no answer"), Corrupt("the index has expired")])
def test_an_index_that_cannot_be_read_is_unknown_never_clean(archive: Suites, failure: WorldError) -> None:
    """Nothing is raised; the status says why."""
    archive.failure = failure
    assert examine(archive, locked("lib", "1.1")) == (
        (),
        (SourceStatus(name="debian bookworm-security", as_of=None, problem=failure.message),),
    )


def test_a_release_without_a_security_suite_is_unknown(archive: Suites) -> None:
    """It is not clean because nobody publishes repairs."""
    archive.suites = ()
    found, (status,) = examine(archive, locked("lib", "1.1"))
    assert found == ()
    assert "no security suite is known for debian bookworm" in status.problem


def test_what_is_no_package_is_refused(tmp_path: Path) -> None:
    """Text, a cut-off file, a damaged stream."""
    archive = Suites(folder=tmp_path)
    whole = archive.build("lib", {"lib/changelog.Debian.gz": changelog()}).read_bytes()
    damaged = whole[:-200] + bytes(200)
    last = archive.build("zstd", {"lib/changelog.Debian.gz": changelog()}, compression="zstd").read_bytes()
    torn = last[:-200] + bytes(200)
    for content in (b"text", whole[:20], whole[: len(whole) // 2], damaged, torn, b"!<arch>\n"):
        (tmp_path / "bad.deb").write_bytes(content)
        with pytest.raises(Corrupt):
            documents(tmp_path / "bad.deb", "lib")


def test_every_compression_of_packages_is_read_and_others_are_named(archive: Suites) -> None:
    """Debian's own is xz, Ubuntu's zstd."""
    for compression in ("xz", "zstd", "gzip", "none"):
        name = f"lib{compression}"
        package = archive.build(name, {f"{name}/changelog.Debian.gz": changelog()}, compression=compression)
        assert "CVE-2024-0002" in documents(package, name).changelog
    strange = archive.folder / "strange.deb"
    strange.write_bytes(packed(("debian-binary", b"2.0\n"), ("data.tar.bz2", b"x")))
    with pytest.raises(Invalid, match=r"\.bz2"):
        documents(strange, "strange")


def test_a_package_of_any_length_is_read(archive: Suites) -> None:
    """Members of odd length are padded by a byte, which is no part of them."""
    for filler in range(6):
        for compression in ("gzip", "xz"):
            name = f"odd{filler}{compression}"
            files: dict[str, bytes | str] = {
                f"{name}/changelog.Debian.gz": changelog(),
                f"{name}/filler": bytes(range(filler * 37)),
            }
            package = archive.build(name, files, compression=compression)
            assert "CVE-2024-0002" in documents(package, name).changelog


def test_a_compression_bomb_is_ended(archive: Suites, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both the package's and the changelog's."""
    bomb = archive.build("bomb", {"bomb/changelog.Debian.gz": gzip.compress(bytes(5_000_000))})
    huge = archive.build("huge", {"aaa/filler": bytes(5_000_000), "huge/changelog.Debian.gz": changelog()})
    monkeypatch.setattr(debian_package, "CHANGELOG_LIMIT_BYTES", 1_000_000)
    with pytest.raises(Corrupt, match="unpacks to more than"):
        documents(bomb, "bomb")
    monkeypatch.setattr(debian_package, "RULES", replace(debian_package.RULES, total_bytes=1_000_000))
    with pytest.raises(Corrupt, match="unpacks to more than"):
        documents(huge, "huge")


def test_a_changelog_is_read_out_of_its_package_once(archive: Suites) -> None:
    """What was said is said again without the package, also by another process: under that digest and name alone."""
    package = archive.build("lib", {"lib/changelog.Debian.gz": changelog()})
    pointing = archive.build("tool", {"tool": "lib"})
    folder = archive.folder / "kept"
    first = [KeptChangelogs(folder).of(package, "a" * 64, "lib"), KeptChangelogs(folder).of(pointing, "b" * 64, "tool")]
    assert first == [documents(package, "lib"), documents(pointing, "tool")]
    assert (first[0].changelog, first[1].elsewhere) == (CHANGELOG.format(source="source"), "lib")
    package.unlink()
    pointing.unlink()
    again = KeptChangelogs(folder)
    assert [again.of(package, "a" * 64, "lib"), again.of(pointing, "b" * 64, "tool")] == first
    for digest, name in (("c" * 64, "lib"), ("a" * 64, "other")):
        with pytest.raises(Corrupt):
            again.of(package, digest, name)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"no JSON",
        b"\xff",
        b"[]",
        b'{"package": "lib"}',
        b'{"package": "lib", "changelog": 1, "elsewhere": ""}',
        b"[" * 100_000,
    ],
)
def test_a_kept_changelog_that_is_damaged_is_read_anew(archive: Suites, damage: bytes) -> None:
    """And kept again; where nothing can be kept, it is read all the same. One bit is enough of a damage."""
    package = archive.build("lib", {"lib/changelog.Debian.gz": changelog()})
    kept = KeptChangelogs(archive.folder / "kept")
    whole = kept.of(package, "a" * 64, "lib")
    (place,) = (archive.folder / "kept").iterdir()
    content = place.read_bytes()
    flipped = content.replace(b"CVE-", b"CVD-", 1)
    assert flipped != content
    for damaged in (damage, flipped, content[: len(content) // 2]):
        place.write_bytes(damaged)
        assert kept.of(package, "a" * 64, "lib") == whole
        assert place.read_bytes() == content
    package.rename(archive.folder / "away.deb")
    assert kept.of(package, "a" * 64, "lib") == whole
    no_folder = KeptChangelogs(archive.folder / "away.deb")
    assert no_folder.of(archive.folder / "away.deb", "a" * 64, "lib") == whole


def test_changelogs_are_not_kept_without_end(archive: Suites, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were read out first are forgotten."""
    monkeypatch.setattr(kept_changelogs, "MOST_KEPT", 2)
    package = archive.build("lib", {"lib/changelog.Debian.gz": changelog()})
    kept = KeptChangelogs(archive.folder / "kept")
    for number, digest in enumerate(("a" * 64, "b" * 64, "c" * 64)):
        kept.of(package, digest, "lib")
        os.utime(archive.folder / "kept" / f"{digest}.json", (number, number))
    assert sorted(place.stem[0] for place in (archive.folder / "kept").iterdir()) == ["b", "c"]
