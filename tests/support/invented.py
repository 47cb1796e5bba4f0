"""Adapters that invent what they answer: packages, images, documents, flaws and secrets of a shop."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from repave.model.artifact import Artifact, ArtifactLayer
from repave.model.checks import HttpCheck
from repave.model.finding import Finding, SourceStatus
from repave.model.lock import Ecosystem, Layer, Lock, LockedPackage
from repave.model.recipe import ImageKind
from repave.model.release import SecretReference
from repave.model.statement import CYCLONEDX, SPDX, Statement, canonical
from repave.ports.baker import BakeRequest
from repave.ports.checks import CheckOrder, CheckOutcome, Endpoint
from repave.ports.inventories import Made, SbomFormat
from repave.ports.pinner import PinRequest, Pins, Refresh
from repave.ports.progress import Progress
from repave.ports.provider import Proven
from repave.ports.registry import Registry

OCI = "application/vnd.oci.image"


def content_of(name: str, version: str) -> bytes:
    """The invented package file."""
    return f"{name} {version}".encode()


@dataclass
class InventedPinner:
    """Pins what its archive offers; ``Refresh.KEEP`` keeps what was pinned before."""

    archive: dict[str, str]
    """Name to the newest version."""

    folder: Path

    def pin(self, request: PinRequest, *, progress: Progress) -> Pins:
        """One package file per name, to be fetched from the folder."""
        del progress
        before = {package.name: package.version for package in request.previous.packages}
        keep = request.refresh is Refresh.KEEP
        return Pins(
            packages=tuple(
                self._package(name, before.get(name, newest) if keep else newest, request)
                for name, newest in self.archive.items()
            )
        )

    def _package(self, name: str, version: str, request: PinRequest) -> LockedPackage:
        content = content_of(name, version)
        place = self.folder / f"{name}_{version}.deb"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
        return LockedPackage(
            ecosystem=Ecosystem.DEB,
            name=name,
            version=version,
            sha256=sha256(content).hexdigest(),
            size_bytes=len(content),
            origin=place.as_uri(),
            filename=place.name,
            layer=Layer.PLATFORM,
            images=(request.image.name,),
            architecture="amd64",
            suite="bookworm",
            source=name,
            source_version=version,
        )


@dataclass
class InventedBaker:
    """One layer, named by what went into it."""

    registry: Registry
    kind: ImageKind = ImageKind.CONTAINER

    def describe(self) -> tuple[Proven, ...]:
        """It needs nothing."""
        return (Proven(name="invention", works=True, detail="always"),)

    def cached_bytes(self) -> int:
        """It keeps nothing."""
        return 0

    def clear_cache(self) -> None:
        """Nothing is there."""

    def bake(self, request: BakeRequest, *, progress: Progress) -> Artifact:
        """The same request, the same digest."""
        del progress
        parts = [*(package.sha256 for package in request.packages), *(file.sha256 for file in request.files)]
        content = " ".join(sorted(parts)).encode()
        layer, size = self.registry.add(content), len(content)
        configuration = json.dumps({"rootfs": {"type": "layers", "diff_ids": [layer]}}).encode()
        named = {"digest": self.registry.add(configuration), "size": len(configuration), "mediaType": f"{OCI}.config"}
        layers = [{"digest": layer, "size": size, "mediaType": f"{OCI}.layer.v1.tar"}]
        manifest = self.registry.add(json.dumps({"schemaVersion": 2, "config": named, "layers": layers}).encode())
        made = ArtifactLayer(layer=Layer.BASE, digest=layer, size_bytes=size, inputs=layer, cached=False)
        return Artifact(image=request.image.name, kind=self.kind, digest=manifest, size_bytes=size, layers=(made,))

    def rebake(self, request: BakeRequest, *, registry: Registry, progress: Progress) -> Artifact:
        """The same, in another registry."""
        return replace(self, registry=registry).bake(request, progress=progress)


class InventedInventories:
    """Lists the names of what an image is made of: invented packages say nothing of themselves."""

    def sbom(self, made: Made, form: SbomFormat, *, progress: Progress) -> Statement:
        """As names, with nothing else of the formats."""
        del progress
        names = sorted(package.name for package in made.lock.packages_of(made.artifact.image))
        return Statement(
            subject=made.artifact.digest,
            name=made.name,
            predicate_type=CYCLONEDX if form is SbomFormat.CYCLONEDX else SPDX,
            media_type=f"application/vnd.{form}+json",
            document=canonical({"names": names}),
        )


@dataclass
class InventedAdvisories:
    """Knows which version of a package repairs what; may be unreachable."""

    repairs: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    problem: str = ""
    suite: str = "bookworm-security"
    """Where the repairs are."""

    def examine(self, lock: Lock, *, progress: Progress) -> tuple[tuple[Finding, ...], tuple[SourceStatus, ...]]:
        """Every locked package whose version is not the repairing one."""
        del progress
        covers = () if self.problem else (Ecosystem.DEB,)
        status = SourceStatus(name="invented", as_of=None, problem=self.problem, covers=covers)
        if self.problem:
            return (), (status,)
        found = (
            Finding(
                ecosystem=package.ecosystem,
                package=package.name,
                source=package.source,
                version=package.version,
                fixed_version=self.repairs[package.name][0],
                fixed_in=self.suite,
                cves=self.repairs[package.name][1],
                images=package.images,
            )
            for package in lock.packages
            if package.name in self.repairs and package.version != self.repairs[package.name][0]
        )
        return tuple(found), (status,)


class InventedChecks:
    """Runs and asks nothing: what becomes of a check is what the test says; without a word it passes."""

    def __init__(self) -> None:
        self.outcomes: dict[str, CheckOutcome] = {}
        """By program, or path of a request."""

        self.meanwhile: dict[str, Callable[[], object]] = {}
        """What goes on while it runs."""

        self.ordered: list[CheckOrder] = []

    def run_check(self, order: CheckOrder, *, progress: Progress) -> CheckOutcome:
        """See the port."""
        del progress
        self.ordered.append(order)
        return self._outcome(order.program)

    def ask(self, check: HttpCheck, endpoint: Endpoint) -> CheckOutcome:
        """See the port."""
        del endpoint
        return self._outcome(check.path)

    def _outcome(self, name: str) -> CheckOutcome:
        self.meanwhile.get(name, lambda: None)()
        return self.outcomes.get(name, CheckOutcome(passed=True, detail="as invented", output=""))


class InventedSecrets:
    """Knows every secret."""

    def resolve(self, reference: SecretReference) -> str:
        """Its value."""
        return f"value of {reference}"
