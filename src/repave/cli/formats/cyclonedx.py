"""A scan as CycloneDX 1.6: what is locked, its flaws with ratings, and whose word dismisses which."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.impact_analysis import (
    ImpactAnalysisAffectedStatus,
    ImpactAnalysisJustification,
    ImpactAnalysisState,
)
from cyclonedx.model.lifecycle import LifecyclePhase, PredefinedLifecycle
from cyclonedx.model.tool import ToolRepository
from cyclonedx.model.vulnerability import (
    BomTarget,
    BomTargetVersionRange,
    Vulnerability,
    VulnerabilityAdvisory,
    VulnerabilityAnalysis,
    VulnerabilityRating,
    VulnerabilityReference,
    VulnerabilityScoreSource,
    VulnerabilitySeverity,
    VulnerabilitySource,
)
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from repave.cli.formats.flaws import Flaw, address, database, flaws
from repave.config.pinlines import Pin
from repave.model.finding import Dismissal, Grounds, Rating
from repave.model.lock import Lock, LockedImage, LockedPackage
from repave.operations.scan import Scan

METHODS = {
    "CVSS:4": VulnerabilityScoreSource.CVSS_V4,
    "CVSS:3.1": VulnerabilityScoreSource.CVSS_V3_1,
    "CVSS:3.0": VulnerabilityScoreSource.CVSS_V3,
}
"""By how a vector begins; one of version 2 has no such beginning."""

STATES = {
    Grounds.NOT_AFFECTED: ImpactAnalysisState.NOT_AFFECTED,
    Grounds.FIXED: ImpactAnalysisState.RESOLVED,
    Grounds.FALSE_POSITIVE: ImpactAnalysisState.FALSE_POSITIVE,
}

JUSTIFICATIONS = {
    "component_not_present": ImpactAnalysisJustification.CODE_NOT_PRESENT,
    "vulnerable_code_not_present": ImpactAnalysisJustification.CODE_NOT_PRESENT,
    "vulnerable_code_not_in_execute_path": ImpactAnalysisJustification.CODE_NOT_REACHABLE,
    "inline_mitigations_already_exist": ImpactAnalysisJustification.PROTECTED_BY_MITIGATING_CONTROL,
    **{one.value: one for one in ImpactAnalysisJustification},
}
"""OpenVEX's words and CycloneDX's own; a reason in other words stands in the detail alone."""

Purl = Callable[[LockedPackage, LockedImage], str]
"""The package URL of a package in an image."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """Of what the document is, by what, when."""

    project: str
    version: str
    """Of repave."""

    at: datetime


def cyclonedx(found: Scan, made: Made, purl: Purl) -> dict[str, object]:
    """The document: every locked package, so that each flaw has what it is in."""
    told = [flaw for finding in (*found.findings, *found.dismissed) for flaw in flaws(finding)]
    locked = list(_parts(found.lock, purl))
    locked += _brought(told, dict(reversed(locked)))
    parts = dict(reversed(locked))  # The first of a package's architectures stands for all.
    project = Component(bom_ref="project", type=ComponentType.APPLICATION, name=made.project)
    bom = Bom(
        serial_number=uuid5(NAMESPACE_URL, f"repave:{made.project}:{found.subject}:{made.at.isoformat()}"),
        components=[part for _, part in locked],
        vulnerabilities=[_vulnerability(flaw, number, parts) for number, flaw in enumerate(told, start=1)],
        dependencies=[
            Dependency(project.bom_ref, [Dependency(part.bom_ref) for _, part in locked]),
            *(Dependency(part.bom_ref) for _, part in locked),
        ],
        metadata=BomMetaData(
            timestamp=made.at,
            lifecycles=[PredefinedLifecycle(LifecyclePhase.OPERATIONS)],
            tools=ToolRepository(
                components=[
                    Component(
                        bom_ref="tool:repave", type=ComponentType.APPLICATION, name="repave", version=made.version
                    )
                ]
            ),
            component=project,
            properties=list(_properties(found)),
        ),
    )
    document: dict[str, object] = json.loads(JsonV1Dot6(bom).output_as_string())
    return document


def _brought(told: Iterable[Flaw], locked: Mapping[Pin, Component]) -> list[tuple[Pin, Component]]:
    """What has flaws and lies within others: no file of it was locked; the artifact's own SBOM has its purl."""
    brought: dict[Pin, Component] = {}
    for finding in (flaw.finding for flaw in told):
        pin = (finding.ecosystem, finding.package, finding.version)
        if pin not in locked:
            carriers = [locked[one.ecosystem, one.name, one.version] for one in finding.within]
            brought[pin] = Component(
                bom_ref="/".join(pin),
                type=ComponentType.LIBRARY,
                name=finding.package,
                version=finding.version,
                properties=[
                    Property(name="repave:images", value=",".join(finding.images)),
                    *(Property(name="repave:within", value=str(carrier.bom_ref.value)) for carrier in carriers),
                ],
            )
    return list(brought.items())


