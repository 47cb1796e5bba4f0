"""The pinners and advisories against Debian and PyPI themselves."""

from dataclasses import replace
from pathlib import Path

import pytest

from repave.advisories.debian_security import DebianSecurityAdvisories
from repave.advisories.kept_changelogs import KeptChangelogs
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.lock import Layer, Lock, LockedImage
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, Image, ImageKind
from repave.pinners.debian.archive import DebianArchive
from repave.pinners.debian.pinner import DebianPinner
from repave.pinners.pypi import PypiPinner
from repave.ports.pinner import PinRequest, Refresh
from repave.ports.progress import Silent
from repave.ports.vault import Fetch
from repave.registries.vault import FileVault

pytestmark = [pytest.mark.real, pytest.mark.network]

FROZEN = Base(distribution="debian", release="bookworm", suites=("bookworm",))
REPAIRED = replace(FROZEN, suites=("bookworm", "bookworm-security"))
SHOP = Image(
    name=ImageName("web"),
    kind=ImageKind.CONTAINER,
    base=FROZEN,
    packages=("python3", "ca-certificates"),
    python=("flask ~= 3.0", "gunicorn"),
)


def test_the_security_suite_repairs_what_the_frozen_suite_has(tmp_path: Path) -> None:
    """Openssl's CVEs are found in a lock from the frozen suite, a security lock moves it, and they are gone."""
    commands, vault = LocalCommands(), FileVault(tmp_path / "vault")
    archive = DebianArchive(tmp_path / "apt", commands=commands, clock=SystemClock())
    pinner = DebianPinner(archive=archive, vault=vault, commands=commands)
    changelogs = KeptChangelogs(tmp_path / "changelogs")
    advisories = DebianSecurityAdvisories(archive=archive, vault=vault, changelogs=changelogs)

    def lock(base: Base, previous: Lock, refresh: Refresh) -> Lock:
        image = replace(SHOP, base=base)
        request = PinRequest(image=image, folder=tmp_path, previous=previous, refresh=refresh)
        pins = pinner.pin(request, progress=Silent())
        digest = Digest(f"sha256:{'0' * 64}")
        return Lock(
            images=(LockedImage(name=image.name, kind=image.kind, base=base, recipe=digest),), packages=pins.packages
        )

    frozen = lock(FROZEN, Lock(), Refresh.KEEP)
    layers = {package.name: package.layer for package in frozen.packages}
    assert (layers["base-files"], layers["python3"], layers["openssl"]) == (Layer.BASE, Layer.PLATFORM, Layer.PLATFORM)
    findings, (status,) = advisories.examine(frozen, progress=Silent())
    openssl = next(finding for finding in findings if finding.package == "openssl")
    assert openssl.cves
    assert all(cve.startswith("CVE-") for cve in openssl.cves)
    assert (status.problem, status.as_of is not None) == ("", True)

    repaired = lock(REPAIRED, frozen, Refresh.SECURITY)
    moved = {package.name for package in repaired.packages} - {
        package.name for package in repaired.packages if package in frozen.packages
    }
    assert {"openssl", "libssl3"} <= moved == {finding.package for finding in findings}
    assert advisories.examine(repaired, progress=Silent())[0] == ()

    file = next(package for package in repaired.packages if package.name == "openssl")
    fetch = Fetch(url=file.origin, sha256=file.sha256, size_bytes=file.size_bytes, name=file.name)
    vault.fetch([fetch], progress=Silent())
    vault.verify(file.sha256)


def test_wheels_of_pypi_are_locked_and_fetched(tmp_path: Path) -> None:
    """Flask with a compiled dependency, for bookworm's Python whatever the host's is."""
    commands, vault = LocalCommands(), FileVault(tmp_path / "vault")
    archive = DebianArchive(tmp_path / "apt", commands=commands, clock=SystemClock())
    request = PinRequest(image=SHOP, folder=tmp_path, previous=Lock(), refresh=Refresh.KEEP)
    pinned = DebianPinner(archive=archive, vault=vault, commands=commands).pin(request, progress=Silent()).packages
    pinner = PypiPinner(tmp_path / "pypi", commands=commands, vault=vault)
    found = {
        package.name: package for package in pinner.pin(replace(request, pinned=pinned), progress=Silent()).packages
    }
    assert {"flask", "gunicorn", "werkzeug", "markupsafe"} <= set(found)
    assert "-cp311-cp311-manylinux" in found["markupsafe"].filename
    vault.fetch(
        [
            Fetch(url=package.origin, sha256=package.sha256, size_bytes=package.size_bytes, name=package.filename)
            for package in found.values()
        ],
        progress=Silent(),
    )
    assert all(vault.has(package.sha256) for package in found.values())
