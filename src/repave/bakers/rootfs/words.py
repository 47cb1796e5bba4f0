"""What packages say they are, held against the lock before anything is laid, wherever their layers come from."""

import json
from collections.abc import Iterable
from hashlib import sha256

from repave.archives.own_words import EDITED, contradiction
from repave.bakers.rootfs.cache import BakeCache
from repave.model.lock import Layer, LockedPackage
from repave.model.names import Digest
from repave.ports.errors import Invalid
from repave.ports.vault import Vault

ASKING = 1
"""Counts up when packages are asked for more."""


def check_words(packages: Iterable[LockedPackage], vault: Vault, cache: BakeCache) -> None:
    """Refuse a package that says it is another than the lock says.

    What was found right is remembered by all that was compared, layer by layer: most bakes read nothing. Raises
    Invalid, Gone, Corrupt.
    """
    by_layer: dict[Layer, list[LockedPackage]] = {}
    for package in packages:
        by_layer.setdefault(package.layer, []).append(package)
    for members in by_layer.values():
        compared = _compared(members)
        if not cache.is_checked(compared):
            _check(members, vault)
            cache.keep_checked(compared)


def _check(packages: Iterable[LockedPackage], vault: Vault) -> None:
    for package in packages:
        if told := contradiction(package, vault):
            raise Invalid(told, hint=EDITED)


def _compared(packages: Iterable[LockedPackage]) -> Digest:
    """The digest of the files, and of what the lock says they are."""
    words = sorted(
        [one.ecosystem, one.sha256, one.name, one.version, one.architecture, one.source, one.source_version]
        for one in packages
    )
    return Digest(f"sha256:{sha256(json.dumps([ASKING, words]).encode()).hexdigest()}")
