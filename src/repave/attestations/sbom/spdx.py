"""An inventory as SPDX 2.3 JSON.

Source: SPDX Specification 2.3 and its JSON schema. A file of the application is told as a package whose purpose is to
be a file, for SPDX wants a SHA-1 of what it calls a file.
"""

import re
from hashlib import sha256
from typing import Any
from uuid import UUID

from repave.attestations.sbom.inventory import Inventory, Licence, Part, PartKind, Supplier
from repave.model.recipe import ImageKind
from repave.model.statement import canonical

DOCUMENT = "SPDXRef-DOCUMENT"
ARTIFACT = "SPDXRef-artifact"
UNKNOWN = "NOASSERTION"
WEB = ("https://", "http://", "ftp://")
"""What the specification takes for a place to download from, of those that a lock knows."""

PURPOSES = {
    ImageKind.CONTAINER: "CONTAINER",
    ImageKind.VM: "OPERATING-SYSTEM",
    ImageKind.FUNCTION: "APPLICATION",
}
PART_PURPOSES = {PartKind.PACKAGE: "LIBRARY", PartKind.FILE: "FILE", PartKind.IMAGE: "CONTAINER"}
TEAM = re.compile(r"\b(team|maintainers?|developers?|group|project|foundation|pallets|ecosystem)\b", re.IGNORECASE)
"""Most suppliers with such a word are no person; the specification wants to know."""


def spdx(inventory: Inventory, *, serial: UUID) -> bytes:
    """The document, canonical JSON; ``serial`` is what it is known by."""
    identifiers = {part.reference: _identifier(part) for part in inventory.parts}
    named = {licence.name for part in inventory.parts for licence in part.facts.licences if licence.name}
    return canonical(
        {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": DOCUMENT,
            "name": inventory.name,
            "documentNamespace": serial.urn,
            "creationInfo": {
                "created": f"{inventory.as_of:%Y-%m-%dT%H:%M:%SZ}",
                "creators": [f"Tool: repave-{inventory.version}"],
            },
            "packages": [_artifact(inventory), *(_package(part, identifiers) for part in inventory.parts)],
            "relationships": _relationships(inventory, identifiers),
            "hasExtractedLicensingInfos": [
                {
                    "licenseId": _licence_reference(name),
                    "name": name,
                    "extractedText": f"What the package itself calls {name}; its own documents have the text.",
                }
                for name in sorted(named)
            ],
        }
    )


def _relationships(inventory: Inventory, identifiers: dict[str, str]) -> list[dict[str, str]]:
    told = [(DOCUMENT, "DESCRIBES", ARTIFACT)]
    told += [(ARTIFACT, "CONTAINS", identifiers[part.reference]) for part in inventory.parts]
    told += [(ARTIFACT, "DEPENDS_ON", identifiers[reference]) for reference in inventory.roots]
    for part in inventory.parts:
        told += [(identifiers[part.reference], "DEPENDS_ON", identifiers[other]) for other in part.needs]
    return [
        {"spdxElementId": one, "relationshipType": relation, "relatedSpdxElement": other}
        for one, relation, other in told
    ]


def _artifact(inventory: Inventory) -> dict[str, Any]:
    return {
        "SPDXID": ARTIFACT,
        "name": inventory.name,
        "versionInfo": inventory.digest,
        "primaryPackagePurpose": PURPOSES[inventory.kind],
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": False,
        "checksums": [_checksum(inventory.digest.removeprefix("sha256:"))],
        "externalRefs": [_purl(inventory.purl)],
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": UNKNOWN,
        "copyrightText": UNKNOWN,
    }


def _package(part: Part, identifiers: dict[str, str]) -> dict[str, Any]:
    facts = part.facts
    told: dict[str, Any] = {
        "SPDXID": identifiers[part.reference],
        "name": part.name,
        "primaryPackagePurpose": PART_PURPOSES[part.kind],
        "downloadLocation": part.origin if part.origin.startswith(WEB) else UNKNOWN,
        "filesAnalyzed": False,
        "checksums": [_checksum(part.sha256)] if part.sha256 else [],
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": _expression(facts.licences),
        "copyrightText": UNKNOWN,
    }
    if part.sha512:
        told["checksums"].append({"algorithm": "SHA512", "checksumValue": part.sha512})
    if part.version:
        told["versionInfo"] = part.version
    if part.purl:
        told["externalRefs"] = [_purl(part.purl)]
    if facts.supplier is not None:
        told["supplier"] = _supplier(facts.supplier)
    if facts.summary:
        told["summary"] = facts.summary
    if facts.homepage:
        told["homepage"] = facts.homepage
    if source := dict(part.properties).get("repave:source"):
        version = dict(part.properties).get("repave:source-version", "")
        told["sourceInfo"] = f"built from the source package {source} {version}".rstrip()
    return told


def _identifier(part: Part) -> str:
    """Letters, digits, dots and hyphens only; the digest tells apart what reads alike then."""
    readable = re.sub(r"[^A-Za-z0-9.-]+", "-", part.name).strip("-")
    return f"SPDXRef-{readable[:80]}-{sha256(part.reference.encode()).hexdigest()[:12]}"


def _licence_reference(name: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-")
    return f"LicenseRef-{readable[:60]}-{sha256(name.encode()).hexdigest()[:8]}"


def _expression(licences: tuple[Licence, ...]) -> str:
    terms = [licence.spdx or _licence_reference(licence.name) for licence in licences]
    if len(terms) < 2:  # noqa: PLR2004 - one needs no brackets
        return terms[0] if terms else UNKNOWN
    return " AND ".join(f"({term})" if " " in term else term for term in terms)


def _supplier(supplier: Supplier) -> str:
    kind = "Organization" if TEAM.search(supplier.name) else "Person"
    return f"{kind}: {supplier.name}" + (f" ({supplier.email})" if supplier.email else "")


def _checksum(digits: str) -> dict[str, str]:
    return {"algorithm": "SHA256", "checksumValue": digits}


def _purl(purl: str) -> dict[str, str]:
    return {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
