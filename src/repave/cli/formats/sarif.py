"""A scan as SARIF 2.1.0 (OASIS), as code scanning services read it."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from repave.cli.formats.flaws import Flaw, address, flaws
from repave.cli.severities import severity
from repave.config.pinlines import Pin
from repave.model.finding import Rating, Severity
from repave.operations.scan import Scan, Vulnerable

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

LEVELS = {Severity.MEDIUM: "warning", Severity.LOW: "note", Severity.NONE: "note"}
"""All else is an error; so is what nobody has rated, for it counts for every threshold."""

SCORES = {Severity.CRITICAL: 9.5, Severity.HIGH: 8.0, Severity.MEDIUM: 5.5, Severity.LOW: 2.0, Severity.NONE: 0.0}
"""``security-severity`` of what is rated by a word only: the middle of the word's range."""

Document = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class LockText:
    """The lock that was examined, as a file that results can point into."""

    path: str
    """From the folder that the tool was run in, with forward slashes."""

    lines: Mapping[Pin, int]


def sarif(found: Scan, *, version: str, lock: LockText | None) -> Document:
    """The log of one run; without ``lock`` (a release of the past) results have no place in a file."""
    told = [flaw for finding in (*found.findings, *found.dismissed) for flaw in flaws(finding)]
    rules: dict[str, Document] = {}
    for flaw in told:  # What hurries comes first, and makes the rule of a flaw that several packages have.
        rules.setdefault(flaw.id, _rule(flaw))
    index = {identifier: number for number, identifier in enumerate(rules)}
    driver = {"name": "repave", "version": version, "rules": list(rules.values())}
    run = {
        "tool": {"driver": driver},
        "invocations": [
            {
                "executionSuccessful": not found.unknown,
                "toolExecutionNotifications": list(_notifications(found)),
            }
        ],
        "results": [_result(flaw, index[flaw.id], lock) for flaw in told],
        "properties": {"subject": found.subject, "verdict": found.verdict},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(flaw: Flaw) -> Document:
    finding = flaw.finding
    summary = finding.summary or f"A known flaw of {finding.source}"
    more = [name for name in (flaw.id, *flaw.names) if address(name)]
    links = "".join(f"\n- [{name}]({address(name)})" for name in more)
    help_text = f"{summary}. {flaw.repair}"
    rule: Document = {
        "id": flaw.id,
        "shortDescription": {"text": summary},
        "fullDescription": {"text": f"{summary} ({', '.join((flaw.id, *flaw.names))}; {severity(finding)})"},
        "help": {"text": help_text, "markdown": f"{help_text}\n{links}" if links else help_text},
        "defaultConfiguration": {"level": _level(finding)},
        "properties": {
            "tags": ["security", *flaw.names, *(["known-exploited"] if finding.exploited else [])],
            **_scored(finding.rating),
        },
    }
    return rule | ({"helpUri": address(more[0])} if more else {})


def _scored(rating: Rating | None) -> Document:
    """None where nobody rates it: any number would be untrue."""
    if rating is None:
        return {}
    return {"security-severity": f"{SCORES[rating.severity] if rating.score is None else rating.score:.1f}"}


def _level(finding: Vulnerable) -> str:
    if finding.exploited or finding.rating is None:
        return "error"
    return LEVELS.get(finding.rating.severity, "error")


def _result(flaw: Flaw, rule: int, lock: LockText | None) -> Document:
    finding = flaw.finding
    images = f"image{'s' if len(finding.images) > 1 else ''} {', '.join(finding.images)}"
    exploited = ", known to be exploited" if finding.exploited else ""
    return {
        "ruleId": flaw.id,
        "ruleIndex": rule,
        "level": _level(finding),
        "message": {
            "text": f"{finding.package} {finding.version} of {images} has {flaw.id} ({severity(finding)}{exploited}). "
            f"{flaw.repair}"
        },
        "locations": [_location(finding, lock)],
        "partialFingerprints": {"repave/v1": _fingerprint(flaw)},
        "suppressions": list(_suppressions(finding)),
        "properties": {
            "images": list(finding.images),
            "environments": list(finding.environments),
            "instances": len(finding.instances),
            "knownExploited": finding.exploited,
            **({} if finding.exploitation is None else {"epss": finding.exploitation}),
        },
    }


def _location(finding: Vulnerable, lock: LockText | None) -> Document:
    named = {"name": finding.package, "fullyQualifiedName": f"{finding.ecosystem}/{finding.package}", "kind": "package"}
    location: Document = {"logicalLocations": [named]}
    if lock is None:
        return location
    carriers = ((carrier.ecosystem, carrier.name, carrier.version) for carrier in finding.within)
    pins = ((finding.ecosystem, finding.package, finding.version), *carriers)
    line = next((lock.lines[pin] for pin in pins if pin in lock.lines), None)
    place: Document = {"artifactLocation": {"uri": lock.path}}
    return location | {"physicalLocation": place | ({"region": {"startLine": line}} if line else {})}


def _fingerprint(flaw: Flaw) -> str:
    """The same as long as the flaw is in that package of those images, whatever its version and line."""
    finding = flaw.finding
    parts = (flaw.id, finding.ecosystem, finding.package, *finding.images)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _suppressions(finding: Vulnerable) -> Iterator[Document]:
    word = finding.dismissed
    if word is not None:
        by = f"{word.author}, {word.source}"
        yield {"kind": "external", "status": "accepted", "justification": f"{word.grounds}: {word.reason} ({by})"}


def _notifications(found: Scan) -> Iterator[Document]:
    """What could not be read makes the run fail; what is not judged, or dismisses nothing, is told."""
    for source in found.sources:
        if source.problem:
            yield _notification("error", f"{source.name} cannot be relied on: {source.problem}")
        yield from (_notification("warning", f"{source.name}: {remark}") for remark in source.remarks)
    yield from (_notification("warning", sentence) for sentence in found.unjudged)


def _notification(level: str, text: str) -> Document:
    return {"level": level, "message": {"text": text}}
