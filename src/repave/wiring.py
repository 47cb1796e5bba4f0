"""The composition root: the one place that names concrete adapters, each made when it is first needed.

Imports stand inside the properties on purpose: `repave status` must not pay for what only `repave bake` uses.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repave.jobs.clock import SystemClock
from repave.jobs.commands import LocalCommands
from repave.model.names import ProviderName
from repave.operations.errors import Refused

if TYPE_CHECKING:
    from repave.advising import Advising
    from repave.controller.converge import Controller
    from repave.controller.ending import Convergence
    from repave.controller.tick import Tick
    from repave.model.lock import Lock, LockedImage, LockedPackage
    from repave.model.names import FleetKey
    from repave.model.project import Environment, Project
    from repave.model.recipe import ImageKind
    from repave.model.release import Release
    from repave.operations.baking import Baked, Baking
    from repave.operations.carrying.pulling import Pulling
    from repave.operations.carrying.pushing import Pushing
    from repave.operations.converge import Settled, Watcher
    from repave.operations.deploy import Deploying
    from repave.operations.destroy import Destroyed
    from repave.operations.documents import Documents
    from repave.operations.integrity.admission import Admission
    from repave.operations.integrity.naming import Naming
    from repave.operations.integrity.records import Integrity
    from repave.operations.integrity.trust import Trust
    from repave.operations.integrity.verifying import Verifying
    from repave.operations.listing import Listing
    from repave.operations.locking import Locking
    from repave.operations.patch import Patching
    from repave.operations.reproduction import Reproducing
    from repave.operations.signing import Signing
    from repave.pinners.debian.archive import DebianArchive
    from repave.pinners.git.exporting import GitExports
    from repave.ports.advisories import Advisories
    from repave.ports.baker import Baker
    from repave.ports.bases import Bases
    from repave.ports.distribution import Distribution
    from repave.ports.logins import Access, Logins
    from repave.ports.pinner import Pinner
    from repave.ports.progress import Progress
    from repave.ports.provider import Machines
    from repave.ports.registry import Registry
    from repave.ports.secrets import Secrets
    from repave.ports.shared_vault import SharedVault
    from repave.ports.signatures import Keys, Signatures, TrustedKey
    from repave.ports.store import Store
    from repave.ports.traffic import Traffic
    from repave.ports.vault import Vault
    from repave.ports.web import Web
    from repave.registries.lines import Lines

PROJECT_FILE = "repave.yaml"
STATE_FOLDER = ".repave"
BALANCER_OF = {"local": "haproxy"}
"""Which balancer spreads requests over the machines of a provider that brings none of its own."""


def project_file(given: Path | None, start: Path) -> Path:
    """The file given, or the nearest ``repave.yaml`` from ``start`` upwards. Raises Refused when there is none."""
    if given is not None:
        file = given / PROJECT_FILE if given.is_dir() else given
        if not file.is_file():
            raise Refused(f"there is no file {given}", hint="`repave init` writes a starter repave.yaml")
        return file.resolve()
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder / PROJECT_FILE
    raise Refused(
        f"there is no {PROJECT_FILE} in {start} or any folder above", hint="`repave init` writes a starter file"
    )


class Wiring:
    """Everything one run of one verb may need, of one project."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.folder = file.parent
        self.clock = SystemClock()
        self.commands = LocalCommands()
        self._opened: list[Any] = []

    def close(self) -> None:
        """Let go of what was opened."""
        while self._opened:
            self._opened.pop().close()

    @cached_property
    def project(self) -> "Project":
        """The file, read. Raises FileError."""
        from repave.config.project import load_project

        return load_project(self.file)

    @cached_property
    def state(self) -> Path:
        """The folder of everything repave keeps for this project; its owner's alone, and not for git."""
        folder = self.folder / STATE_FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        return folder

    @cached_property
    def store(self) -> "Store":
        """The database."""
        from repave.store.sql import SqlStore

        store = SqlStore(f"sqlite:///{self.state / 'store.db'}")
        self._opened.append(store)
        return store

    @cached_property
    def vault(self) -> "Vault":
        """Locked files."""
        from repave.registries.vault import FileVault

        return FileVault(root=self.state / "vault", line=self._line, exports=self.git)

    def _line(self) -> "Lines":
        from repave.registries.lines import Lines
        from repave.registries.shared.places import shared_places

        origins = self.project.origins
        shared = shared_places(self.project.shared_vaults, folder=self.folder)
        return Lines(
            logins=self.logins,
            stand_ins=lambda file: (*shared(file), *(origins.places(file.url) if file.url else ())),
            insecure=origins.insecure,
        )

    @cached_property
    def logins(self) -> "Logins":
        """Who we are to servers: as the file declares, else as ``docker login`` has kept."""
        from repave.secrets.logins import DeclaredLogins, DockerLogins, FirstLogin

        home = os.environ.get("DOCKER_CONFIG", "~/.docker")
        return FirstLogin(
            DeclaredLogins(self.project.origins, secrets=self.secrets),
            DockerLogins(Path(home).expanduser() / "config.json", commands=self.commands),
        )

    @cached_property
    def access(self) -> "Access":
        """How the addresses of others are reached."""
        from repave.ports.logins import Access

        return Access(origins=self.project.origins, logins=self.logins)

    @cached_property
    def shared_vaults(self) -> "tuple[SharedVault, ...]":
        """Those that the file names, in its order."""
        return tuple(self.shared_vault(place) for place in self.project.shared_vaults)

    def shared_vault(self, place: str) -> "SharedVault":
        """The shared vault at a place: a folder, or a repository of a registry."""
        from repave.registries.shared.folder import FolderVault
        from repave.registries.shared.repository import RepositoryVault

        if place.startswith("oci://"):
            return RepositoryVault(place, distribution=self.distribution)
        return FolderVault(self.folder / place)

    @cached_property
    def git(self) -> "GitExports":
        """Git repositories, as files of the vault."""
        from repave.pinners.git.exporting import GitExports
        from repave.pinners.git.program import Git

        git = Git(commands=self.commands, environment=os.environ, logins=self.logins)
        return GitExports(self.state / "cache" / "git", git=git)

    @cached_property
    def registry(self) -> "Registry":
        """Artifacts."""
        from repave.registries.layout import LayoutRegistry

        return LayoutRegistry(root=self.layout)

    @cached_property
    def distribution(self) -> "Distribution":
        """Other people's registries."""
        from repave.registries.oci.pushing import RegistryWriter
        from repave.registries.oci.session import Session

        session = Session(logins=self.logins, insecure=self.project.origins.insecure)
        self._opened.append(session)
        return RegistryWriter(session)

    @property
    def layout(self) -> Path:
        """Where artifacts live: a folder that skopeo reads as ``oci:``."""
        return self.state / "registry"

    @cached_property
    def archive(self) -> "DebianArchive":
        """Debian's package archive."""
        from repave.pinners.debian.archive import DebianArchive

        return DebianArchive(
            root=self.state / "cache" / "apt",
            commands=self.commands,
            clock=self.clock,
            access=self.access,
        )

    @cached_property
    def pinners(self) -> "tuple[Pinner, ...]":
        """Of packages, in the order in which they pin: each sees what the earlier ones pinned."""
        from repave.pinners.base_images import BaseImagePinner
        from repave.pinners.debian.pinner import DebianPinner
        from repave.pinners.fetched import FetchedFilesPinner
        from repave.pinners.git.pinner import GitPinner
        from repave.pinners.npm.pinner import NpmPinner
        from repave.pinners.pypi import PypiPinner

        return (
            BaseImagePinner(distribution=lambda: self.distribution, vault=self.vault),
            DebianPinner(archive=self.archive, vault=self.vault, commands=self.commands),
            PypiPinner(
                root=self.state / "cache" / "pypi",
                vault=self.vault,
                commands=self.commands,
                access=self.access,
            ),
            NpmPinner(vault=self.vault),
            FetchedFilesPinner(vault=self.vault),
            GitPinner(root=self.state / "cache" / "git", exports=self.git, vault=self.vault),
        )

    def purl(self, package: "LockedPackage", image: "LockedImage") -> str:
        """What other tools call a locked package."""
        from repave.attestations.sbom.purls import purl

        return purl(package, image)

    @cached_property
    def web(self) -> "Web":
        """Servers that are asked questions."""
        from repave.registries.web import WebClient

        client = WebClient()
        self._opened.append(client)
        return client

    @cached_property
    def advisories(self) -> "tuple[Advisories, ...]":
        """The distribution's security suites, and what the file names, as one."""
        return (self.advising.advisories(archive=self.archive, bases=self.bases),)

    @cached_property
    def advising(self) -> "Advising":
        """Sources of advisories, put together."""
        from repave.advising import Advising

        return Advising(
            self.project, folder=self.folder, state=self.state, vault=self.vault, web=lambda: self.web, clock=self.clock
        )

    @cached_property
    def bases(self) -> "Bases":
        """What images below ours say of what is in them."""
        from repave.attestations.sbom.below import BelowReader

        return BelowReader(vault=self.vault, folder=self.state / "cache" / "packages")

    @cached_property
    def secrets(self) -> "Secrets":
        """Resolved at launch, from this process's environment and this machine's files."""
        from repave.secrets.references import ReferenceSecrets

        return ReferenceSecrets(folder=self.folder, environment=os.environ)

    @cached_property
    def bakers(self) -> "Mapping[ImageKind, Baker]":
        """Every installed baker by its kind."""
        from importlib.metadata import entry_points

        found = (self._load("repave.bakers", point.name) for point in entry_points(group="repave.bakers"))
        return {baker.kind: baker for baker in found}

    def machines(self, provider: ProviderName) -> "Machines":
        """The provider of that name, made once."""
        machines: Machines = self._adapter("repave.providers", provider)
        return machines

    def traffic(self, provider: ProviderName) -> "Traffic":
        """The balancer in front of that provider's machines, made once."""
        traffic: Traffic = self._adapter("repave.balancers", BALANCER_OF.get(provider, provider))
        return traffic

    @cached_property
    def _made(self) -> dict[tuple[str, str], Any]:
        return {}

    def _adapter(self, group: str, name: str) -> Any:  # noqa: ANN401 - which port it is follows from the group
        if (group, name) not in self._made:
            self._made[group, name] = self._load(group, name)
        return self._made[group, name]

    def _load(self, group: str, name: str) -> Any:  # noqa: ANN401 - which port it is follows from the group
        from importlib.metadata import entry_points

        from repave.ports.surroundings import Surroundings

        points = entry_points(group=group, name=name)
        if not points:
            known = ", ".join(sorted(point.name for point in entry_points(group=group)))
            raise Refused(f"`{name}` is not installed ({group})", hint=f"installed: {known or 'none'}")
        surroundings = Surroundings(
            project=self.project.name,
            folder=self.state / name,
            commands=self.commands,
            clock=self.clock,
            vault=self.vault,
            registry=self.registry,
        )
        return next(iter(points)).load()(surroundings)

    @cached_property
    def locking(self) -> "Locking":
        """The lock of this project."""
        from repave.operations.locking import Locking
        from repave.pinners.files import FilesPinner
        from repave.pinners.npm.pinner import NpmPinner

        return Locking(
            project=self.project,
            folder=self.folder,
            pinners=self.pinners,
            files=FilesPinner(vault=self.vault),
            vault=self.vault,
            foreign=(NpmPinner(vault=self.vault),),
        )

    @cached_property
    def baking(self) -> "Baking":
        """Releases of this project."""
        from repave.operations.baking import Baking, Shelves

        shelves = Shelves(catalog=self.store, registry=self.registry, vault=self.vault, documents=self.documents)
        return Baking(project=self.project, bakers=self.bakers, shelves=shelves, clock=self.clock)

    def bake(self, lock: "Lock", progress: "Progress") -> "Baked":
        """Bake a lock of this folder, and sign what was made: its text and the source's revision are looked up here."""
        from repave.config.lockfile import lock_digest
        from repave.operations.source import source_revision

        source = source_revision(self.folder, lock.files, self.commands)
        return self.signing.bake(lambda: self.baking.bake(lock, lock_digest(lock), source, progress), progress)

    @cached_property
    def documents(self) -> "Documents":
        """What artifacts are made of, and how: made, kept beside them, found again."""
        from importlib.metadata import version

        from repave.attestations.provenance import BakeProvenance
        from repave.attestations.sbom.listing import PackageInventories
        from repave.operations.documents import Documents

        own, folder = version("repave"), self.state / "cache" / "packages"
        return Documents(
            attachments=self.registry,
            inventories=PackageInventories(vault=self.vault, folder=folder, version=own),
            provenances=BakeProvenance(version=own),
        )

    @cached_property
    def listing(self) -> "Listing":
        """The same, of what was released."""
        from repave.operations.listing import Listing

        return Listing(project=self.project.name, catalog=self.store, documents=self.documents)

    @cached_property
    def reproducing(self) -> "Reproducing":
        """Bakes again, beside what was baked."""
        from repave.operations.reproduction import Reproducing

        return Reproducing(bakers=self.bakers, registry=self.registry, scratch=self._scratch_registry)

    @cached_property
    def keys(self) -> "Keys":
        """Private and public keys that the file names."""
        from repave.attestations.signatures.opening import DeclaredKeys

        return DeclaredKeys(folder=self.folder, secrets=self.secrets)

    @cached_property
    def signatures(self) -> "Signatures":
        """What is signed, beside the artifacts."""
        from repave.attestations.signatures.cosign import CosignSignatures

        return CosignSignatures(self.registry)

    @cached_property
    def signing(self) -> "Signing":
        """Of every bake."""
        from repave.operations.signing import Signing

        return Signing(
            project=self.project.name,
            settings=self.project.signing,
            keys=self.keys,
            signatures=self.signatures,
            statements=self.listing.statements,
        )

    def trust(self, further: "Iterable[TrustedKey]" = ()) -> "Trust":
        """By the keys that the file names, and further ones."""
        from repave.operations.integrity.trust import Trust

        named = (self.keys.trusted(name) for name in self.project.signing.verify)
        return Trust(signatures=self.signatures, keys=(*named, *further))

    @cached_property
    def admission(self) -> "Admission":
        """What a release must be before anything of it is started."""
        from repave.operations.integrity.admission import Admission

        return Admission(integrity=self.integrity, trust=self.trust())

    @cached_property
    def integrity(self) -> "Integrity":
        """Whether artifacts are as they were baked, by their documents."""
        from repave.operations.integrity.records import Integrity

        return Integrity(project=self.project.name, catalog=self.store, registry=self.registry)

    def verifying(self, keys: "Iterable[TrustedKey]" = ()) -> "Verifying":
        """The same and more, every byte."""
        from repave.operations.integrity.verifying import Verifying

        return Verifying(
            project=self.project.name,
            catalog=self.store,
            registry=self.registry,
            vault=self.vault,
            trust=self.trust(keys),
        )

    @cached_property
    def naming(self) -> "Naming":
        """Artifacts by what people call them."""
        from repave.operations.integrity.naming import Naming

        return Naming(catalog=self.store, registry=self.registry)

    @cached_property
    def pushing(self) -> "Pushing":
        """Artifacts to other registries."""
        from repave.operations.carrying.pushing import Pushing

        return Pushing(registry=self.registry, distribution=self.distribution)

    @cached_property
    def pulling(self) -> "Pulling":
        """And from there."""
        from repave.operations.carrying.pulling import Pulling

        return Pulling(registry=self.registry, distribution=self.distribution, trust=self.trust(), scratch=self.state)

    @contextmanager
    def _scratch_registry(self) -> Iterator["Registry"]:
        from tempfile import TemporaryDirectory

        from repave.registries.layout import LayoutRegistry

        with TemporaryDirectory(prefix="again-", dir=self.state) as folder:
            yield LayoutRegistry(root=Path(folder))

    def publish(self, environment: "Environment", release: "Release", progress: "Progress") -> None:
        """Make a release startable where an environment lives."""
        from repave.operations.keys import fleets_of
        from repave.operations.publishing import publish

        fleets = fleets_of(self.project, environment)
        publish(
            release,
            fleets,
            store=self.store,
            machines=self.machines(environment.provider),
            admission=self.admission,
            progress=progress,
        )

    @cached_property
    def deploying(self) -> "Deploying":
        """Intent, and its end."""
        from repave.operations.deploy import Deploying

        return Deploying(project=self.project, store=self.store, clock=self.clock, converge=self.converge)

    @cached_property
    def patching(self) -> "Patching":
        """The mission."""
        from repave.operations.patch import Patching

        return Patching(project=self.project, locking=self.locking, advisories=self.advisories, store=self.store)

    def destroy(self, environment: "Environment", watcher: "Watcher") -> "tuple[Destroyed, ...]":
        """End an environment."""
        from repave.operations.destroy import Destroying
        from repave.operations.keys import fleets_of

        destroying = Destroying(
            store=self.store,
            clock=self.clock,
            machines=self.machines(environment.provider),
            traffic=self.traffic(environment.provider),
            converge=self.converge,
        )
        return destroying.destroy(fleets_of(self.project, environment), watcher)

    def converge(self, fleets: "tuple[FleetKey, ...]", *, watcher: "Watcher") -> "tuple[Settled, ...]":
        """Hand the fleets of one environment to a controller; see ``repave.operations.converge``."""
        if not fleets:
            return ()
        convergences = self._controller(fleets, watcher).converge(fleets)
        return tuple(_settled(convergence) for convergence in convergences)

    def keep(self, environment: "Environment", watcher: "Watcher") -> None:
        """Have a controller look after an environment until Ctrl-C."""
        from repave.operations.keys import fleets_of

        fleets = fleets_of(self.project, environment)
        self._controller(fleets, watcher).keep(fleets, until=lambda: False)

    def _controller(self, fleets: "tuple[FleetKey, ...]", watcher: "Watcher") -> "Controller":
        from repave.config.policies import fleet_policy
        from repave.controller.converge import Controller
        from repave.controller.holders import this_process
        from repave.controller.ports import Declared, Ports
        from repave.operations.frontends import frontend

        provider = self.project.environments[fleets[0].environment].provider

        def told(tick: "Tick") -> None:
            if tick.plan is not None and tick.observation is not None:
                watcher(tick.plan, tick.observation)

        return Controller(
            Ports(
                store=self.store,
                machines=self.machines(provider),
                traffic=self.traffic(provider),
                secrets=self.secrets,
                clock=self.clock,
            ),
            Declared(
                policy=lambda key: fleet_policy(self.project, key.environment, key.fleet),
                frontend=lambda key: frontend(self.project, key),
            ),
            holder=this_process(),
            on_tick=told,
        )


def _settled(convergence: "Convergence") -> "Settled":
    from repave.model.plan import Phase
    from repave.operations.converge import Settled

    return Settled(
        fleet=convergence.fleet,
        reached=convergence.reached,
        rolled_back=convergence.rolled_back,
        timed_out=convergence.timed_out,
        paused=convergence.phase is Phase.PAUSED,
        release=convergence.release,
        reason=convergence.reason,
        size=convergence.size,
        serving=convergence.serving,
        endpoint=convergence.endpoint,
    )
