"""Packages that say something of themselves, in a vault, and the artifact that is made of them."""

import os
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from image_maker import MadeImage, digest

from repave.model.artifact import Artifact
from repave.model.lock import Ecosystem, Layer, Lock, LockedFile, LockedImage, LockedPackage
from repave.model.names import Digest, ImageName, ProjectName
from repave.model.recipe import Base, ImageKind
from repave.ports.inventories import Made
from repave.registries.vault import FileVault

WEB = ImageName("web")
BASE = Base(distribution="debian", release="bookworm", suites=("bookworm",))
BUILT = 1700000000
ARTIFACT = Digest(f"sha256:{'ab' * 32}")
LOCK = Digest(f"sha256:{'cd' * 32}")


@dataclass
class Shelf:
    """Builds packages with the distribution's own tools."""

    folder: Path
    packages: list[LockedPackage] = field(default_factory=list)
    files: list[LockedFile] = field(default_factory=list)
    base: Base = BASE

    @property
    def vault(self) -> FileVault:
        """Where they are kept."""
        return FileVault(self.folder / "vault")

    def deb(
        self,
        name: str,
        fields: Mapping[str, str] | None = None,
        *,
        copyright_text: str | None = None,
        documents: str = "",
        version: str = "1.0-1",
    ) -> LockedPackage:
        """A Debian package; ``documents`` is the package whose documents it points to."""
        tree = self.folder / f"{name}-tree"
        (tree / "DEBIAN").mkdir(parents=True)
        told = {
            "Package": name,
            "Version": version,
            "Architecture": "amd64",
            "Maintainer": "Ada Lovelace <ada@example.org>",
            "Description": f"the package {name}\n A longer text.",
            **(fields or {}),
        }
        text = "".join(f"{key}: {value}\n" for key, value in told.items())
        (tree / "DEBIAN/control").write_text(text, encoding="utf-8")
        place = tree / "usr/share/doc" / name
        place.parent.mkdir(parents=True)
        if documents:
            place.symlink_to(documents)
        elif copyright_text is not None:
            place.mkdir()
            (place / "copyright").write_text(copyright_text, encoding="utf-8")
        package = self.folder / f"{name}_{version}_amd64.deb"
        self.build(tree, package)
        return self.lock(package, name, version, Ecosystem.DEB)

    def build(self, tree: Path, package: Path) -> None:
        """The package of what is in ``tree``."""
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "--build", tree, package],
            check=True,
            capture_output=True,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(BUILT)},
        )

    def wheel(self, name: str, metadata: str, *, version: str = "2.0") -> LockedPackage:
        """A wheel whose METADATA ends with these lines."""
        package = self.folder / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(package, "w") as archive:
            head = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n"
            archive.writestr(f"{name}-{version}.dist-info/METADATA", f"{head}{metadata}\n\nA long text.\n")
        return self.lock(package, name, version, Ecosystem.PYPI)

    def lock(self, file: Path, name: str, version: str, ecosystem: Ecosystem) -> LockedPackage:
        """Keep a file, and name it in the lock."""
        debian = ecosystem is Ecosystem.DEB
        package = LockedPackage(
            ecosystem=ecosystem,
            name=name,
            version=version,
            sha256=self.vault.add(file),
            size_bytes=file.stat().st_size,
            origin=f"https://example.org/{file.name}",
            filename=file.name,
            layer=Layer.PLATFORM if debian else Layer.PYTHON,
            images=(WEB,),
            architecture="amd64" if debian else "",
            source=f"{name}-source" if debian else "",
            source_version=version if debian else "",
        )
        self.packages.append(package)
        return package

    def image(self, image: MadeImage) -> None:
        """An image of a registry below, as the pinner locks it; its packages are no distribution's."""
        named = [("manifest.json", image.manifest), ("config.json", image.configuration)]
        named += [(f"layer-{number:02}.tar", image.blobs[one]) for number, one in enumerate(image.packed, 1)]
        for filename, content in named:
            source = self.folder / "blob"
            source.write_bytes(content)
            self.packages.append(
                LockedPackage(
                    ecosystem=Ecosystem.OCI,
                    name="registry.example/team/base",
                    version=digest(image.manifest),
                    sha256=self.vault.add(source),
                    size_bytes=len(content),
                    origin=f"oci://registry.example/team/base@{digest(content)}",
                    filename=filename,
                    layer=Layer.BASE,
                    images=(WEB,),
                    reference="1.2",
                )
            )
        self.base = Base(image="registry.example/team/base:1.2", architecture=image.architecture)

    def file(self, target: str, content: bytes) -> LockedFile:
        """A file of the application."""
        source = self.folder / "file"
        source.write_bytes(content)
        file = LockedFile(
            target=target,
            sha256=self.vault.add(source),
            size_bytes=len(content),
            mode=0o644,
            origin=f"app{target}",
            images=(WEB,),
        )
        self.files.append(file)
        return file

    def made(self) -> Made:
        """The artifact of all of it."""
        image = LockedImage(name=WEB, kind=ImageKind.CONTAINER, base=self.base, recipe=Digest(f"sha256:{'ef' * 32}"))
        return Made(
            project=ProjectName("shop"),
            artifact=Artifact(image=WEB, kind=ImageKind.CONTAINER, digest=ARTIFACT, size_bytes=1, layers=()),
            lock=Lock(images=(image,), packages=tuple(self.packages), files=tuple(self.files)),
            lock_digest=LOCK,
        )
