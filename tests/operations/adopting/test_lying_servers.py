"""A server may say anything of itself: nothing outside of the recipe's folder is written, whatever it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tarfile import TarFile, TarInfo
from typing import Any

import pytest

from repave.jobs.commands import LocalCommands
from repave.model.recipe import ImageKind
from repave.operations.adopting.adopt import adopt
from repave.operations.adopting.rules import Rules
from repave.ports.commands import Finished
from repave.ports.errors import Corrupt
from repave.ports.progress import Progress, Silent
from repave.ports.server import Kind, Standing, Tree, is_plain
from repave.servers.mounted import MountedRoot
from repave.servers.ssh import BEGIN, SshServer

STATUS = "Package: dpkg\nStatus: install ok installed\nEssential: yes\nVersion: 1\nArchitecture: amd64\n"
PAYLOAD = "/etc/payload"
PLAIN = {
    "/etc/os-release": "ID=debian\nVERSION_CODENAME=bookworm\n",
    "/var/lib/dpkg/status": STATUS,
    PAYLOAD: "by the server\n",
}
UPWARDS = "/.." * 40


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A file of whoever adopts."""
    file = tmp_path / "precious.txt"
    file.write_text("mine\n", encoding="utf-8")
    return file


def mounted(root: Path, files: Mapping[str, str]) -> Path:
    """A disk with these files."""
    for path, text in files.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return root


class Listing(MountedRoot):
    """A server that lists one link more than there is, to a file that it has."""

    def __init__(self, root: Path, link: str) -> None:
        super().__init__(root)
        self._more = Standing(path=link, kind=Kind.LINK, size_bytes=0, mode=0o777, user=0, link=PAYLOAD)

    def tree(self, progress: Progress) -> Tree:
        """All, and it."""
        return Tree(standing=(*super().tree(progress).standing, self._more))


@dataclass(frozen=True)
class Answering(LocalCommands):
    """An SSH client whose server has these files, lists one link more, and sends one file more than it is asked for."""

    files: Mapping[str, str]
    link: str
    unasked: str = ""

    def run(self, arguments: Any, *, stdin: bytes = b"", **_: Any) -> Finished:  # noqa: ANN401 - as the port has it
        """What is printed there."""
        program, asked = arguments[-1], [name for name in stdin.decode().split("\0") if name]
        said = b""
        if "find /" in program:
            rows = [("f", "644", "0", str(len(text)), path, "") for path, text in self.files.items()]
            rows += [("l", "777", "0", "0", self.link, PAYLOAD)] if self.link else []
            said = "".join(f"{field}\0" for row in rows for field in row).encode()
        elif "tar --create" in program:
            said = tar_of({name: self.files[f"/{name}"] for name in asked} | {self.unasked: "more"})
        elif "md5sum" in program:
            said = "".join(f"{'0' * 32}  {name}\0" for name in (*asked, self.unasked)).encode()
        return Finished(exit_code=0, stdout=BEGIN + said, stderr="")


def tar_of(files: Mapping[str, str]) -> bytes:
    """As it comes over the line."""
    buffer = BytesIO()
    with TarFile(fileobj=buffer, mode="w") as archive:
        for name, text in files.items():
            if name:
                member = TarInfo(name)
                member.size = len(text)
                archive.addfile(member, BytesIO(text.encode()))
    return buffer.getvalue()


def test_a_listing_over_ssh_that_leads_upwards_is_no_listing(precious: Path) -> None:
    """What such a link leads to could be written to any place of ours."""
    server = SshServer("root@pet", commands=Answering(PLAIN, f"/opt/a{UPWARDS}{precious}"))
    with pytest.raises(Corrupt, match="no list of files"):
        adopt(server, precious.parent / "out", Rules(), ImageKind.CONTAINER, Silent())
    assert precious.read_text(encoding="utf-8") == "mine\n"
    assert not (precious.parent / "out").exists()


@pytest.mark.parametrize("start", ["/opt/a", ""])
def test_no_place_leads_out_of_the_recipe_whichever_server_names_it(precious: Path, start: str) -> None:
    """The write itself refuses it, and leaves no half recipe."""
    folder = precious.parent
    server = Listing(mounted(folder / "root", PLAIN), f"{start}{UPWARDS}{precious}")
    with pytest.raises(Corrupt, match="points outside"):
        adopt(server, folder / "out", Rules(take=("/",)), ImageKind.CONTAINER, Silent())
    assert precious.read_text(encoding="utf-8") == "mine\n"
    assert list((folder / "out").iterdir()) == []


def test_settings_that_packages_claim_empty_nothing_of_ours(precious: Path) -> None:
    """What dpkg lists as settings is the server's word too; a setting that was removed still is."""
    claims = f"Conffiles:\n /etc{UPWARDS}{precious} {'0' * 32}\n /etc/./dotted {'0' * 32}\n /etc/gone {'0' * 32}\n"
    root = mounted(precious.parent / "root", {**PLAIN, "/var/lib/dpkg/status": STATUS + claims})
    adopt(MountedRoot(root), precious.parent / "out", Rules(), ImageKind.CONTAINER, Silent())
    assert precious.read_text(encoding="utf-8") == "mine\n"
    files = precious.parent / "out/files"
    assert {str(path.relative_to(files)) for path in files.rglob("*") if path.is_file()} == {"etc/gone", "etc/payload"}


def test_only_what_was_asked_for_is_heard() -> None:
    """Over SSH a server could answer with other files than it listed."""
    server = SshServer("root@pet", commands=Answering(PLAIN, "", unasked="etc/shadow"))
    assert server.contents([PAYLOAD]) == {PAYLOAD: b"by the server\n"}
    assert set(server.md5([PAYLOAD])) == {PAYLOAD}


def test_a_plain_path_goes_downwards_by_names() -> None:
    """Names may be odd; none is empty, or leads elsewhere."""
    assert all(map(is_plain, ["/a", "/a/b", "/...", "/a/..b", "/.a/b.", "/line\nbreak", "/a b"]))
    assert not any(
        map(is_plain, ["", "/", "a", "a/b", "/a/", "//a", "/a//b", "/..", "/a/..", "/a/../b", "/./a", "/\0"])
    )
