"""A package's file is held against what the lock says it is."""

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hostile_packages import packed
from tar_bytes import entry, tar

from repave.archives.own_words import contradiction
from repave.model.lock import Ecosystem, Layer, LockedPackage
from repave.model.names import ImageName
from repave.ports.errors import Corrupt
from repave.registries.vault import FileVault

CONTROL = b"Package: libssl3\nVersion: 3.0.20-1\nArchitecture: amd64\nSource: openssl\nDescription: made for a test\n"


@pytest.fixture
def vault(tmp_path: Path) -> FileVault:
    """An empty one."""
    return FileVault(tmp_path / "vault")


@pytest.fixture
def deb(tmp_path: Path, vault: FileVault) -> LockedPackage:
    """A Debian package in the vault, and what an honest lock says of it."""
    file = tmp_path / "libssl3_3.0.20-1_amd64.deb"
    control = tar((entry("control"), CONTROL))
    file.write_bytes(packed(("debian-binary", b"2.0\n"), ("control.tar", control), ("data.tar", tar())))
    return LockedPackage(
        ecosystem=Ecosystem.DEB,
        name="libssl3",
        version="3.0.20-1",
        sha256=vault.add(file),
        size_bytes=file.stat().st_size,
        origin="https://example.org/libssl3",
        filename=file.name,
        layer=Layer.BASE,
        images=(ImageName("web"),),
        architecture="amd64",
        source="openssl",
        source_version="3.0.20-1",
    )


@pytest.fixture
def wheel(tmp_path: Path, vault: FileVault) -> LockedPackage:
    """A wheel in the vault, and what an honest lock says of it."""
    file = tmp_path / "zope.interface-6.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        metadata = "Metadata-Version: 2.1\nName: zope.interface\nVersion: 6.0\n"
        archive.writestr("zope.interface-6.0.dist-info/METADATA", metadata)
    return LockedPackage(
        ecosystem=Ecosystem.PYPI,
        name="zope-interface",
        version="6.0",
        sha256=vault.add(file),
        size_bytes=file.stat().st_size,
        origin="https://example.org/zope",
        filename=file.name,
        layer=Layer.PYTHON,
        images=(ImageName("web"),),
    )


def test_an_honest_lock_is_not_contradicted(deb: LockedPackage, wheel: LockedPackage, vault: FileVault) -> None:
    """Nor is a wheel whose name and version are written in another way."""
    assert contradiction(deb, vault) == ""
    assert contradiction(wheel, vault) == ""
    assert contradiction(replace(wheel, name="Zope.Interface", version="6.0.0"), vault) == ""


def test_an_edited_version_is_told(deb: LockedPackage, wheel: LockedPackage, vault: FileVault) -> None:
    """Both versions stand in the sentence."""
    edited = replace(deb, version="3.0.22-1", source_version="3.0.22-1")
    assert contradiction(edited, vault) == (
        "libssl3_3.0.20-1_amd64.deb says it is libssl3 3.0.20-1, the lock says libssl3 3.0.22-1"
    )
    assert contradiction(replace(wheel, version="6.1"), vault) == (
        "zope.interface-6.0-py3-none-any.whl says it is zope.interface 6.0, the lock says zope-interface 6.1"
    )
    assert "zope.interface 6.0" in contradiction(replace(wheel, name="other"), vault)


@pytest.mark.parametrize(
    ("edited", "said"),
    [
        ({"source_version": "3.0.22-1"}, "of openssl 3.0.22-1"),
        ({"source": "nginx"}, "of nginx 3.0.20-1"),
        ({"source": "", "source_version": ""}, "of no source"),
        ({"architecture": "all"}, "for all"),
    ],
)
def test_what_flaws_are_looked_up_by_is_compared_too(
    deb: LockedPackage, vault: FileVault, edited: dict[str, Any], said: str
) -> None:
    """Distributions publish repairs by the source and its version."""
    told = contradiction(replace(deb, **edited), vault)
    assert "says it is libssl3 3.0.20-1 for amd64, of openssl 3.0.20-1, the lock says" in told
    assert told.partition("the lock says")[2].count(said) == 1


def test_a_damaged_vault_is_no_edited_lock(deb: LockedPackage, vault: FileVault) -> None:
    """Other bytes than those locked are told as such, not by what they say."""
    place = vault.path(deb.sha256)
    place.chmod(0o644)
    place.write_bytes(place.read_bytes().replace(b"3.0.20-1", b"3.0.19-1"))
    with pytest.raises(Corrupt, match=deb.sha256[:12]):
        contradiction(deb, vault)
