"""What goes wrong around a bake is said in words a person can act on."""

import errno
import io
import json
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pantry import Pantry
from tar_bytes import compressed

from repave.archives.packages import MAGIC, members
from repave.bakers.container.baker import ContainerBaker
from repave.bakers.rootfs.cache import BakeCache, packages_below
from repave.bakers.rootfs.chamber import Chamber
from repave.bakers.rootfs.debs import newest_build, place, prepare
from repave.bakers.rootfs.foreign import program
from repave.bakers.rootfs.words import check_words
from repave.bakers.rootfs.workroom import ROOTFS
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.lock import Ecosystem, Layer, LockedFile, LockedPackage
from repave.model.names import Digest, ImageName, ProjectName
from repave.model.recipe import Base, Image, ImageKind
from repave.ports.baker import BakeRequest
from repave.ports.commands import Commands, Finished
from repave.ports.errors import CommandFailed, Corrupt, Invalid, NoCapacity, WorldError
from repave.ports.progress import Silent
from repave.ports.surroundings import Surroundings
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

WEB = ImageName("web")


class Answering(LocalCommands):
    """Commands whose every program answers the same."""

    def __init__(self, answer: object, *, exit_code: int = 0, stderr: str = "") -> None:
        super().__init__()
        self._answer = Finished(exit_code=exit_code, stdout=json.dumps(answer).encode(), stderr=stderr)

    def run(self, arguments: Sequence[str], *, check: bool = True, **_: Any) -> Finished:  # noqa: ANN401 - none is used
        """Answer."""
        if check and self._answer.exit_code:
            raise CommandFailed(arguments, exit_code=self._answer.exit_code, stderr=self._answer.stderr)
        return self._answer


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ({"errno": errno.ENOSPC, "strerror": "x"}, NoCapacity, "no room left"),
        ({"errno": errno.EDQUOT, "strerror": "x"}, NoCapacity, "no room left"),
        ({"errno": errno.EIO, "strerror": "I/O error"}, WorldError, "I/O error"),
        (
            {"program": ["dpkg", "-i"], "exit_code": 1, "output": "write: No space left on device"},
            NoCapacity,
            "no room left",
        ),
        (
            {"program": ["dpkg", "-i"], "exit_code": 1, "output": "error processing web"},
            CommandFailed,
            "`dpkg` ended with 1: error processing web",
        ),
        ({"code": "invalid", "message": "cannot install x", "hint": "y"}, Invalid, "cannot install x"),
    ],
)
def test_what_failed_inside_is_told_outside(tmp_path: Path, answer: object, kind: type[WorldError], said: str) -> None:
    """A full disk, a package's script and a bad wheel are three different errors."""
    with pytest.raises(kind, match=said):
        Chamber(commands=Answering(answer), folder=tmp_path, program=ROOTFS).run({"kind": "system"})


def test_a_machine_that_gives_no_namespaces_is_told_what_to_install(tmp_path: Path) -> None:
    """The hint names the package and the files."""
    commands = Answering({}, exit_code=1, stderr="unshare: failed to find newuidmap")
    with pytest.raises(CommandFailed, match="newuidmap") as caught:
        Chamber(commands=commands, folder=tmp_path, program=ROOTFS).run({"kind": "system"})
    assert "uidmap" in caught.value.hint
    assert "/etc/subuid" in caught.value.hint


class FullRegistry(LayoutRegistry):
    """A registry on a full disk."""

    def adopt(self, source: Path) -> Digest:
        """Fail as the kernel would."""
        raise OSError(errno.ENOSPC, "No space left on device", str(source))


def baker(folder: Path, registry: LayoutRegistry, *, commands: Commands | None = None) -> ContainerBaker:
    """A real one."""
    return ContainerBaker(
        Surroundings(
            project=ProjectName("shop"),
            folder=folder / "cache",
            commands=commands or LocalCommands(),
            clock=SystemClock(),
            vault=FileVault(folder / "vault"),
            registry=registry,
        )
    )


def request(*packages: LockedPackage, files: tuple[LockedFile, ...] = (), architecture: str = "amd64") -> BakeRequest:
    """An image of these."""
    base = Base(distribution="debian", release="bookworm", suites=("bookworm",), architecture=architecture)
    image = Image(name=WEB, kind=ImageKind.CONTAINER, base=base, user="33")
    return BakeRequest(image=image, packages=packages, files=files)


def package(name: str, sha256_hex: str = "0" * 64, *, layer: Layer = Layer.PLATFORM) -> LockedPackage:
    """A locked package."""
    return LockedPackage(
        ecosystem=Ecosystem.PYPI if layer is Layer.PYTHON else Ecosystem.DEB,
        name=name,
        version="1",
        sha256=sha256_hex,
        size_bytes=1,
        origin="https://example.org",
        filename=f"{name}_1_all.deb",
        layer=layer,
        images=(WEB,),
        architecture="all",
    )


