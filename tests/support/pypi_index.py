"""A Python index as a folder, and a project that locks against it."""

import base64
import hashlib
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from repave.jobs.commands import LocalCommands
from repave.model.lock import Ecosystem, Layer, Lock, LockedPackage
from repave.model.names import ImageName
from repave.model.recipe import Base, Image, ImageKind
from repave.pinners.pypi import PypiPinner
from repave.ports.pinner import Held, PinRequest, Refresh, Repair
from repave.ports.progress import Silent
from repave.registries.vault import FileVault

WEB = ImageName("web")


def deb(name: str, version: str) -> LockedPackage:
    """A Debian package as the pinner before pinned it."""
    return LockedPackage(
        ecosystem=Ecosystem.DEB,
        name=name,
        version=version,
        sha256="0" * 64,
        size_bytes=1,
        origin="http://archive/x.deb",
        filename="x.deb",
        layer=Layer.BASE,
        images=(WEB,),
    )


PYTHON = (deb("python3", "3.11.2-1+b1"), deb("libc6", "2.36-9+deb12u13"))


@dataclass
class PypiWorld:
    """An index, and a project that locks against it."""

    root: Path
    lock: Lock = field(default_factory=Lock)
    architecture: str = "amd64"
    held: tuple[Held, ...] = ()
    """Of the last run."""

    @property
    def vault(self) -> FileVault:
        """The project's."""
        return FileVault(self.root / "vault")

    def wheel(self, name: str, version: str, *, tag: str = "py3-none-any", requires: tuple[str, ...] = ()) -> Path:
        """Publish a wheel."""
        folder = self.root / "index" / name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}-{version}-{tag}.whl"
        information = f"{name}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        metadata += "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
        contents = {
            f"{information}/METADATA": metadata,
            f"{information}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        }
        record = "".join(
            f"{place},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},"
            f"{len(text)}\n"
            for place, text in contents.items()
        )
        with zipfile.ZipFile(path, "w") as archive:
            for place, text in {**contents, f"{information}/RECORD": f"{record}{information}/RECORD,,\n"}.items():
                archive.writestr(zipfile.ZipInfo(place), text)
        self._list(folder)
        return path

    def remove(self, wheel: Path) -> None:
        """Delete a wheel and its listing."""
        wheel.unlink()
        self._list(wheel.parent)

    def run(
        self,
        *requirements: str,
        refresh: Refresh = Refresh.KEEP,
        named: tuple[str, ...] = (),
        repairs: tuple[Repair, ...] = (),
    ) -> dict[str, LockedPackage]:
        """Lock, keep the lock, and answer the packages by name."""
        base = Base(distribution="debian", release="bookworm", suites=("bookworm",), architecture=self.architecture)
        request = PinRequest(
            image=Image(name=WEB, kind=ImageKind.CONTAINER, base=base, python=requirements),
            folder=self.root,
            previous=self.lock,
            refresh=refresh,
            named=named,
            repairs=repairs,
            pinned=PYTHON,
        )
        pinner = PypiPinner(
            self.root / "cache", commands=LocalCommands(), vault=self.vault, index=(self.root / "index").as_uri()
        )
        pins = pinner.pin(request, progress=Silent())
        self.lock = Lock(packages=pins.packages)
        self.held = pins.held
        return {package.name: package for package in pins.packages}

    def versions(
        self, *requirements: str, refresh: Refresh = Refresh.KEEP, named: tuple[str, ...] = ()
    ) -> dict[str, str]:
        """Lock, and answer the versions by name."""
        found = self.run(*requirements, refresh=refresh, named=named)
        return {name: package.version for name, package in found.items()}

    def repaired(self, *requirements: str, **repairs: str | tuple[str, ...]) -> dict[str, str]:
        """Lock with repairs by name and versions, in that order, and answer the versions by name."""
        asked = tuple(
            Repair(
                ecosystem=Ecosystem.PYPI,
                name=name,
                versions=(versions,) if isinstance(versions, str) else versions,
                images=(WEB,),
            )
            for name, versions in repairs.items()
        )
        found = self.run(*requirements, refresh=Refresh.REPAIRS, repairs=asked)
        return {name: package.version for name, package in found.items()}

    def _list(self, folder: Path) -> None:
        links = "".join(
            f'<a href="{wheel.name}#sha256={hashlib.sha256(wheel.read_bytes()).hexdigest()}">{wheel.name}</a>\n'
            for wheel in sorted(folder.glob("*.whl"))
        )
        (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")
