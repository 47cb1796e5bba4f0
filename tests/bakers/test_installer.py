"""What a machine does that installs itself: exactly the locked packages and layers, from wherever they can be had."""

import os
import subprocess
import tarfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from served_mirror import served

from repave.bakers.disk import installer
from repave.bakers.disk.installer import Failed, Shelf, install, installed, main, shelf_here
from repave.bakers.rootfs.installation import LAYERS_UNPACKING

BASE = "base all 1.0"


class Workshop:
    """A root in which dpkg knows one package, and files to install in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.disk = folder / "disk"
        self.disk.mkdir()
        for name in ("info", "updates", "triggers"):
            (self.root / "var/lib/dpkg" / name).mkdir(parents=True)
        (self.root / "var/lib/dpkg/status").touch()
        (self.root / "etc").mkdir()
        (self.root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nweb:x:7:8::/:/bin/false\n")
        subprocess.run(
            ["dpkg", f"--root={self.root}", "--install", self._deb("base", "1.0", {})], check=True, capture_output=True
        )

    def package(
        self, name: str, *, version: str = "1.0", needs: str = "", stored: str = "disk", script: str = ""
    ) -> dict[str, Any]:
        """A package as a manifest names it; its file is in the folder ``stored``, or nowhere."""
        built = self._deb(name, version, {"Pre-Depends": needs} if needs else {}, script)
        return self._stored(built, f"{name} {version}", stored)

    def layer(self, files: Mapping[str, bytes]) -> dict[str, Any]:
        """A layer on the disk."""
        place = self.folder / "layer.tar"
        with tarfile.open(place, "w") as tar:
            for name, content in files.items():
                (self.folder / "content").write_bytes(content)
                tar.add(self.folder / "content", name)
        return self._stored(place, "the layer application", "disk")

    def manifest(self, *packages: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON holds
        """What is to be installed: all of it, and nothing else."""
        return {
            "packages": list(packages),
            "layers": [],
            "tar": list(LAYERS_UNPACKING),
            "installed": sorted(
                [BASE, *(f"{one['name'].split()[0]} all {one['name'].split()[1]}" for one in packages)]
            ),
            "accounts": {"web": [7, 8]},
            "files": {},
            "links": [],
            **more,
        }

    def install(self, manifest: dict[str, Any], *, mirror: str = "") -> None:
        """Install it from the disk, or elsewhere."""
        install(manifest, self.root, Shelf(self.root, disk=self.disk, mirror=mirror))

    def _deb(self, name: str, version: str, fields: Mapping[str, str], script: str = "") -> Path:
        tree = self.folder / "trees" / f"{name}-{version}"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "usr/share" / name).mkdir(parents=True)
        (tree / "usr/share" / name / "version").write_text(version)
        said = {
            "Package": name,
            "Version": version,
            "Architecture": "all",
            "Maintainer": "A <a@example.org>",
            "Description": name,
            **fields,
        }
        (tree / "DEBIAN/control").write_text("".join(f"{key}: {value}\n" for key, value in said.items()))
        if script:
            (tree / "DEBIAN/postinst").write_text(f"#!/bin/sh\n{script}\n")
            (tree / "DEBIAN/postinst").chmod(0o755)
        built = self.folder / f"{name}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, built], check=True, capture_output=True)
        return built

    def _stored(self, place: Path, name: str, folder: str) -> dict[str, Any]:
        content = place.read_bytes()
        digest = sha256(content).hexdigest()
        if folder:
            (self.folder / folder).mkdir(exist_ok=True)
            (self.folder / folder / digest).write_bytes(content)
        return {"name": name, "sha256": digest, "size": len(content), "url": ""}


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """Of a folder of its own."""
    return Workshop(tmp_path)


def test_packages_layers_and_settings_are_installed(workshop: Workshop) -> None:
    """What needs another first waits for it; the application's unit is there only after all else."""
    needing = workshop.package("aardvark", needs="zebra")
    layer = workshop.layer({"srv/app/page": b"hello"})
    unit = {"etc/systemd/system/a.service": "[Unit]\n"}
    link = "etc/systemd/system/multi-user.target.wants/a.service"
    links = [(link, "/etc/systemd/system/a.service")]
    told = workshop.manifest(needing, workshop.package("zebra"), layers=[layer], files=unit, links=links)
    workshop.install(told)
    assert installed(workshop.root) == ["aardvark all 1.0", BASE, "zebra all 1.0"]
    assert (workshop.root / "srv/app/page").read_text() == "hello"
    assert (workshop.root / "etc/systemd/system/a.service").stat().st_mode & 0o777 == 0o644
    assert (workshop.root / link).is_symlink()


@pytest.mark.real
@pytest.mark.parametrize("wrong", [b"", b"not a package"])
def test_what_the_disk_lacks_comes_from_the_mirror_or_the_origin(workshop: Workshop, wrong: bytes) -> None:
    """A file with other bytes is as none; what was fetched does not stay."""
    mirrored, original = workshop.package("one", stored="mirror"), workshop.package("two", stored="origin")
    original["url"] = (workshop.folder / "origin" / original["sha256"]).as_uri()
    if wrong:
        for file in (mirrored, original):
            (workshop.disk / file["sha256"]).write_bytes(wrong)
    with served({place.name: place for place in (workshop.folder / "mirror").iterdir()}) as mirror:
        workshop.install(workshop.manifest(mirrored, original), mirror=f"{mirror.url}/")
    assert installed(workshop.root) == [BASE, "one all 1.0", "two all 1.0"]
    assert not (workshop.root / "var/cache/repave").exists()


