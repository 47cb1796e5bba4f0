"""One image's question to apt: with every pin kept that can be, and nothing moved that need not."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from repave.archives.control import Fields
from repave.model.lock import LockedPackage
from repave.pinners.debian import keeping, sources, versions
from repave.pinners.debian.index import ESSENTIAL, Entry, Index, Key, UnknownPackage, Unsatisfiable
from repave.pinners.debian.machines import loaders, machine_parts
from repave.pinners.debian.workspace import Situation
from repave.pinners.naming import suggestion
from repave.ports.errors import Invalid
from repave.ports.pinner import PinRequest, Refresh

MERGER, MERGED = "usrmerge", "usr-is-merged"
"""Either will do for what is essential. The first brings Perl, to convert a root that ours never has to be: roots are
laid out merged from the beginning. The second only says so, and is what Debian's own images hold."""


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """What is asked, of which index, and what was locked before."""

    request: PinRequest
    index: Index
    kept: Mapping[str, LockedPackage]
    """What this image had locked, by name; empty when everything may move."""

    beside: Mapping[str, LockedPackage]
    """What other images on an equal base have locked, by name: preferred, not required."""

    entries: Mapping[Key, Entry]
    """Of the names in ``kept``, what the indexes list."""

    vanished: Mapping[Key, Fields]
    """Control data of what is kept and no index lists any more."""

    def closure(self) -> tuple[Key, ...]:
        """Every package of the image, in its exact version. Raises Invalid."""
        try:
            found = self._solve(self._moved(self._targets)) if self._targets else self._kept_closure()
        except UnknownPackage as unknown:
            raise self._unknown(unknown.name) from unknown
        except Unsatisfiable as reason:
            raise Invalid(
                f"the packages of {self.request.image.name} cannot be installed together: {reason}",
                hint="`repave lock --upgrade` may free what the lock holds; else drop one, or add a suite to the base",
            ) from reason
        names = {key.name for key in found}
        for name in self._wanted:
            if name not in names:
                raise self._unknown(name)
        self._check_kept(found)
        return found

    @property
    def _wanted(self) -> tuple[str, ...]:
        image = self.request.image
        return tuple(sorted({*image.packages, *machine_parts(image), *loaders(image)}))

    @cached_property
    def _targets(self) -> tuple[str, ...]:
        """What this refresh moves of itself, as arguments for apt."""
        match self.request.refresh:
            case Refresh.SECURITY | Refresh.REPAIRS:
                return tuple(f"{name}={version}" for name, version in sorted(self._repairs().items()))
            case Refresh.NAMED:
                return tuple(sorted(name for name in set(self.request.named) if name in self.kept))
            case _:
                return ()

    def _repairs(self) -> Mapping[str, str]:
        """For each locked package the newest version of the security suites, where that is newer."""
        base = self.request.image.base
        security = set(sources.security_suites(base)).intersection(self.index.suites)
        newest: dict[str, str] = {}
        for key, entry in self.entries.items():
            than = newest.get(key.name, self.kept[key.name].version)
            if security.intersection(entry.suites) and versions.newer(key.version, than):
                newest[key.name] = key.version
        return newest

    def _kept_closure(self) -> tuple[Key, ...]:
        beside = {name: package.version for name, package in self.beside.items()}
        try:
            return self._solve({**beside, **self._pins})
        except Unsatisfiable:
            new = tuple(name for name in self._wanted if name not in self.kept)
            if self.kept and new:
                return self._solve(self._moved(new))
            if beside and not self.kept:
                return self._solve({})
            raise

    @property
    def _pins(self) -> dict[str, str]:
        return {name: package.version for name, package in self.kept.items()}

    def _moved(self, targets: tuple[str, ...]) -> Mapping[str, str]:
        """The pins after apt installed ``targets`` over what was locked: it moves what it must, and no more."""
        keys = [Key(name, version) for name, version in self._pins.items()]
        listed = {key: self.entries[key].fields for key in keys if key in self.entries}
        installed = keeping.installed({**listed, **self.vanished})
        return {**self._pins, **dict(self.index.resolve(targets, Situation(installed=installed)))}

    def _solve(self, pins: Mapping[str, str]) -> tuple[Key, ...]:
        held = {key: fields for key, fields in self.vanished.items() if pins.get(key.name) == key.version}
        # Of two that concern one package apt takes the first.
        preferences = keeping.passed_over(MERGER) if self._is_merged_without_help(pins) else ""
        preferences += keeping.pinned(pins) + keeping.siblings_pinned(self.kept.values(), pins)
        situation = Situation(preferences=preferences, offered=keeping.offered(held))
        return self.index.resolve((ESSENTIAL, *self._wanted), situation)

    def _is_merged_without_help(self, pins: Mapping[str, str]) -> bool:
        """Whether nobody wants the converter, nothing has it locked, and there is what takes its place."""
        wanted = {name.partition("=")[0] for name in self._wanted}
        return MERGER not in wanted and MERGER not in pins and bool(self.index.candidates((MERGED,)))

    def _check_kept(self, found: tuple[Key, ...]) -> None:
        """A pin that nobody can deliver any more is said, not quietly replaced."""
        aimed_at = {target.partition("=")[0] for target in self._targets}
        for name, version in found:
            package = self.kept.get(name)
            if package is None or package.version == version or name in aimed_at:
                continue
            key = Key(name, package.version)
            if key not in self.entries and key not in self.vanished:
                raise Invalid(
                    f"{name} {package.version} is locked, but no index lists it any more, it is not in the vault "
                    f"and cannot be had from {package.origin}",
                    hint=f"`repave lock --upgrade-package {name}` moves it to {version}",
                )

    def _unknown(self, name: str) -> Invalid:
        return Invalid(
            f"the package {name} of {self.request.image.name} is in none of the suites "
            f"{', '.join(self.index.suites)}, or exists there as a virtual name only",
            hint=suggestion(name, self.index.names(), otherwise="search it at https://packages.debian.org"),
        )