def test_a_full_disk_is_said_and_nothing_is_kept(tmp_path: Path) -> None:
    """The next bake, with room, is a whole one."""
    source = tmp_path / "a"
    source.write_bytes(b"a")
    digest = FileVault(tmp_path / "vault").add(source)
    file = LockedFile(target="/a", sha256=digest, size_bytes=1, mode=0o644, origin="a", images=(WEB,))
    with pytest.raises(NoCapacity, match="no room left"):
        baker(tmp_path, FullRegistry(tmp_path / "registry")).bake(request(files=(file,)), progress=Silent())
    artifact = baker(tmp_path, LayoutRegistry(tmp_path / "registry")).bake(request(files=(file,)), progress=Silent())
    assert [layer.cached for layer in artifact.layers] == [False]


@pytest.mark.parametrize(
    ("failure", "stays"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), False),
        (NoCapacity("no room left on the disk"), False),
        (OSError(errno.EIO, "Input/output error"), True),
    ],
)
def test_a_bake_without_room_gives_back_what_the_vault_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception, *, stays: bool
) -> None:
    """Packages without their compression would fill the disk until the next bake; other failures leave them to it."""
    vault, tool = kept(tmp_path, deb())
    larder = packages_below(tmp_path / "cache")
    prepare([tool], vault, larder)

    def full(*_: object) -> Digest:
        raise failure

    monkeypatch.setattr(LayoutRegistry, "adopt", full)
    file = LockedFile(target="/a", sha256=tool.sha256, size_bytes=len(deb()), mode=0o644, origin="a", images=(WEB,))
    with pytest.raises(NoCapacity if not stays else WorldError, match=r"no room left|Input/output"):
        baker(tmp_path, LayoutRegistry(tmp_path / "registry")).bake(request(files=(file,)), progress=Silent())
    assert place(larder, tool.sha256).exists() == stays
    assert vault.path(tool.sha256).exists()


def test_wheels_without_a_python_are_refused(tmp_path: Path) -> None:
    """The recipe lacks python3."""
    wheel = Pantry(vault=FileVault(tmp_path / "vault"), folder=tmp_path).wheel("flask", {})
    with pytest.raises(Invalid, match="no python3 that they could be put beside"):
        baker(tmp_path, LayoutRegistry(tmp_path / "registry")).bake(request(wheel), progress=Silent())


def test_a_package_that_is_not_what_the_lock_says_is_never_baked(tmp_path: Path) -> None:
    """A lock edited by hand would tell of a repair that no byte has; nothing is made of it."""
    tool = Pantry(vault=FileVault(tmp_path / "vault"), folder=tmp_path).deb("tool", "#!/bin/sh\n")
    edited = replace(tool, layer=Layer.BASE, version="2", source_version="2")
    with pytest.raises(Invalid, match=r"tool_1_all.deb says it is tool 1, the lock says tool 2") as caught:
        baker(tmp_path, LayoutRegistry(tmp_path / "registry")).bake(request(edited), progress=Silent())
    assert "the lock was edited" in caught.value.hint


def test_a_layer_that_is_there_makes_no_edited_lock_right(tmp_path: Path) -> None:
    """What was found right is remembered with all that the lock said of it, so that no file is read again."""
    pantry = Pantry(vault=FileVault(tmp_path / "vault"), folder=tmp_path)
    cache = BakeCache(folder=tmp_path / "cache", registry=LayoutRegistry(tmp_path / "registry"))
    tool, wheel = pantry.deb("tool", "#!/bin/sh\n"), pantry.wheel("flask", {})
    check_words((tool, wheel), pantry.vault, cache)
    for edited in (
        (replace(tool, version="2"), wheel),
        (replace(tool, source_version="2"), wheel),
        (tool, replace(wheel, version="2.0")),
    ):
        with pytest.raises(Invalid, match="says it is"):
            check_words(edited, pantry.vault, cache)
    pantry.vault.remove(tool.sha256)
    pantry.vault.remove(wheel.sha256)
    check_words((tool, wheel), pantry.vault, cache)


def test_packages_without_a_base_are_refused(tmp_path: Path) -> None:
    """Nothing could run their scripts."""
    with pytest.raises(Invalid, match="no base below"):
        baker(tmp_path, LayoutRegistry(tmp_path / "registry")).bake(request(package("nginx")), progress=Silent())


@pytest.mark.real
def test_packages_for_a_processor_whose_programs_do_not_run_here_are_refused(tmp_path: Path) -> None:
    """It is tried, not looked up; the hint says what would run them, and what needs no running."""
    making = baker(tmp_path, LayoutRegistry(tmp_path / "registry"))
    with pytest.raises(
        Invalid, match=r"image web is for z80, and this machine .* does not run its programs"
    ) as refused:
        making.bake(request(replace(package("nginx"), layer=Layer.BASE), architecture="z80"), progress=Silent())
    assert "qemu-user-static" in refused.value.hint
    assert "base: {image: ...}" in refused.value.hint


