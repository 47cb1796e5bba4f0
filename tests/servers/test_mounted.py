"""A mounted root is read as it lies there: nothing is followed out of it, nothing is written."""

import hashlib
import os
from pathlib import Path

import pytest

from repave.ports.errors import Gone
from repave.ports.progress import Silent
from repave.ports.server import Kind
from repave.servers.mounted import MountedRoot


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small root beside a secret that is none of its own."""
    (tmp_path / "outside").write_text("outside", encoding="ascii")
    made = tmp_path / "root"
    for folder in ("etc", "proc/1", "srv", "tmp/1"):
        (made / folder).mkdir(parents=True)
    (made / "etc/motd").write_text("hello", encoding="ascii")
    (made / "etc/motd").chmod(0o640)
    (made / "proc/1/cmdline").write_text("init", encoding="ascii")
    (made / "etc/out").symlink_to("../../outside")
    (made / "up").symlink_to("..")
    os.mkfifo(made / "srv/pipe")
    return made


def test_all_that_stands_there_is_listed_and_links_stay_links(root: Path) -> None:
    """Kinds, sizes and modes as they are; what a kernel would show and what is temporary are not looked at."""
    tree = MountedRoot(root).tree(Silent())
    found = {one.path: one for one in tree.standing}
    assert set(found) == {"/etc", "/etc/motd", "/etc/out", "/proc", "/srv", "/srv/pipe", "/tmp", "/up"}  # noqa: S108 - of the small root
    motd = found["/etc/motd"]
    assert (motd.kind, motd.size_bytes, motd.mode, motd.user) == (Kind.FILE, 5, 0o640, os.getuid())
    assert (found["/up"].kind, found["/up"].link, found["/srv/pipe"].kind) == (Kind.LINK, "..", Kind.OTHER)
    assert tree.unseen == ()


@pytest.mark.parametrize("path", ["/etc/out", "/up/outside", "/etc/../../outside", "/srv/pipe", "/none", "/etc"])
def test_nothing_leads_out_of_a_root_of_strangers(root: Path, path: str) -> None:
    """A link, a pipe, a folder and what is not there are absent, and nobody waits for them."""
    server = MountedRoot(root)
    assert (server.contents([path]), server.md5([path])) == ({}, {})


def test_files_are_read_and_hashed(root: Path) -> None:
    """As dpkg would."""
    server = MountedRoot(root)
    assert server.contents(["/etc/motd"]) == {"/etc/motd": b"hello"}
    assert server.md5(["/etc/motd"]) == {"/etc/motd": hashlib.md5(b"hello", usedforsecurity=False).hexdigest()}


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Before anything is read."""
    with pytest.raises(Gone, match=r"there is no folder .*none to read a server from"):
        MountedRoot(tmp_path / "none")
