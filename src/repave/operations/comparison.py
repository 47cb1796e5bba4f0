"""What differs between two environments, two releases, or a release and the lock."""

from collections.abc import Mapping
from dataclasses import dataclass

from repave.config.difference import LockDifference, difference
from repave.config.policies import environment_named
from repave.model.lock import Lock
from repave.model.project import Environment, Project
from repave.operations.errors import Refused
from repave.operations.keys import fleets_of
from repave.operations.preview import Change, settings
from repave.operations.releases import release_named, title
from repave.ports.errors import Gone
from repave.ports.store import Store

LOCK = "lock"


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two that are compared."""

    name: str
    release: str
    """Empty for the lock."""

    lock: Lock
    settings: Mapping[str, str]
    """Configuration, sizes and limits by fleet; only of environments."""

    images: Mapping[str, str]
    """Artifact digests by image; only of releases."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything that differs."""

    old: Side
    new: Side
    lock: LockDifference
    settings: tuple[Change, ...]
    images: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Whether nothing does."""
        return not self.lock and not self.settings and not self.images


class Comparing:
    """Finds sides by the names people give them."""

    def __init__(self, *, project: Project, store: Store, present: Lock | None) -> None:
        self._project = project
        self._store = store
        self._present = present

    def compare(self, old: str, new: str) -> Comparison:
        """Raises Refused or UnknownName for a name that is neither an environment, a release nor ``lock``."""
        first, second = self._side(old), self._side(new)
        both = first.settings and second.settings
        return Comparison(
            old=first,
            new=second,
            lock=difference(first.lock, second.lock),
            settings=_changes(first.settings, second.settings) if both else (),
            images=_changes(first.images, second.images) if first.images and second.images else (),
        )

    def _side(self, name: str) -> Side:
        if name == LOCK:
            if self._present is None:
                raise Refused("there is no repave.lock to compare with", hint="`repave lock` makes it")
            return Side(name="repave.lock", release="", lock=self._present, settings={}, images={})
        if name.lstrip("r").isdigit() and name not in self._project.environments:
            release = release_named(self._store, name)
            return Side(
                name=str(release),
                release=str(release),
                lock=self._store.lock(release.lock),
                settings={},
                images={str(image): str(digest) for image, digest in release.artifacts.items()},
            )
        return self._environment(environment_named(self._project, name))

    def _environment(self, environment: Environment) -> Side:
        held: dict[str, str] = {}
        numbers = set()
        for key in fleets_of(self._project, environment):
            target = self._store.target(key)
            if target is None:
                continue
            numbers.add(target.release)
            held[f"{key.fleet}.release"] = title(target.release)
            held[f"{key.fleet}.size"] = str(target.size)
            try:
                revision = self._store.revision(key, target.revision)
            except Gone:
                continue
            held |= {f"{key.fleet}.{name}": value for name, value in settings(revision).items()}
        if not numbers:
            raise Refused(f"{environment.name} was never deployed", hint=f"`repave deploy {environment.name}`")
        release = self._store.release(max(numbers))
        return Side(
            name=environment.name,
            release=str(release),
            lock=self._store.lock(release.lock),
            settings=held,
            images={str(image): str(digest) for image, digest in release.artifacts.items()},
        )


def _changes(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Change, ...]:
    return tuple(
        Change(what=name, old=old.get(name, ""), new=new.get(name, ""))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    )