@pytest.mark.real
def test_a_baker_says_for_which_processors_it_can_work(tmp_path: Path) -> None:
    """This one's own by a program that was run, another's where an emulator is registered."""
    (found,) = baker(tmp_path, LayoutRegistry(tmp_path / "registry")).describe()
    assert found.works
    here = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()
    assert found.detail.startswith("for ")
    assert here in found.detail.partition(";")[0]
    assert list((tmp_path / "cache/work").iterdir()) == []


def test_a_program_of_a_known_processor_says_whose_it_is() -> None:
    """By the number that ELF has for it, in a file that is all there."""
    numbers = {"amd64": 62, "arm64": 183}
    for architecture, number in numbers.items():
        content = program(architecture)
        assert content is not None
        assert (content[:5], int.from_bytes(content[18:20], "little")) == (b"\x7fELF\x02", number)
        assert int.from_bytes(content[96:104], "little") == len(content)
    assert program("z80") is None


def test_a_machine_that_gives_no_namespaces_can_bake_no_packages(tmp_path: Path) -> None:
    """The doctor's patient is told what to install, and nothing is raised."""
    refusing = Answering({}, exit_code=1, stderr="unshare: failed to find newuidmap")
    making = baker(tmp_path, LayoutRegistry(tmp_path / "registry"), commands=refusing)
    (found,) = making.describe()
    assert not found.works
    assert "uidmap" in found.hint


def deb(compress: str = ".xz", *, time: int = 1_700_000_000) -> bytes:
    """A package file of the given compression."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("./file"))
    plain = data.getvalue()
    packed = compressed(plain).get(compress, plain)
    content = MAGIC
    for name, part in (("debian-binary", b"2.0\n"), ("control.tar", b"odd"), (f"data.tar{compress}", packed)):
        content += f"{name:<16}{time:<12}{0:<6}{0:<6}{'100644':<8}{len(part):<10}`\n".encode()
        content += part + b"\n" * (len(part) % 2)
    return content


def kept(folder: Path, content: bytes) -> tuple[FileVault, LockedPackage]:
    """The package in a vault."""
    source = folder / "package"
    source.write_bytes(content)
    vault = FileVault(folder / "vault")
    return vault, package("tool", vault.add(source))


@pytest.mark.parametrize("compress", [".xz", ".gz", ".zst", ""])
def test_packages_lose_their_compression_and_nothing_else(tmp_path: Path, compress: str) -> None:
    """Names, times and content stay; what is there already is not made again."""
    vault, tool = kept(tmp_path, deb(compress))
    for _ in range(2):
        prepare([tool], vault, tmp_path / "plain")
    target = place(tmp_path / "plain", tool.sha256)
    with target.open("rb") as stream:
        found = {member.name: (member.size, member.time) for member in members(stream, "tool")}
        assert found["data.tar"][0] == 10240
    assert list(found) == ["debian-binary", "control.tar", "data.tar"]
    assert newest_build(tmp_path / "plain", [tool]) == 1_700_000_000
    assert [path.name for path in (tmp_path / "plain").iterdir()] == [target.name]


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (deb(".lzma"), Invalid, "compressed as .lzma"),
        (b"no package at all", Corrupt, "no Debian package"),
        (deb()[:-40], Corrupt, "cut off"),
        (deb().replace(b"7zXZ", b"8zXZ"), Corrupt, "cannot be unpacked as xz"),
        (deb(".zst").replace(b"\x28\xb5\x2f\xfd", b"none"), Corrupt, "cannot be unpacked as zst"),
        (MAGIC + b"x" * 60, Corrupt, "damaged Debian package"),
    ],
)
def test_what_is_no_package_is_refused(tmp_path: Path, content: bytes, kind: type[WorldError], said: str) -> None:
    """By name, with nothing left behind."""
    vault, tool = kept(tmp_path, content)
    with pytest.raises(kind, match=said):
        prepare([tool], vault, tmp_path / "plain")
    assert list((tmp_path / "plain").iterdir()) == []


def test_a_package_that_is_not_what_was_locked_is_refused(tmp_path: Path) -> None:
    """Before a byte of it is unpacked."""
    vault, tool = kept(tmp_path, deb())
    place_in_vault = vault.path(tool.sha256)
    place_in_vault.chmod(0o644)
    place_in_vault.write_bytes(deb(time=1))
    with pytest.raises(Corrupt, match=sha256(deb(time=1)).hexdigest()):
        prepare([tool], vault, tmp_path / "plain")
    assert list((tmp_path / "plain").iterdir()) == []
