"""A small signed archive, Debian's or Ubuntu's, as a folder, and a project that locks against it."""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.lock import Lock, LockedImage, LockedPackage
from repave.model.names import Digest, ImageName
from repave.model.origins import Origins
from repave.model.recipe import Base, Image, ImageKind
from repave.pinners.debian.archive import DebianArchive
from repave.pinners.debian.pinner import DebianPinner
from repave.ports.commands import Commands
from repave.ports.logins import Access, Logins, NoLogins
from repave.ports.pinner import PinRequest, Refresh
from repave.ports.progress import Silent
from repave.registries.vault import FileVault

SUITE, UPDATES, SECURITY = "bookworm", "bookworm-updates", "bookworm-security"
COMMANDS = LocalCommands()


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A key made for the tests, and the keyring that trusts it."""

    home: Path
    keyring: Path

    def clearsign(self, text: str) -> str:
        """The text, signed within."""
        done = COMMANDS.run(
            ("gpg", "--homedir", str(self.home), "--batch", "--clearsign", "--output", "-"), stdin=text.encode()
        )
        return done.stdout.decode()


def new_key(home: Path) -> SigningKey:
    """A new key in a folder of its own."""
    home.mkdir(mode=0o700)
    gpg = ("gpg", "--homedir", str(home), "--batch", "--quiet")
    COMMANDS.run((*gpg, "--passphrase", "", "--quick-generate-key", "Archive <a@example.org>", "ed25519", "sign"))
    keyring = home / "keyring.gpg"
    keyring.write_bytes(COMMANDS.run((*gpg, "--export")).stdout)
    return SigningKey(home=home, keyring=keyring)


def end_key(key: SigningKey) -> None:
    """Let no agent outlive the tests."""
    COMMANDS.run(("gpgconf", "--homedir", str(key.home), "--kill", "all"))


@dataclass
class Upstream:
    """An archive as a folder: packages are built once, suites are published as often as a story needs."""

    root: Path
    key: SigningKey
    built: dict[tuple[str, str], str] = field(default_factory=dict)
    compression: str = "none"
    """As ``dpkg-deb -Z`` takes it."""

    architecture: str = "amd64"

    @property
    def mirror(self) -> str:
        """Its address."""
        return self.root.as_uri()

    def publish(
        self,
        suite: str,
        packages: Mapping[str, str],
        *,
        universe: Mapping[str, str] | None = None,
        key: SigningKey | None = None,
        valid_for: timedelta = timedelta(days=7),
        release: Callable[[str], str] = lambda text: text,
    ) -> None:
        """Have ``suite`` list exactly these: ``name version`` to further control fields; ``universe`` is Ubuntu's."""
        components = {"main": packages} if universe is None else {"main": packages, "universe": universe}
        indexes = {
            component: "".join(self._package(named, fields) for named, fields in listed.items())
            for component, listed in components.items()
        }
        self._list(suite, indexes, key=key or self.key, valid_for=valid_for, release=release)

    def carry(self, suite: str, components: Mapping[str, Iterable[Path]]) -> None:
        """Have ``suite`` list exactly these packages, which others built, by component."""
        indexes = {component: "".join(map(self._carried, files)) for component, files in components.items()}
        self._list(suite, indexes, key=self.key, valid_for=timedelta(days=7), release=lambda text: text)

    def _list(
        self,
        suite: str,
        indexes: Mapping[str, str],
        *,
        key: SigningKey,
        valid_for: timedelta,
        release: Callable[[str], str],
    ) -> None:
        place = self.root / "dists" / suite
        hashes = ""
        for component, content in indexes.items():
            name = f"{component}/binary-{self.architecture}/Packages"
            index = place / name
            index.parent.mkdir(parents=True, exist_ok=True)
            index.write_text(content)
            hashes += f" {hashlib.sha256(index.read_bytes()).hexdigest()} {index.stat().st_size} {name}\n"
        now = datetime.now(UTC)
        text = (
            f"Origin: Test\nSuite: {suite}\nCodename: {suite}\nArchitectures: {self.architecture}\n"
            f"Components: {' '.join(indexes)}\n"
            f"Date: {format_datetime(now - timedelta(days=1), usegmt=True)}\n"
            f"Valid-Until: {format_datetime(now - timedelta(days=1) + valid_for, usegmt=True)}\n"
            f"SHA256:\n{hashes}"
        )
        (place / "InRelease").write_text(key.clearsign(release(text)))

    def remove(self, name: str, version: str) -> None:
        """Delete the package's file, as archives do with old ones."""
        (self.root / self._pool(name, version)).unlink()

    def _package(self, named: str, fields: str) -> str:
        name, version = named.split()
        control = (
            f"Package: {name}\nVersion: {version}\nArchitecture: {self.architecture}\n"
            f"Maintainer: Test <t@example.org>\nDescription: test\n{fields}"
        )
        control = control if control.endswith("\n") else f"{control}\n"
        if (name, version) not in self.built:
            self.built[name, version] = control
            tree = self.root / "build" / f"{name}_{version.replace(':', '%')}"
            (tree / "DEBIAN").mkdir(parents=True)
            (tree / "DEBIAN" / "control").write_text(control)
            package = self.root / self._pool(name, version)
            package.parent.mkdir(parents=True, exist_ok=True)
            COMMANDS.run(
                ("dpkg-deb", "--build", "--root-owner-group", f"-Z{self.compression}", str(tree), str(package))
            )
        package = self.root / self._pool(name, version)
        return self._paragraph(self.built[name, version], package) if package.exists() else ""

    def _carried(self, file: Path) -> str:
        package = self.root / "pool/carried" / file.name
        package.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, package)
        return self._paragraph(COMMANDS.run(("dpkg-deb", "--field", str(package))).stdout.decode(), package)

    def _paragraph(self, control: str, package: Path) -> str:
        digest = hashlib.sha256(package.read_bytes()).hexdigest()
        place = package.relative_to(self.root).as_posix()
        return f"{control}Filename: {place}\nSize: {package.stat().st_size}\nSHA256: {digest}\n\n"

    def _pool(self, name: str, version: str) -> str:
        return f"pool/main/{name[0]}/{name}_{version.partition(':')[2] or version}_{self.architecture}.deb"


