"""A whole project over a simulated world: real store, vault, registry, controller; invented packages, advisories."""

from pathlib import Path

from invented import (
    InventedAdvisories,
    InventedBaker,
    InventedChecks,
    InventedInventories,
    InventedPinner,
    InventedSecrets,
)
from kept_store import new_store

from repave.attestations.provenance import BakeProvenance
from repave.attestations.signatures.cosign import CosignSignatures
from repave.attestations.signatures.opening import DeclaredKeys
from repave.attestations.signatures.ssh import SshSignatures
from repave.config.gates import holidays_in
from repave.config.lockfile import lock_digest
from repave.config.policies import fleet_policy
from repave.config.project import parse_project
from repave.controller.converge import Controller
from repave.controller.pace import Pace
from repave.controller.ports import Declared, Ports
from repave.jobs.check_logs import FolderLogs
from repave.jobs.commands import LocalCommands
from repave.model.evidence import Checked
from repave.model.lock import Lock
from repave.model.names import FleetKey, ReleaseNumber
from repave.model.pipeline import Enter, PipelinePlan
from repave.model.plan import Phase
from repave.model.project import Environment, Project
from repave.model.release import Release
from repave.operations.admission import Admission
from repave.operations.baking import Baked, Baking, Shelves
from repave.operations.converge import Settled, Watcher, unwatched
from repave.operations.deploy import Deploying, DeployResult
from repave.operations.destroy import Destroying
from repave.operations.documents import Documents
from repave.operations.frontends import frontend
from repave.operations.integrity.naming import Naming
from repave.operations.integrity.records import Integrity
from repave.operations.integrity.trust import Trust
from repave.operations.integrity.verifying import Verifying
from repave.operations.keys import fleets_of
from repave.operations.listing import Listing
from repave.operations.locked import Locked
from repave.operations.locking import Asked, Locking
from repave.operations.patch import Patching
from repave.operations.promoting.authors import Authors
from repave.operations.promoting.check_files import CheckFiles
from repave.operations.promoting.checking import Bench, Checking
from repave.operations.promoting.deciding import Deciding
from repave.operations.promoting.exposures import Exposing
from repave.operations.promoting.gathering import Gathering, Sources
from repave.operations.promoting.measuring import Measuring
from repave.operations.promoting.promoting import Promoting
from repave.operations.promoting.speaking import Speaking
from repave.operations.promoting.walking import Walk, walk
from repave.operations.publishing import publish
from repave.operations.revoking.covering import Covering
from repave.operations.revoking.revoking import Revoking
from repave.operations.revoking.subjects import Subjects
from repave.operations.signing import Signing
from repave.pinners.files import FilesPinner
from repave.ports.advisories import Advisories
from repave.ports.progress import Silent
from repave.ports.traffic import Traffic
from repave.registries.layout import LayoutRegistry
from repave.registries.vault import FileVault
from repave.secrets.references import ReferenceSecrets
from repave.simulation.balancer import SimulatedBalancer
from repave.simulation.metrics import SimulatedMetrics
from repave.simulation.provider import SimulatedProvider
from repave.simulation.world import World

FILE = """
project: shop
images:
  web:
    kind: container
    base: {distribution: debian, release: bookworm, suites: [bookworm, bookworm-security]}
    packages: [openssl]
    files: {app/: /srv/app/}
    run: python3 app.py
fleets:
  web:
    image: web
    port: 8080
    health: {interval: 200ms, timeout: 200ms, healthy: 2, unhealthy: 3, grace: 3s}
environments:
  test: {provider: local, zones: [a, b], fleets: {web: {size: 3}}, config: {GREETING: hello}}
  prod: {provider: local, zones: [a, b], fleets: {web: {size: 4}}, config: {TOKEN: {secret: "env:TOKEN"}}}
pipeline: [test, prod]
"""

QUIET = Silent()

MOVING_SECONDS = 0.25
"""Between two looks at instances that start or drain: nothing here is real, and a start takes seconds."""

RESTING_SECONDS = 10.0
"""Between two looks while nothing moves: what waits for an hour is not to be looked at for each of its seconds."""


