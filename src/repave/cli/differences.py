"""How differences between locks are shown."""

import re
from collections.abc import Iterable

from repave.cli.phrases import counted, listed
from repave.cli.screen import Screen
from repave.config.difference import FileChange, LockDifference, PackageChange


def document(difference: LockDifference) -> dict[str, object]:
    """For machines: what was added, removed and changed."""
    return {
        "packages_added": [_package(change) for change in difference.added],
        "packages_removed": [_package(change) for change in difference.removed],
        "packages_changed": [_package(change) for change in difference.changed],
        "files_changed": [_file(change) for change in difference.files],
    }


def show(difference: LockDifference, screen: Screen) -> None:
    """For people: changes line by line; what is only added or removed in one line when it is much."""
    _several("+", _named(difference.added), screen)
    _several("-", _named(difference.removed), screen)
    # A base image is many blobs of one name and version: it is told once.
    rows = dict.fromkeys(
        ("~", change.package.name, _short(change.before.version), "->", _short(change.after.version))
        for change in difference.changed
        if change.before and change.after
    )
    width = max((len(row[1]) for row in rows), default=0)
    for mark, name, old, arrow, new in rows:
        screen.show(f"{mark} {name.ljust(width)}  {old} {arrow} {new}")
    if difference.files:
        names = [change.target for change in difference.files]
        screen.show(f"~ {counted(len(names), 'file')}: {listed(names)}")


def _several(mark: str, names: list[str], screen: Screen) -> None:
    if len(names) > MOST_LINES:
        screen.show(f"{mark} {counted(len(names), 'package')}: {listed(names)}")
        return
    for name in names:
        screen.show(f"{mark} {name}")


MOST_LINES = 20
"""A first lock adds a hundred packages: a list that long hides what matters."""


def _named(changes: Iterable[PackageChange]) -> list[str]:
    """Each once: a base image is many blobs of one name and version."""
    return list(dict.fromkeys(f"{change.package.name} {_short(change.package.version)}" for change in changes))


def _short(version: str) -> str:
    """A digest or a commit by what a person can compare of it."""
    digest = re.fullmatch(r"((?:sha256:)?[0-9a-f]{12})(?:[0-9a-f]{28}|[0-9a-f]{52})", version)
    return digest[1] if digest else version


def _package(change: PackageChange) -> dict[str, object]:
    return {
        "ecosystem": change.package.ecosystem,
        "package": change.package.name,
        "old": change.before.version if change.before else None,
        "new": change.after.version if change.after else None,
        "images": change.images,
    }


def _file(change: FileChange) -> dict[str, object]:
    return {
        "target": change.target,
        "old": change.before.sha256 if change.before else None,
        "new": change.after.sha256 if change.after else None,
        "images": change.images,
    }