@dataclass
class Locking:
    """Locks one image again and again, as a person does over months."""

    upstream: Upstream
    folder: Path
    vault: FileVault
    distribution: str = "debian"
    release: str = SUITE
    suites: tuple[str, ...] = (SUITE,)
    lock: Lock = field(default_factory=Lock)
    mirror: str = ""
    """Where to look instead of the archive's folder."""

    keyring: Path | None = None
    """What to trust instead of the archive's key."""

    declared_keyring: str = ""
    """What the file itself says is to be trusted."""

    origins: Origins = field(default_factory=Origins)
    """What stands in for the mirror's address."""

    logins: Logins = field(default_factory=NoLogins)
    fresh_seconds: float = 0.0
    """The archive changes more often here than any other does."""

    commands: Commands = COMMANDS
    remarks: tuple[str, ...] = ()
    """Of the last run."""

    def base(self) -> Base:
        """What the image draws from."""
        return Base(
            distribution=self.distribution,
            release=self.release,
            architecture=self.upstream.architecture,
            suites=self.suites,
            mirror=self.mirror or self.upstream.mirror,
            keyring=self.declared_keyring,
        )

    def archive(self) -> DebianArchive:
        """A new one, as each run of the command has."""
        return DebianArchive(
            self.folder / "apt cache",
            commands=self.commands,
            clock=SystemClock(),
            keyring=self.keyring or self.upstream.key.keyring,
            access=Access(origins=self.origins, logins=self.logins),
            fresh_seconds=self.fresh_seconds,
        )

    def pinner(self) -> DebianPinner:
        """A new one, as each run of the command has."""
        return DebianPinner(archive=self.archive(), vault=self.vault, commands=COMMANDS)

    def run(
        self,
        *packages: str,
        refresh: Refresh = Refresh.KEEP,
        named: tuple[str, ...] = (),
        image: str = "web",
        python: tuple[str, ...] = (),
        kind: ImageKind = ImageKind.CONTAINER,
    ) -> dict[str, LockedPackage]:
        """Lock, keep the lock, and answer the packages by name."""
        recipe = Image(name=ImageName(image), kind=kind, base=self.base(), packages=packages, python=python)
        request = PinRequest(image=recipe, folder=self.folder, previous=self.lock, refresh=refresh, named=named)
        pins = self.pinner().pin(request, progress=Silent())
        self.remarks = pins.remarks
        others = tuple(package for package in self.lock.packages if recipe.name not in package.images)
        images = {locked.name: locked for locked in self.lock.images}
        images[recipe.name] = LockedImage(
            name=recipe.name, kind=recipe.kind, base=recipe.base, recipe=Digest(f"sha256:{'0' * 64}")
        )
        self.lock = Lock(images=tuple(images.values()), packages=(*others, *pins.packages))
        return {package.name: package for package in pins.packages}

    def versions(self, *packages: str, refresh: Refresh = Refresh.KEEP, named: tuple[str, ...] = ()) -> dict[str, str]:
        """Lock, and answer the versions by name, without what is essential."""
        found = self.run(*packages, refresh=refresh, named=named)
        return {name: package.version for name, package in found.items() if name != "base-files"}
