"""What a new lock changes: for a person to review, and for `repave patch` to show."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from repave.model.lock import Ecosystem, Lock, LockedFile, LockedPackage
from repave.model.names import ImageName


@dataclass(frozen=True, kw_only=True)
class PackageChange:
    """One package that comes, goes, or changes its version (or its bytes) in some images."""

    before: LockedPackage | None
    """None: it is new."""

    after: LockedPackage | None
    """None: it goes."""

    images: tuple[ImageName, ...]
    """In which, sorted."""

    @property
    def package(self) -> LockedPackage:
        """The newer of the two: for name, ecosystem and source."""
        package = self.after or self.before
        if package is None:
            raise ValueError("a change has a before or an after")
        return package


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """One file of the application that comes, goes or changes in some images."""

    target: str
    before: LockedFile | None
    after: LockedFile | None
    images: tuple[ImageName, ...]


@dataclass(frozen=True, kw_only=True)
class LockDifference:
    """Everything that differs between two locks; packages by ecosystem and name, files by target."""

    packages: tuple[PackageChange, ...] = ()
    files: tuple[FileChange, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.packages or self.files)

    @property
    def added(self) -> tuple[PackageChange, ...]:
        """Packages that come."""
        return tuple(change for change in self.packages if change.before is None)

    @property
    def removed(self) -> tuple[PackageChange, ...]:
        """Packages that go."""
        return tuple(change for change in self.packages if change.after is None)

    @property
    def changed(self) -> tuple[PackageChange, ...]:
        """Packages that move from one version to another."""
        return tuple(change for change in self.packages if change.before and change.after)


def difference(old: Lock, new: Lock) -> LockDifference:
    """What differs from ``old`` to ``new``; the same change in several images is told once."""
    packages: dict[tuple[str, ...], PackageChange] = {}
    for image, before, after in _package_pairs(old, new):
        package = after or before
        key = (
            *((package.ecosystem.value, package.name, package.filename) if package else ()),
            *(f"{one.version} {one.sha256}" if one else "" for one in (before, after)),
        )
        known = packages.get(key)
        images = (*known.images, image) if known else (image,)
        packages[key] = PackageChange(before=before, after=after, images=images)
    files: dict[tuple[str, ...], FileChange] = {}
    for image, target, old_file, new_file in _file_pairs(old, new):
        key = (target, *(f"{one.sha256} {one.mode:o}" if one else "" for one in (old_file, new_file)))
        images = (*files[key].images, image) if key in files else (image,)
        files[key] = FileChange(target=target, before=old_file, after=new_file, images=images)
    return LockDifference(
        packages=tuple(packages[key] for key in sorted(packages)), files=tuple(files[key] for key in sorted(files))
    )


def _package_pairs(old: Lock, new: Lock) -> Iterator[tuple[ImageName, LockedPackage | None, LockedPackage | None]]:
    """For every image, every package that is not the same before and after.

    Of a package that an image holds in several versions, those that stay are left out, and the others told in pairs.
    """
    for image in _images(old, new):
        before, after = _by_name(old, image), _by_name(new, image)
        for name in sorted({*before, *after}):
            earlier, later = before.get(name, {}), after.get(name, {})
            gone = [earlier[key] for key in sorted({*earlier} - {*later})]
            come = [later[key] for key in sorted({*later} - {*earlier})]
            yield from ((image, one, other) for one, other in zip_longest(gone, come))


def _file_pairs(old: Lock, new: Lock) -> Iterator[tuple[ImageName, str, LockedFile | None, LockedFile | None]]:
    for image in _images(old, new):
        before = {file.target: file for file in old.files_of(image)}
        after = {file.target: file for file in new.files_of(image)}
        for target in sorted({*before, *after}):
            earlier, later = before.get(target), after.get(target)
            same = earlier and later and (earlier.sha256, earlier.mode) == (later.sha256, later.mode)
            if not same:
                yield image, target, earlier, later


def _images(old: Lock, new: Lock) -> tuple[ImageName, ...]:
    return tuple(sorted({image.name for lock in (old, new) for image in lock.images}))


def _by_name(lock: Lock, image: ImageName) -> Mapping[tuple[Ecosystem, str], Mapping[tuple[str, ...], LockedPackage]]:
    """By name, then by what makes two the same; where a Node package lies is no change of it."""
    found: dict[tuple[Ecosystem, str], dict[tuple[str, ...], LockedPackage]] = {}
    for package in lock.packages_of(image):
        same = (package.version, package.filename if package.ecosystem is Ecosystem.OCI else "", package.sha256)
        found.setdefault((package.ecosystem, package.name), {})[same] = package
    return found