def _parts(lock: Lock, purl: Purl) -> Iterator[tuple[Pin, Component]]:
    images = {image.name: image for image in lock.images}
    seen: set[str] = set()
    for package in lock.packages:
        name = purl(package, images[package.images[0]])
        reference = name if name not in seen else f"{name}#{package.sha256[:12]}"
        seen.add(reference)
        yield (
            (package.ecosystem, package.name, package.version),
            Component(
                bom_ref=reference,
                type=ComponentType.LIBRARY,
                name=package.name,
                version=package.version,
                purl=PackageURL.from_string(name),
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=package.sha256)],
                properties=[Property(name="repave:images", value=",".join(package.images))],
            ),
        )


def _vulnerability(flaw: Flaw, number: int, parts: Mapping[Pin, Component]) -> Vulnerability:
    finding = flaw.finding
    part = parts[finding.ecosystem, finding.package, finding.version]
    return Vulnerability(
        bom_ref=f"{flaw.id}:{number}",
        id=flaw.id,
        source=_source(flaw.id),
        references=[VulnerabilityReference(id=name, source=_source(name)) for name in flaw.names],
        ratings=[_rating(finding.rating)],
        description=finding.summary or None,
        recommendation=flaw.repair,
        advisories=[VulnerabilityAdvisory(url=XsUri(address(flaw.id)))] if address(flaw.id) else [],
        analysis=_analysis(finding.dismissed) if finding.dismissed else None,
        affects=[
            BomTarget(
                ref=str(part.bom_ref.value),
                versions=[
                    BomTargetVersionRange(
                        version=finding.version,
                        status=ImpactAnalysisAffectedStatus.UNAFFECTED
                        if finding.dismissed
                        else ImpactAnalysisAffectedStatus.AFFECTED,
                    )
                ],
            )
        ],
        properties=list(_told(flaw)),
    )


def _source(identifier: str) -> VulnerabilitySource:
    where = address(identifier)
    return VulnerabilitySource(name=database(identifier), url=XsUri(where) if where else None)


def _rating(rating: Rating | None) -> VulnerabilityRating:
    """What nobody rates is of unknown severity, in so many words."""
    if rating is None:
        return VulnerabilityRating(severity=VulnerabilitySeverity.UNKNOWN)
    methods = (method for begin, method in METHODS.items() if rating.vector.startswith(begin))
    return VulnerabilityRating(
        severity=VulnerabilitySeverity(rating.severity.value),
        score=None if rating.score is None else Decimal(f"{rating.score:.1f}"),
        method=next(methods, VulnerabilityScoreSource.CVSS_V2) if rating.vector else None,
        vector=rating.vector or None,
    )


def _analysis(word: Dismissal) -> VulnerabilityAnalysis:
    return VulnerabilityAnalysis(
        state=STATES[word.grounds],
        justification=JUSTIFICATIONS.get(word.reason.partition(":")[0]),
        detail=f"{word.reason} ({word.author}, {word.source})",
        last_updated=word.at,
    )


def _told(flaw: Flaw) -> Iterator[Property]:
    finding = flaw.finding
    yield Property(name="repave:known-exploited", value=str(finding.exploited).lower())
    if finding.exploitation is not None:
        yield Property(name="repave:epss", value=f"{finding.exploitation:.5f}")
    yield Property(name="repave:images", value=",".join(finding.images))
    if finding.environments:
        yield Property(name="repave:environments", value=",".join(finding.environments))


def _properties(found: Scan) -> Iterable[Property]:
    """The verdict and what it rests on: a document without flaws is not always one of something clean."""
    yield Property(name="repave:subject", value=found.subject)
    yield Property(name="repave:verdict", value=found.verdict)
    for source in found.sources:
        yield Property(name="repave:source", value=source.name)
        if source.problem:
            yield Property(name="repave:unknown", value=f"{source.name}: {source.problem}")
        for remark in source.remarks:
            yield Property(name="repave:remark", value=f"{source.name}: {remark}")
    for sentence in found.unjudged:
        yield Property(name="repave:not-judged", value=sentence)