class Shop:
    """The project, and everything that acts on it."""

    def __init__(self, folder: Path, text: str = FILE) -> None:
        self.folder = folder
        self.project: Project = parse_project(text, filename="repave.yaml")
        (folder / "app").mkdir(parents=True)
        (folder / "app" / "app.py").write_text("print('hello')\n", encoding="utf-8")
        self.world = World()
        self.clock = self.world.clock
        self.machines = SimulatedProvider(self.world)
        self.traffic: Traffic = SimulatedBalancer(self.world)
        self.store = new_store(folder / "store.db")
        self.vault = FileVault(root=folder / "vault")
        self.registry = LayoutRegistry(root=folder / "registry")
        self.pinner = InventedPinner(archive={"openssl": "3.0.20", "zlib": "1.2"}, folder=folder / "archive")
        self.advisories = InventedAdvisories()
        self.variables: dict[str, str] = {}
        self.checks = InventedChecks()
        self.ran: tuple[Checked, ...] = ()
        """Checks, by promotions."""

    def close(self) -> None:
        """Let go of the database."""
        self.store.close()

    @property
    def files(self) -> FilesPinner:
        """What pins the application's files."""
        return FilesPinner(vault=self.vault)

    @property
    def locked(self) -> Locked:
        """The lock that is there."""
        return Locked(project=self.project, folder=self.folder, files=self.files)

    @property
    def locking(self) -> Locking:
        """What makes a new one."""
        return Locking(project=self.project, locked=self.locked, pinners=(self.pinner, self.files), vault=self.vault)

    @property
    def deploying(self) -> Deploying:
        """Intent."""
        return Deploying(project=self.project, store=self.store, clock=self.clock, converge=self.converge)

    @property
    def patching(self) -> Patching:
        """The mission."""
        return self.patching_by(self.advisories)

    def patching_by(self, *advisories: Advisories) -> Patching:
        """The same, by other sources."""
        return Patching(
            project=self.project, locking=self.locking, advisories=advisories, store=self.store, clock=self.clock
        )

    @property
    def promoting(self) -> Promoting:
        """The pipeline; the author of everything is nobody known, for there is no git."""
        sources = Sources(
            authors=Authors(folder=self.folder, people=self.project.people, commands=LocalCommands()),
            exposing=Exposing(
                project=self.project, advisories=lambda: (self.advisories,), store=self.store, clock=self.clock
            ),
            signatures=SshSignatures(LocalCommands(), {}),
            holidays=lambda name: holidays_in((self.folder / name).read_text(encoding="utf-8"), filename=name),
            checks=CheckFiles(self.folder).digest,
            measuring=Measuring(
                project=self.project, store=self.store, sources=lambda _: (SimulatedMetrics(self.world),)
            ),
        )
        gathering = Gathering(project=self.project, store=self.store, sources=sources)
        deciding = Deciding(project=self.project, store=self.store, gathering=gathering)
        return Promoting(project=self.project, store=self.store, clock=self.clock, deciding=lambda: deciding)

    @property
    def checking(self) -> Checking:
        """Checks, of which nobody runs but the test says what becomes of them."""
        bench = Bench(
            machines=lambda _: self.checks,
            publish=lambda environment, release, _: self.publish(release, environment.name),
            asking=lambda: self.checks,
            logs=FolderLogs(self.folder / "logs"),
            secrets=ReferenceSecrets(folder=self.folder, environment=self.variables),
        )
        files = CheckFiles(self.folder)
        return Checking(project=self.project, store=self.store, clock=self.clock, files=files, bench=bench)

    @property
    def speaking(self) -> Speaking:
        """Approvals and waivers."""
        signatures = SshSignatures(LocalCommands(), {})
        return Speaking(project=self.project, store=self.store, clock=self.clock, signatures=signatures)

    @property
    def destroying(self) -> Destroying:
        """The end."""
        return Destroying(
            store=self.store,
            clock=self.clock,
            machines=self.machines,
            traffic=self.traffic,
            converge=self.converge,
        )

    @property
    def documents(self) -> Documents:
        """What is kept beside artifacts."""
        return Documents(
            attachments=self.registry, inventories=InventedInventories(), provenances=BakeProvenance(version="1")
        )

    def lock(self, asked: Asked | None = None) -> Lock:
        """Resolve and write."""
        proposal = self.locking.propose(asked or Asked(), QUIET)
        self.locking.write(proposal, QUIET)
        return proposal.lock

    def bake(self) -> Baked:
        """A release of the present lock."""
        lock = self.locked.matching()
        baker = InventedBaker(registry=self.registry)
        shelves = Shelves(vault=self.vault, registry=self.registry, documents=self.documents, catalog=self.store)
        baking = Baking(project=self.project, bakers={baker.kind: baker}, shelves=shelves, clock=self.clock)
        return self.signing.bake(lambda: baking.bake(lock, lock_digest(lock), "source", QUIET), QUIET)

    def environment(self, name: str) -> Environment:
        """By name."""
        return next(one for one in self.project.environments.values() if one.name == name)

    def keys(self, name: str) -> tuple[FleetKey, ...]:
        """Its fleets."""
        return fleets_of(self.project, self.environment(name))

    def deploy(self, name: str, number: int | None = None, watcher: Watcher = unwatched) -> DeployResult:
        """As the verb does it."""
        environment = self.environment(name)
        release = self.store.release(ReleaseNumber(number)) if number else self.deploying.choose(environment)
        self.publish(release, name)
        self.deploying.begin(environment, release, "deploy")
        return self.deploying.finish(environment, release, watcher)

    def promote(self) -> Walk:
        """As the verb does it."""

        def made() -> PipelinePlan:
            for name in self.promoting.watched():
                if all(self.store.target(key) for key in self.keys(name)):
                    self.converge(self.keys(name), watcher=unwatched)
                    self.ran += self.checking.verify(self.environment(name), QUIET)
            return self.promoting.plan(QUIET)

        def carried(enter: Enter) -> DeployResult:
            self.promoting.entered(enter)
            result = self.deploy(enter.environment, enter.release)
            self.promoting.learn()
            return result

        return walk(made, carried)

    def publish(self, release: Release, name: str) -> None:
        """As the verbs do it."""
        publish(
            release,
            self.keys(name),
            store=self.store,
            machines=self.machines,
            admission=Admission(integrity=self.integrity, trust=self.trust, revoking=self.revoking),
            progress=QUIET,
        )

    @property
    def revoking(self) -> Revoking:
        """What must not be started any more."""
        trusted = tuple(self.keys_of.trusted(name) for name in self.project.signing.verify)
        naming = Naming(catalog=self.store, registry=self.registry)
        return Revoking(
            store=self.store,
            clock=self.clock,
            subjects=Subjects(catalog=self.store, naming=naming, keys=self.keys_of),
            covering=Covering(catalog=self.store, signatures=CosignSignatures(self.registry), trusted=trusted),
        )

    @property
    def integrity(self) -> Integrity:
        """Of the records."""
        return Integrity(project=self.project.name, catalog=self.store, registry=self.registry)

    @property
    def trust(self) -> Trust:
        """By the keys that the file names."""
        keys = tuple(self.keys_of.trusted(name) for name in self.project.signing.verify)
        return Trust(signatures=CosignSignatures(self.registry), keys=keys)

    @property
    def keys_of(self) -> DeclaredKeys:
        """Those that the file names."""
        secrets = ReferenceSecrets(folder=self.folder, environment=self.variables)
        return DeclaredKeys(folder=self.folder, secrets=secrets)

    @property
    def signing(self) -> Signing:
        """With what is kept beside the artifacts."""
        listing = Listing(project=self.project.name, catalog=self.store, documents=self.documents)
        return Signing(
            project=self.project.name,
            settings=self.project.signing,
            keys=self.keys_of,
            signatures=CosignSignatures(self.registry),
            statements=listing.statements,
        )

    @property
    def verifying(self) -> Verifying:
        """The proof."""
        return Verifying(
            project=self.project.name,
            catalog=self.store,
            registry=self.registry,
            vault=self.vault,
            trust=self.trust,
        )

    def change_application(self, text: str) -> None:
        """Another version of it, locked."""
        (self.folder / "app" / "app.py").write_text(text, encoding="utf-8")
        self.lock()

    def converge(self, fleets: tuple[FleetKey, ...], *, watcher: Watcher) -> tuple[Settled, ...]:
        """By a real controller over the simulated world."""
        controller = Controller(
            Ports(
                store=self.store,
                machines=self.machines,
                traffic=self.traffic,
                secrets=InventedSecrets(),
                clock=self.clock,
                metrics=(SimulatedMetrics(self.world),),
            ),
            Declared(
                policy=lambda key: fleet_policy(self.project, key.environment, key.fleet),
                frontend=lambda key: frontend(self.project, key),
            ),
            holder="test",
            on_tick=lambda tick: watcher(tick.plan, tick.observation) if tick.plan and tick.observation else None,
            pace=Pace(parallel=1, moving_seconds=MOVING_SECONDS, resting_seconds=RESTING_SECONDS),
        )
        return tuple(
            Settled(
                fleet=one.fleet,
                reached=one.reached,
                rolled_back=one.rolled_back,
                overtaken=one.overtaken,
                timed_out=one.timed_out,
                paused=one.phase is Phase.PAUSED,
                release=one.release,
                reason=one.reason,
                size=one.size,
                serving=one.serving,
                endpoint=one.endpoint,
            )
            for one in controller.converge(fleets)
        )
