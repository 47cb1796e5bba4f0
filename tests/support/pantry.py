"""Real packages in a vault, and requests for images made of them."""

import os
import subprocess
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from repave.archives.control import paragraphs, source_of
from repave.archives.packages import control_file
from repave.bakers.container.baker import ContainerBaker
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.artifact import Artifact
from repave.model.lock import Ecosystem, Layer, LockedFile, LockedPackage
from repave.model.names import ImageName, ProjectName
from repave.model.recipe import Base, FileMapping, Image, ImageKind
from repave.ports.baker import BakeRequest
from repave.ports.progress import Silent
from repave.ports.surroundings import Surroundings
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault

BAKE = """
import sys
from pathlib import Path
from pydantic import TypeAdapter
from repave.bakers.container.baker import ContainerBaker
from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.ports.baker import BakeRequest
from repave.ports.progress import Silent
from repave.ports.surroundings import Surroundings
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault
root, vault = Path(sys.argv[1]), FileVault(Path(sys.argv[2]))
request = TypeAdapter(BakeRequest).validate_json(sys.stdin.read())
ContainerBaker(Surroundings(project="shop", folder=root / "cache", commands=LocalCommands(), clock=SystemClock(),
    vault=vault, registry=LayoutRegistry(root / "registry"))).bake(request, progress=Silent())
"""

WEB = ImageName("web")
ARCHITECTURE = subprocess.run(
    ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
).stdout.strip()
BASE = Base(distribution="debian", release="bookworm", suites=("bookworm",), architecture=ARCHITECTURE)


@dataclass(frozen=True, kw_only=True)
class Pantry:
    """A vault with everything in it, and requests for images made of it."""

    vault: FileVault
    folder: Path
    debian: tuple[LockedPackage, ...] = ()
    """Debian's essential packages in the base layer, Python above."""

    def deb(self, name: str, postinst: str, *, depends: str = "passwd") -> LockedPackage:
        """A package of our own with one script."""
        tree = self.folder / name
        control = tree / "DEBIAN"
        control.mkdir(parents=True)
        (tree / "usr/share" / name).mkdir(parents=True)
        (tree / "usr/share" / name / "file").write_text(name, encoding="ascii")
        (control / "control").write_text(
            f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n"
            f"Depends: {depends}\nDescription: made for a test\n",
            encoding="ascii",
        )
        (control / "postinst").write_text(postinst, encoding="ascii")
        (control / "postinst").chmod(0o755)
        for folder in (control, *tree.rglob("*/")):
            folder.chmod(0o755)
        target = self.folder / f"{name}_1_all.deb"
        subprocess.run(
            # Ubuntu's compression, so that both are baked.
            ["dpkg-deb", "--root-owner-group", "-Zzstd", "--build", tree, target],
            check=True,
            capture_output=True,
            env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
        )
        return self.locked(target, Layer.PLATFORM)

    def wheel(self, name: str, files: dict[str, str]) -> LockedPackage:
        """A wheel of our own."""
        folder = f"{name}-1.0.dist-info"
        content = {
            **files,
            f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{folder}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        names = [*content, f"{folder}/RECORD"]
        target = self.folder / f"{name}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(target, "w") as archive:
            for path, text in content.items():
                archive.writestr(zipfile.ZipInfo(path), text)
            archive.writestr(zipfile.ZipInfo(f"{folder}/RECORD"), "".join(f"{path},,\n" for path in names))
        return self.locked(target, Layer.PYTHON)

    def locked(self, path: Path, layer: Layer) -> LockedPackage:
        """A file, put into the vault and locked."""
        debian = path.suffix == ".deb"
        name, version, architecture = path.stem.split("_") if debian else (*path.stem.split("-")[:2], "")
        source = source_of(next(paragraphs(control_file(path, name)[0]))) if debian else ("", "")
        return LockedPackage(
            ecosystem=Ecosystem.DEB if debian else Ecosystem.PYPI,
            name=name,
            version=version.replace("%3a", ":"),
            sha256=self.vault.add(path),
            size_bytes=path.stat().st_size,
            origin=f"https://example.org/{path.name}",
            filename=path.name,
            layer=layer,
            images=(WEB,),
            architecture=architecture,
            source=source[0],
            source_version=source[1],
        )

    def file(self, target: str, content: bytes, *, mode: int = 0o644) -> LockedFile:
        """A file of the application."""
        source = self.folder / sha256(content).hexdigest()
        source.write_bytes(content)
        return LockedFile(
            target=target,
            sha256=self.vault.add(source),
            size_bytes=len(content),
            mode=mode,
            origin=f"app/{target.rpartition('/')[2]}",
            images=(WEB,),
        )


def request_of(
    packages: Sequence[LockedPackage], files: Sequence[LockedFile] = (), *, user: str = "www-data"
) -> BakeRequest:
    """A request for the image ``web``."""
    image = Image(
        name=WEB,
        kind=ImageKind.CONTAINER,
        base=BASE,
        files=(FileMapping(source="app/", target="/srv/app/"),),
        run=("python3", "-m", "greeting", "a b", "$HOME"),
        user=user,
    )
    return BakeRequest(image=image, packages=tuple(packages), files=tuple(files))


def bake_in(root: Path, vault: FileVault, request: BakeRequest) -> Artifact:
    """Bake with the baker's and the registry's folders below ``root``."""
    surroundings = Surroundings(
        project=ProjectName("shop"),
        folder=root / "cache",
        commands=LocalCommands(),
        clock=SystemClock(),
        vault=vault,
        registry=LayoutRegistry(root / "registry"),
    )
    return ContainerBaker(surroundings).bake(request, progress=Silent())


def fetched(folder: Path, pantry: Pantry) -> tuple[LockedPackage, ...]:
    """Debian's packages by apt itself: resolved, verified and downloaded with nothing of this machine's state."""
    apt = folder / "apt"
    for part in ("lists/partial", "archives/partial"):
        (apt / part).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(
        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main\n",
        encoding="ascii",
    )
    (apt / "apt.conf").write_text(
        f'Dir::Etc::main "/dev/null";\nDir::Etc::parts "/dev/null";\n'
        f'Dir::Etc::sourcelist "{apt}/sources.list";\nDir::Etc::sourceparts "/dev/null";\n'
        f'Dir::State::lists "{apt}/lists";\nDir::State::status "{apt}/status";\n'
        f'Dir::Cache "{apt}";\nDir::Cache::archives "{apt}/archives";\n'
        f'APT::Architecture "{ARCHITECTURE}";\nAPT::Install-Recommends "false";\nAPT::Sandbox::User "root";\n'
        'Acquire::Languages "none";\n',
        encoding="ascii",
    )
    _apt(apt, "update")
    # usr-is-merged instead of usrmerge, which would bring all of Perl for a conversion that a new root does not need.
    _apt(apt, "install", "--download-only", "?essential", "usr-is-merged")
    base = {path.name for path in (apt / "archives").glob("*.deb")}
    _apt(apt, "install", "--download-only", "?essential", "usr-is-merged", "python3-minimal")
    return tuple(
        pantry.locked(path, Layer.BASE if path.name in base else Layer.PLATFORM)
        for path in sorted((apt / "archives").glob("*.deb"))
    )


def _apt(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["apt-get", "-q", "-y", *arguments],
        check=True,
        env={**os.environ, "APT_CONFIG": os.fspath(folder / "apt.conf"), "DEBIAN_FRONTEND": "noninteractive"},
        stdout=subprocess.PIPE,
    )
