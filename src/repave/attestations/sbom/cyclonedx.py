"""An inventory as CycloneDX 1.6, by the project's own library."""

import json
from collections.abc import Iterable, Iterator
from uuid import UUID

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalContact, OrganizationalEntity
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement, LicenseExpression
from cyclonedx.model.lifecycle import LifecyclePhase, PredefinedLifecycle
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import is_supported_id
from packageurl import PackageURL

from repave.attestations.sbom.inventory import Inventory, Licence, Part, PartKind, Supplier
from repave.model.recipe import ImageKind
from repave.model.statement import canonical

KINDS = {
    ImageKind.CONTAINER: ComponentType.CONTAINER,
    ImageKind.VM: ComponentType.PLATFORM,
    ImageKind.FUNCTION: ComponentType.APPLICATION,
}


PART_KINDS = {
    PartKind.PACKAGE: ComponentType.LIBRARY,
    PartKind.FILE: ComponentType.FILE,
    PartKind.IMAGE: ComponentType.CONTAINER,
}


def cyclonedx(inventory: Inventory, *, serial: UUID) -> bytes:
    """The document, canonical JSON; ``serial`` is what it is known by."""
    artifact = _artifact(inventory)
    components = {part.reference: _component(part) for part in inventory.parts}
    below = list(_distribution(inventory))
    bom = Bom(
        serial_number=serial,
        components=[*components.values(), *below],
        metadata=BomMetaData(
            timestamp=inventory.as_of,
            lifecycles=[PredefinedLifecycle(LifecyclePhase.BUILD)],
            tools=ToolRepository(components=[_tool(inventory.version)]),
            component=artifact,
        ),
        dependencies=[
            Dependency(artifact.bom_ref, [*_dependencies(inventory.roots, components), *_alone(below)]),
            *_alone(below),
            *(
                Dependency(components[part.reference].bom_ref, _dependencies(part.needs, components))
                for part in inventory.parts
            ),
        ],
    )
    return canonical(json.loads(JsonV1Dot6(bom).output_as_string()))


def _dependencies(references: Iterable[str], components: dict[str, Component]) -> Iterator[Dependency]:
    return (Dependency(components[reference].bom_ref) for reference in references)


def _alone(components: Iterable[Component]) -> Iterator[Dependency]:
    return (Dependency(component.bom_ref) for component in components)


def _artifact(inventory: Inventory) -> Component:
    return Component(
        bom_ref=inventory.purl,
        type=KINDS[inventory.kind],
        name=inventory.name,
        version=inventory.digest,
        purl=PackageURL.from_string(inventory.purl),
        hashes=[_sha256(inventory.digest.removeprefix("sha256:"))],
    )


def _tool(version: str) -> Component:
    return Component(bom_ref="tool:repave", type=ComponentType.APPLICATION, name="repave", version=version)


def _distribution(inventory: Inventory) -> Iterator[Component]:
    """What scanners find the distribution's advisories by."""
    if inventory.distribution is not None:
        name, number = inventory.distribution
        yield Component(bom_ref="os", type=ComponentType.OPERATING_SYSTEM, name=name, version=number or None)


def _component(part: Part) -> Component:
    hashes = [_sha256(part.sha256)] if part.sha256 else []
    if part.sha512:
        hashes.append(HashType(alg=HashAlgorithm.SHA_512, content=part.sha512))
    return Component(
        bom_ref=part.reference,
        type=PART_KINDS[part.kind],
        name=part.name,
        version=part.version or None,
        purl=PackageURL.from_string(part.purl) if part.purl else None,
        description=part.facts.summary or None,
        supplier=_supplier(part.facts.supplier),
        hashes=hashes,
        licenses=_licences(part.facts.licences),
        external_references=list(_addresses(part)),
        properties=[Property(name=name, value=value) for name, value in part.properties],
    )


def _supplier(supplier: Supplier | None) -> OrganizationalEntity | None:
    if supplier is None:
        return None
    contacts = [OrganizationalContact(name=supplier.name, email=supplier.email)] if supplier.email else []
    return OrganizationalEntity(name=supplier.name, contacts=contacts)


def _licences(licences: tuple[Licence, ...]) -> list[DisjunctiveLicense | LicenseExpression]:
    """The schema takes many licences, or one expression: several expressions become one, or are told as names."""
    declared = LicenseAcknowledgement.DECLARED
    expressions = [licence.spdx for licence in licences if licence.spdx]
    if len(expressions) == len(licences) and any(" " in text for text in expressions):
        parts = (f"({text})" if " " in text and len(expressions) > 1 else text for text in expressions)
        return [LicenseExpression(" AND ".join(parts), acknowledgement=declared)]
    return [
        DisjunctiveLicense(id=licence.spdx, acknowledgement=declared)
        if is_supported_id(licence.spdx)
        else DisjunctiveLicense(name=licence.spdx or licence.name, acknowledgement=declared)
        for licence in licences
    ]


def _addresses(part: Part) -> Iterator[ExternalReference]:
    if part.origin:
        yield ExternalReference(
            type=ExternalReferenceType.DISTRIBUTION, url=XsUri(part.origin), hashes=[_sha256(part.sha256)]
        )
    if part.facts.homepage:
        yield ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(part.facts.homepage))


def _sha256(digits: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digits)
