"""OSV records as tests need them, and locks to be judged by them."""

import json
from collections.abc import Iterable
from typing import Any

from repave.advisories.osv.records import Record, read_record
from repave.model.lock import Ecosystem, Layer, Lock, LockedImage, LockedPackage
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, ImageKind

WEB = ImageName("web")
BOOKWORM = Base(distribution="debian", release="bookworm", suites=("bookworm",))


def ranged(*events: dict[str, str], kind: str = "ECOSYSTEM", **more: str) -> dict[str, Any]:
    """A range of these events."""
    return {"type": kind, "events": list(events), **more}


def document(
    *ranges: dict[str, Any],
    name: str = "flask",
    ecosystem: str = "PyPI",
    versions: Iterable[str] = (),
    **more: object,
) -> dict[str, Any]:
    """A record about one package, as the JSON has it."""
    package = {"ecosystem": ecosystem, "name": name}
    part: dict[str, Any] = {"package": package, "ranges": list(ranges), "versions": list(versions)}
    return {"id": "TEST-1", "modified": "2026-11-20T00:00:00Z", "affected": [part], **more}


def record(content: dict[str, Any]) -> Record:
    """As it is read."""
    return read_record(json.dumps(content).encode(), name="the record")


def wheel(name: str, version: str, ecosystem: Ecosystem = Ecosystem.PYPI) -> LockedPackage:
    """A locked package of a language."""
    return LockedPackage(
        ecosystem=ecosystem,
        name=name,
        version=version,
        sha256="0" * 64,
        size_bytes=1,
        origin="https://files.example/x.whl",
        filename="x.whl",
        layer=Layer.PYTHON,
        images=(WEB,),
    )


def deb(name: str, source: str, source_version: str) -> LockedPackage:
    """A locked Debian package, rebuilt once."""
    return LockedPackage(
        ecosystem=Ecosystem.DEB,
        name=name,
        version=f"{source_version}+b1",
        sha256="0" * 64,
        size_bytes=1,
        origin="https://deb.example/x.deb",
        filename="x.deb",
        layer=Layer.BASE,
        images=(WEB,),
        source=source,
        source_version=source_version,
    )


def lock_of(*packages: LockedPackage, base: Base = BOOKWORM) -> Lock:
    """A lock of one image."""
    image = LockedImage(name=WEB, kind=ImageKind.CONTAINER, base=base, recipe=Digest(f"sha256:{0:064}"))
    return Lock(images=(image,), packages=packages)
