"""What bakes, and what is said of what was baked."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repave.operations.errors import Refused
from repave.wiring.locks import Locks

if TYPE_CHECKING:
    from repave.model.recipe import ImageKind
    from repave.operations.baking import Baking
    from repave.operations.documents import Documents
    from repave.operations.listing import Listing
    from repave.operations.reproduction import Reproducing
    from repave.ports.baker import Baker
    from repave.ports.caches import Cache
    from repave.ports.registry import Registry
    from repave.scratch.held import Kind

AGAIN = "again-"
"""How names of folders begin in which is baked again what was baked."""


class Artifacts(Locks):
    """What bakes, and what is said of what was baked."""

    @cached_property
    def registry(self) -> "Registry":
        """Artifacts."""
        from repave.registries.layout import LayoutRegistry

        return LayoutRegistry(root=self.layout)

    @property
    def layout(self) -> Path:
        """Where artifacts live: a folder that skopeo reads as ``oci:``."""
        return self.state / "registry"

    @cached_property
    def _made(self) -> dict[tuple[str, str], Any]:
        return {}

    def _adapter(self, group: str, name: str) -> Any:  # noqa: ANN401 - which port it is follows from the group
        if (group, name) not in self._made:
            self._made[group, name] = self._load(group, name)
        return self._made[group, name]

    def _load(self, group: str, name: str) -> Any:  # noqa: ANN401 - which port it is follows from the group
        from importlib.metadata import distribution, entry_points

        from repave.ports.surroundings import Surroundings

        # No other package takes a name of repave's own; nor is any other asked for one, which takes its time.
        own = distribution("repave").entry_points.select(group=group, name=name)
        points = own or entry_points(group=group, name=name)
        if not points:
            known = ", ".join(sorted(point.name for point in entry_points(group=group)))
            kind = group.removeprefix("repave.").removesuffix("s")
            raise Refused(
                f"repave.yaml asks for {kind} `{name}`, and none of that name is installed",
                hint=f"installed: {known or 'none'}; other packages may bring more by the entry point `{group}`",
            )
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
    def bakers(self) -> "Mapping[ImageKind, Baker]":
        """Every installed baker by its kind."""
        from importlib.metadata import entry_points

        found = (self._load("repave.bakers", point.name) for point in entry_points(group="repave.bakers"))
        return {baker.kind: baker for baker in found}

    @cached_property
    def baking(self) -> "Baking":
        """Releases of this project."""
        from repave.operations.baking import Baking, Shelves

        shelves = Shelves(catalog=self.store, registry=self.registry, vault=self.vault, documents=self.documents)
        return Baking(project=self.project, bakers=self.bakers, shelves=shelves, clock=self.clock)

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
            inventories=PackageInventories(vault=self.vault, folder=folder, version=own, plain=self._uncompressed),
            provenances=BakeProvenance(version=own),
        )

    def _uncompressed(self, sha256: str) -> Path | None:
        """Where a bake has left a Debian package."""
        from repave.bakers.rootfs.debs import place

        return next(filter(Path.exists, (place(folder, sha256) for folder in self._larders)), None)

    @property
    def uncompressed(self) -> tuple[tuple[str, Path], ...]:
        """Every Debian package that this boot's bakes have left, by its sha256 in the vault."""
        from repave.bakers.rootfs.debs import laid_out

        return tuple(found for folder in self._larders for found in laid_out(folder))

    @cached_property
    def _larders(self) -> tuple[Path, ...]:
        """Where each baker lays packages without their compression."""
        from importlib.metadata import entry_points

        from repave.bakers.rootfs.cache import packages_below

        return tuple(packages_below(self.state / point.name) for point in entry_points(group="repave.bakers"))

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

    @contextmanager
    def _scratch_registry(self) -> Iterator["Registry"]:
        from repave.registries.layout import LayoutRegistry
        from repave.scratch.held import held

        with held(self.state, prefix=AGAIN) as folder:
            yield LayoutRegistry(root=folder)

    @property
    def scratch(self) -> "tuple[Kind, ...]":
        """The folders of this project in which something is made."""
        from repave.operations.carrying.pulling import PULLING
        from repave.pinners import pypi
        from repave.pinners.git import exporting
        from repave.scratch.held import Kind

        cache = self.state / "cache"
        places = (
            (cache / "git", exporting.RUN),
            (cache / "pypi", pypi.RUN),
            (self.state, PULLING),
            (self.state, AGAIN),
        )
        return tuple(Kind(parent=parent, prefix=prefix) for parent, prefix in places)

    @property
    def caches(self) -> "Mapping[str, Cache]":
        """What only spares the next lock or bake some work, by what it is."""
        from repave.scratch.cached import CachedFolder

        baked: dict[str, Cache] = {f"what bakes of kind {kind} unpacked": baker for kind, baker in self.bakers.items()}
        wheels = CachedFolder(folder=self.state / "cache" / "pypi")
        return {**baked, "package lists": self.archive, "what is known of wheels": wheels}