@pytest.mark.parametrize("end", ["", "; exit 1"])
def test_no_service_is_started_while_packages_are_installed(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """Whoever asks whether it may start is told no; afterwards, however it ended, nothing stands in the way."""
    # There is no shell in the root: its packages' scripts are run outside of it.
    monkeypatch.setattr(installer, "OPTIONS", (*installer.OPTIONS, "--force-script-chrootless"))
    policy = f"{workshop.root}/usr/sbin/policy-rc.d"
    asked = workshop.package("served", script=f"{policy} served start; echo $? >{workshop.folder}/told{end}")
    if end:
        assert "not locked served all 1.0 (iF)" in refusal(workshop, workshop.manifest(asked))
    else:
        workshop.install(workshop.manifest(asked))
    assert (workshop.folder / "told").read_text() == "101\n"
    assert not Path(policy).exists()


def test_what_starts_the_application_never_outlasts_the_rest(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk has all of it before there is a link to any of it, should the power fail."""
    seen: list[tuple[bool, bool]] = []
    page, link = workshop.root / "srv/page", workshop.root / "etc/wanted"
    monkeypatch.setattr(os, "sync", lambda: seen.append((page.exists(), link.is_symlink())))
    workshop.install(workshop.manifest(layers=[workshop.layer({"srv/page": b"a"})], links=[("etc/wanted", "/etc/a")]))
    assert seen == [(True, False)]
    assert link.is_symlink()


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with what programs of the machine were asked; they do nothing."""
    said = tmp_path / "asked"
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("mount", "umount", "systemctl"):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{said}\n')
        (programs / name).chmod(0o755)
    monkeypatch.setitem(installer.ENVIRONMENT, "PATH", f"{programs}:/usr/bin:/bin")
    return said


def test_machine_that_cannot_say_why_is_off_all_the_same(
    tmp_path: Path, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no console, and its manifest is none."""
    monkeypatch.setattr(installer, "CONSOLE", str(tmp_path / "missing" / "console"))
    (tmp_path / "manifest").write_text("{")
    with pytest.raises(FileNotFoundError):
        main(tmp_path / "manifest")
    assert asked.read_text() == "systemctl poweroff --force --force\n"


def test_disk_with_the_files_does_not_stay(tmp_path: Path, asked: Path) -> None:
    """It is mounted for as long as it is needed."""
    (tmp_path / "device").touch()
    named = {"label": str(tmp_path / "device"), "mirror": str(tmp_path / "none")}
    with shelf_here(named, tmp_path):
        assert asked.read_text().startswith("mount -t iso9660 -o ro,nodev,nosuid,noexec ")
    assert asked.read_text().endswith(f"umount {tmp_path}/files\n")


def refusal(workshop: Workshop, manifest: dict[str, Any]) -> str:
    """Why it cannot be installed."""
    with pytest.raises(Failed) as refused:
        workshop.install(manifest)
    return str(refused.value)


def test_nothing_is_installed_when_one_file_cannot_be_had(workshop: Workshop) -> None:
    """The reason names the file, and each place with what was wrong there."""
    missing = workshop.package("two", stored="")
    missing["url"] = (workshop.folder / "nowhere").as_uri()
    told = refusal(workshop, workshop.manifest(workshop.package("one"), missing, files={"etc/a": "b"}))
    assert told.startswith(f"two 1.0 (sha256 {missing['sha256']}) cannot be had: the disk: ")
    assert "nowhere" in told
    assert installed(workshop.root) == [BASE]
    assert not (workshop.root / "etc/a").exists()


def test_mirror_that_is_no_address_is_told(workshop: Workshop) -> None:
    """As any other place at which the file is not."""
    missing = workshop.package("one", stored="")
    with pytest.raises(Failed, match=r"nowhere/.*: unknown url type: 'nowhere/"):
        workshop.install(workshop.manifest(missing), mirror="nowhere")


def test_other_bytes_are_refused(workshop: Workshop) -> None:
    """From the disk and from an address; of that no more is taken than the file must have."""
    file = workshop.package("one")
    (workshop.disk / file["sha256"]).write_bytes(b"other")
    longer = workshop.folder / "longer"
    longer.write_bytes(b"x" * (file["size"] + 1))
    told = refusal(workshop, workshop.manifest({**file, "url": longer.as_uri()}))
    assert f"the disk: it has the sha256 {sha256(b'other').hexdigest()}" in told
    assert f"it is longer than {file['size']} bytes" in told


def test_packages_that_are_not_the_locked_ones_are_refused(workshop: Workshop) -> None:
    """One too many, one of another version, one that dpkg refuses: each is named."""
    told = workshop.manifest(workshop.package("one", version="2.0"), workshop.package("bad", needs="absent"))
    told["installed"] = [BASE, "one all 1.0"]
    reason = refusal(workshop, told)
    assert "missing one all 1.0; not locked " in reason
    assert "one all 2.0" in reason
    assert "absent" in reason


def test_accounts_with_other_numbers_are_refused(workshop: Workshop) -> None:
    """The layers' files would belong to another; none of them is laid."""
    layer = workshop.layer({"srv/page": b"hello"})
    told = refusal(workshop, workshop.manifest(layers=[layer], accounts={"web": [7, 9]}))
    assert told == "the user web has the numbers [7, 8], and [7, 9] in the image"
    assert not (workshop.root / "srv").exists()
