"""The image of a registry below ours, and what it says it holds, as parts of the inventory."""

from collections.abc import Iterable, Mapping

from repave.attestations.sbom.apk import apk_needs
from repave.attestations.sbom.debian_graph import debian_needs
from repave.attestations.sbom.inventory import Contents, Found, Part, PartKind
from repave.attestations.sbom.purls import found_purl
from repave.attestations.sbom.roots import roots
from repave.attestations.sbom.wheel_graph import environment, wheel_needs
from repave.model.lock import LockedPackage

PYTHON = "python3"


def parts_below(base: LockedPackage, reference: str, contents: Contents, architecture: str) -> list[Part]:
    """The base, which needs what nothing else in it needs, and each package that its records name."""
    references = _references(contents)
    needs = _needs(contents, architecture)
    parts = [
        Part(
            reference=references[one],
            name=one.name,
            version=one.version,
            kind=PartKind.PACKAGE,
            purl=references[one].partition("#")[0],
            facts=one.facts,
            properties=tuple(_properties(one, reference)),
            needs=tuple(sorted({references[other] for other in needs[one] if other != one})),
        )
        for one in contents.packages
    ]
    read = ", ".join(sorted({one.ecosystem for one in contents.packages})) or "unknown"
    whole = Part(
        reference=reference,
        name=base.name,
        version=base.version,
        kind=PartKind.IMAGE,
        purl=reference,
        sha256=base.sha256,
        origin=base.origin,
        properties=tuple(
            (f"repave:{name}", value) for name, value in (("contents", read), ("reference", base.reference)) if value
        ),
        needs=roots(parts),
    )
    return [whole, *parts]


def _references(contents: Contents) -> Mapping[Found, str]:
    """By package, its purl; of several with the same one, all but the first have a number behind it."""
    references: dict[Found, str] = {}
    counts: dict[str, int] = {}
    for one in contents.packages:
        address = found_purl(one, contents.distribution)
        counts[address] = counts.get(address, 0) + 1
        references[one] = address if counts[address] == 1 else f"{address}#{counts[address]}"
    return references


def _needs(contents: Contents, architecture: str) -> Mapping[Found, tuple[Found, ...]]:
    by_kind: dict[str, dict[str, Found]] = {}
    for one in contents.packages:
        by_kind.setdefault(one.ecosystem, {})[one.name] = one
    debian, alpine = by_kind.get("deb", {}), by_kind.get("apk", {})
    wheels = {name: one.facts for name, one in by_kind.get("pypi", {}).items()}
    packaged = (found[PYTHON].version for found in (debian, alpine) if PYTHON in found)
    python = contents.python or next(packaged, "")
    needs = {
        "deb": debian_needs({name: (one.version, one.facts) for name, one in debian.items()}),
        "apk": apk_needs(alpine.values()),
        "pypi": wheel_needs(wheels, environment(python, architecture)),
    }
    return {
        one: tuple(by_kind[one.ecosystem][other] for other in needs[one.ecosystem].get(one.name, ()))
        for one in contents.packages
    }


def _properties(one: Found, base: str) -> Iterable[tuple[str, str]]:
    said = {"found-in": base, "source": one.source, "source-version": one.source_version}
    return ((f"repave:{name}", value) for name, value in said.items() if value)
