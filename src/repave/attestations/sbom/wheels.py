"""What a wheel says of itself: the METADATA in it (core metadata, packaging.python.org)."""

from collections.abc import Iterator
from pathlib import Path

from packaging.metadata import RawMetadata, parse_email

from repave.archives.wheels import wheel_metadata
from repave.attestations.sbom.inventory import Facts, Licence, Supplier
from repave.attestations.sbom.licences import CLASSIFIERS, LONGEST, combined, expression
from repave.attestations.sbom.people import person

HOMEPAGES = ("homepage", "home", "source", "repository", "documentation")
"""Labels of addresses, in the order of preference."""


def wheel_facts(wheel: Path, filename: str) -> Facts:
    """The facts of one wheel. Raises Corrupt."""
    return facts_of_metadata(read_metadata(wheel_metadata(wheel, filename)))


def read_metadata(content: bytes) -> RawMetadata:
    """METADATA, as far as it can be read."""
    metadata, _ = parse_email(content)
    return metadata


def facts_of_metadata(metadata: RawMetadata) -> Facts:
    """What METADATA says."""
    return Facts(
        licences=tuple(sorted(set(_licences(metadata)), key=lambda licence: (licence.name, licence.spdx))),
        supplier=_supplier(metadata),
        summary=metadata.get("summary", ""),
        homepage=_homepage(metadata),
        needs=tuple(metadata.get("requires_dist", ())),
    )


def _licences(metadata: RawMetadata) -> Iterator[Licence]:
    """License-Expression where there is one; else the words of License, if they are a name; else classifiers."""
    if exact := expression(metadata.get("license_expression", "")):
        yield Licence(spdx=exact)
        return
    words = " ".join(metadata.get("license", "").split())
    exact = combined(words) or expression(words)
    if exact:
        yield Licence(spdx=exact)
        return
    classified = [
        text.rpartition(" :: ")[2] for text in metadata.get("classifiers", ()) if text.startswith("License :: ")
    ]
    for name in classified:
        exact = CLASSIFIERS.get(name, "")
        yield Licence(spdx=exact, name="" if exact else name)
    if words and len(words) <= LONGEST and not classified:
        yield Licence(name=words)


def _supplier(metadata: RawMetadata) -> Supplier | None:
    """Who maintains it, else who wrote it; the first, where several are named."""
    return _person(metadata.get("maintainer", ""), metadata.get("maintainer_email", "")) or _person(
        metadata.get("author", ""), metadata.get("author_email", "")
    )


def _person(name: str, address: str) -> Supplier | None:
    """From two fields, of which the second may hold the name too: ``Name <address>``."""
    if "<" in address:
        return person(f"{address.partition('>')[0]}>")
    first = address.partition(",")[0].strip()
    return Supplier(name=name.strip() or first, email=first) if name.strip() or first else None


def _homepage(metadata: RawMetadata) -> str:
    if page := metadata.get("home_page", ""):
        return page
    labelled = {label.lower(): address for label, address in metadata.get("project_urls", {}).items()}
    return next((labelled[label] for label in HOMEPAGES if label in labelled), "")
