"""Debian packages of an image, pinned: the exact closure, in the versions the refresh allows."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from repave.archives.closure import base_names
from repave.archives.control import Fields, source_of
from repave.model.lock import Ecosystem, Layer, LockedPackage
from repave.pinners.debian import keeping, sources
from repave.pinners.debian.archive import DebianArchive
from repave.pinners.debian.index import Entry, Index, Key
from repave.pinners.debian.keeping import Keeper, Previous
from repave.pinners.debian.machines import machine_parts
from repave.pinners.debian.resolution import Resolution
from repave.pinners.naming import check_named
from repave.ports.commands import Commands
from repave.ports.errors import Invalid, WorldError
from repave.ports.pinner import PinRequest, Pins, Refresh
from repave.ports.progress import Progress, Task
from repave.ports.vault import Vault

NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
"""Debian policy 5.6.1. Anything else apt might read as an option, a pattern or a version."""


class DebianPinner:
    """The pinner port for Debian packages."""

    def __init__(self, *, archive: DebianArchive, vault: Vault, commands: Commands) -> None:
        self._archive = archive
        self._keeper = Keeper(commands=commands, vault=vault)

    def pin(self, request: PinRequest, *, progress: Progress) -> Pins:
        """The exact closure of the image's packages and of what is essential; see the port."""
        if request.image.base.image:
            return Pins()
        _check_recipe(request)
        check_named(request)
        title = sources.distribution(request.image.base).title
        with progress.task(f"Locking {title} packages of {request.image.name}") as task:
            task.note("refreshing the indexes")
            index = self._index(request)
            try:
                return self._pins(request, index, task, progress)
            except WorldError:
                if index.newest:
                    raise
                # What is asked for may have been published since another run read the indexes.
                task.note("refreshing the indexes")
                return self._pins(request, self._index(request, newest=True), task, progress)

    def foresee(self, request: PinRequest, names: Collection[str]) -> Mapping[str, str]:
        """The versions in which these packages will most likely be pinned, by name; told long before ``pin`` has done.

        As the previous lock has them, else as the newest that the indexes list; unknown names are left out. Raises
        what ``pin`` raises.
        """
        before = keeping.previous(request)
        locked = {**before.beside, **before.own}
        if all(name in locked for name in names):
            return {name: locked[name].version for name in names}
        _check_recipe(request)
        return self._index(request).candidates(names)

    def _index(self, request: PinRequest, *, newest: bool = False) -> Index:
        base = request.image.base
        return self._archive.index(base, base.suites, newest=newest or request.refresh is not Refresh.KEEP)

    def _pins(self, request: PinRequest, index: Index, task: Task, progress: Progress) -> Pins:
        before = keeping.previous(request)
        kept = {} if request.refresh is Refresh.UPGRADE else before.own
        beside = {} if request.refresh is Refresh.UPGRADE else before.beside
        entries = index.entries(kept)
        vanished = self._keeper.vanished(kept.values(), entries, progress=progress)
        task.note("resolving")
        closure = Resolution(
            request=request, index=index, kept=kept, beside=beside, entries=entries, vanished=vanished
        ).closure()
        entries = {**entries, **index.entries({key.name for key in closure} - set(kept))}
        written = _Written(
            request=request, before=before, entries=entries, vanished=vanished, addresses=index.addresses
        )
        return Pins(packages=written.packages(closure), remarks=self._archive.remarks)


@dataclass(frozen=True, kw_only=True)
class _Written:
    """How the closure is written into the lock."""

    request: PinRequest
    before: Previous
    entries: Mapping[Key, Entry]
    vanished: Mapping[Key, Fields]
    addresses: tuple[str, ...]

    def packages(self, closure: tuple[Key, ...]) -> tuple[LockedPackage, ...]:
        """Sorted by name, each with its layer."""
        controls = {key.name: self._fields(key) for key in closure}
        image = self.request.image
        base = base_names(controls, machine_parts(image))
        files = base_names(controls, {*machine_parts(image), *image.packages})
        return tuple(
            replace(
                self._kept(key) or _fresh(self.entries[key]),
                layer=_layer(key.name, base=base, files=files),
                images=(image.name,),
            )
            for key in closure
        )

    def _fields(self, key: Key) -> Fields:
        return self.vanished[key] if key not in self.entries else self.entries[key].fields

    def _kept(self, key: Key) -> LockedPackage | None:
        """The entry as it was, so that nothing shows in the difference that did not change.

        Where the archive's address changed, the same file is written with where it is found now.
        """
        package = self.before.every.get(key)
        if package is None or key not in self.entries:
            return package
        moved = not package.origin.startswith(tuple(f"{address}/" for address in self.addresses))
        same = package.sha256 == self.entries[key].fields["SHA256"]
        if self.request.refresh is Refresh.UPGRADE or (moved and same):
            return None
        return package


def _layer(name: str, *, base: Collection[str], files: Collection[str]) -> Layer:
    """Where a package lies: below all, above that, or only where the disk is made."""
    if name in base:
        return Layer.BASE
    return Layer.PLATFORM if name in files else Layer.BOOT


def _fresh(entry: Entry) -> LockedPackage:
    source, source_version = source_of(entry.fields)
    return LockedPackage(
        ecosystem=Ecosystem.DEB,
        name=entry.key.name,
        version=entry.key.version,
        sha256=entry.fields["SHA256"],
        size_bytes=int(entry.fields["Size"]),
        origin=entry.url,
        filename=entry.fields["Filename"].rpartition("/")[2],
        layer=Layer.PLATFORM,
        images=(),
        architecture=entry.fields["Architecture"],
        suite=entry.suites[0],
        source=source,
        source_version=source_version,
    )


def _check_recipe(request: PinRequest) -> None:
    image = request.image
    sources.check(image.base)
    for name in image.packages:
        if not NAME.fullmatch(name):
            raise Invalid(
                f"{name!r} of {image.name} is no name of a Debian package",
                hint="a bare name in lower case, as in `python3`: versions stand in the lock",
            )
    security = sources.security_suites(image.base)
    if request.refresh is Refresh.SECURITY and not set(security).intersection(image.base.suites):
        if not security:
            raise Invalid(
                f"{image.base.distribution} {image.base.release} has no security suite: repairs go straight into it",
                hint="use `repave lock --upgrade`",
            )
        raise Invalid(
            f"{image.name} draws from no security suite, so there is nothing to repair it from",
            hint=f"add {security[0]} to `suites` of its base: suites: [{', '.join((*image.base.suites, *security))}]",
        )
