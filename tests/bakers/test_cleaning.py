"""What a root filesystem loses before it is kept: what belongs to one machine only."""

from pathlib import Path

import pytest

from repave.bakers.rootfs.cleaning import clean

KEYS = ("etc/ssh/ssh_host_ed25519_key", "etc/ssh/ssh_host_rsa_key.pub", "etc/dropbear/dropbear_ed25519_host_key")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root filesystem with keys that its packages made while they were installed."""
    for name in (*KEYS, "etc/ssh/sshd_config", "etc/dropbear/dropbear.conf"):
        place = tmp_path / "root" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("made by a package")
    return tmp_path / "root"


def test_keys_of_servers_are_nobodys_in_an_image(root: Path) -> None:
    """Else all machines made of it had the same; what configures the servers stays."""
    clean(root, epoch=0)
    assert not [name for name in KEYS if (root / name).exists()]
    assert (root / "etc/ssh/sshd_config").exists()
    assert (root / "etc/dropbear/dropbear.conf").exists()


def test_no_link_is_followed_out_of_it(root: Path, tmp_path: Path) -> None:
    """The folder of a machine that bakes may be named like one of an image."""
    outside = tmp_path / "outside"
    outside.mkdir()
    key = outside / "ssh_host_rsa_key"
    key.write_text("of this machine")
    for name in ("etc/ssh/ssh_host_ed25519_key", "etc/ssh/ssh_host_rsa_key.pub", "etc/ssh/sshd_config"):
        (root / name).unlink()
    (root / "etc/ssh").rmdir()
    (root / "etc/ssh").symlink_to(outside)
    clean(root, epoch=0)
    assert key.exists()


@pytest.mark.parametrize(("magic", "settled"), [("61150600", True), ("00000000", False)])
def test_a_map_of_a_mail_server_is_the_same_whenever_it_is_made(root: Path, magic: str, *, settled: bool) -> None:
    """Berkeley DB numbers each of its files, on several pages, and postalias writes down the time."""
    number, made_at = bytes(range(1, 21)), b"1795879075"
    page = bytes(12) + bytes.fromhex(magic) + bytes(36) + number + bytes(28)
    content = page + b"\x01root\x01" + made_at + b"\x01YP_LAST_MODIFIED" + page
    (root / "etc/aliases.db").write_bytes(content)
    clean(root, epoch=1_700_000_000)
    left = content.replace(number, bytes(20)).replace(made_at, b"1700000000")
    assert (root / "etc/aliases.db").read_bytes() == (left if settled else content)
