"""What a locked package says it is: its name, version and source stand in the file itself, beside what the lock says.

A lock names the bytes by their sha256, and flaws are looked up by the words beside it: an entry whose words were edited
would tell of a repair that no byte has.
"""

from dataclasses import replace
from pathlib import Path

from repave.archives.control import Fields, paragraphs, source_of
from repave.archives.packages import control_file
from repave.model.lock import Ecosystem, LockedPackage
from repave.ports.errors import Corrupt
from repave.ports.vault import Vault

EDITED = "the lock was edited: put the entry back as it was, or remove it and run `repave lock`, which pins it anew"
"""What to do about a contradiction."""


def contradiction(package: LockedPackage, vault: Vault) -> str:
    """Where the file says that it is another package than the lock says: a sentence; empty where it does not.

    Debian packages and wheels are asked; of others the lock says nothing that the file could know better, or another
    tool's lock says it too. Raises Gone; Corrupt, also where the vault holds other bytes than those locked.
    """
    path = vault.path(package.sha256)
    try:
        told = _contradicted(package, path, vault)
    except Corrupt:
        vault.verify(package.sha256)
        raise
    if told:
        vault.verify(package.sha256)
    return told


def control_of(package: LockedPackage, vault: Vault) -> Fields:
    """The control file of a Debian package. Raises Gone, Corrupt."""
    text, _ = control_file(vault.path(package.sha256), package.filename)
    return next(paragraphs(text), {})


def contradicted_by(fields: Fields, package: LockedPackage) -> str:
    """As ``contradiction``, of a Debian package whose control file is read already. Raises Corrupt."""
    source, source_version = source_of(fields)
    own = replace(
        package,
        name=fields["Package"],
        version=fields["Version"],
        architecture=fields.get("Architecture", ""),
        source=source,
        source_version=source_version,
    )
    return _sentence(own, package)


def _contradicted(package: LockedPackage, path: Path, vault: Vault) -> str:
    match package.ecosystem:
        case Ecosystem.DEB:
            return contradicted_by(control_of(package, vault), package)
        case Ecosystem.PYPI:
            return _contradicted_by_wheel(path, package)
        case _:
            return ""


def _contradicted_by_wheel(path: Path, package: LockedPackage) -> str:
    """Names and versions that are only written in another way are the same (PEP 503, PEP 440)."""
    from packaging.metadata import parse_email  # noqa: PLC0415 - most bakes read no wheel
    from packaging.utils import canonicalize_name, canonicalize_version  # noqa: PLC0415 - see above

    from repave.archives.wheels import wheel_metadata  # noqa: PLC0415 - see above

    raw, _ = parse_email(wheel_metadata(path, package.filename))
    name, version = raw.get("name", ""), raw.get("version", "")
    same_name = canonicalize_name(name) == canonicalize_name(package.name)
    if same_name and canonicalize_version(version) == canonicalize_version(package.version):
        return ""
    return _sentence(replace(package, name=name, version=version), package)


def _sentence(own: LockedPackage, package: LockedPackage) -> str:
    if own == package:
        return ""
    whole = (own.name, own.version) == (package.name, package.version)
    said, locked = (_whole(one) if whole else f"{one.name} {one.version}" for one in (own, package))
    return f"{package.filename} says it is {said}, the lock says {locked}"


def _whole(package: LockedPackage) -> str:
    source = f"{package.source} {package.source_version}".strip() or "no source"
    return f"{package.name} {package.version} for {package.architecture or 'no architecture'}, of {source}"
