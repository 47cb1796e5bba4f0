"""From questions and the records about their packages to findings, and to what could not be judged."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from repave.advisories.osv.matching import Judgement, Verdict, judge
from repave.advisories.osv.orders import Key, debian, pep440, semver
from repave.advisories.osv.records import Record
from repave.advisories.osv.subjects import Question
from repave.advisories.rating import rate
from repave.model.finding import Finding
from repave.model.lock import Ecosystem

CVE = re.compile(r"CVE-\d{4}-\d{4,19}")

FOUND_IN = {Ecosystem.PYPI: "PyPI", Ecosystem.NPM: "npm"}
"""Where a repaired version is had; which suite of a distribution has it, its records do not say."""


@dataclass(frozen=True, kw_only=True)
class _Flaw:
    """One finding, and every name of what it is about."""

    finding: Finding
    names: frozenset[str]


def findings_of(question: Question, records: Iterable[Record]) -> tuple[list[Finding], list[str]]:
    """The findings of one locked package, each flaw once, and a sentence for each record that could not be judged.

    Databases name each other's records as aliases: what they say of one flaw is one finding, with the more cautious of
    their repairs.
    """
    flaws: list[_Flaw] = []
    undecided: list[str] = []
    package = question.package
    for record in sorted(records, key=lambda record: record.id):
        judgement = judge(record, question.subject)
        if judgement.verdict is Verdict.UNDECIDED:
            undecided.append(f"{record.id} about {package.name} {package.version}: {judgement.reason}")
        elif judgement.verdict is Verdict.AFFECTED:
            flaws.append(_Flaw(finding=_finding(question, record, judgement), names=frozenset(record.names)))
    return [_one(group) for group in _grouped(flaws)], undecided


def _finding(question: Question, record: Record, judgement: Judgement) -> Finding:
    package = question.package
    return Finding(
        ecosystem=package.ecosystem,
        package=package.name,
        source=package.source or package.name,
        version=package.version,
        fixed_version=judgement.fixed_version,
        fixed_in=FOUND_IN.get(package.ecosystem, "") if judgement.fixed_version else "",
        cves=tuple(sorted(name for name in record.names if CVE.fullmatch(name))),
        images=question.images,
        advisory=record.id,
        aliases=tuple(sorted({name for name in record.names[1:] if not CVE.fullmatch(name)})),
        summary=_summary(record, judgement),
        published=record.published,
        rating=rate(_vectors(record, judgement), _word(record, judgement)).rating,
    )


def _summary(record: Record, judgement: Judgement) -> str:
    nodsa = judgement.by.ecosystem_specific.nodsa if judgement.by else ""
    return "; ".join(text for text in (record.summary, f"no advisory by Debian: {nodsa}" if nodsa else "") if text)


def _vectors(record: Record, judgement: Judgement) -> list[str]:
    """A part's own score goes before the record's."""
    scores = (judgement.by.severity if judgement.by else ()) or record.severity
    return [one.score for one in scores if one.type.startswith("CVSS")]


def _word(record: Record, judgement: Judgement) -> str:
    specific = [record.database_specific]
    if judgement.by:
        specific = [judgement.by.ecosystem_specific, judgement.by.database_specific, *specific]
    scores = (*(judgement.by.severity if judgement.by else ()), *record.severity)
    words = [
        *(one.score for one in scores if not one.type.startswith("CVSS")),
        *(word for one in specific for word in (one.severity, one.urgency)),
    ]
    return next((word for word in words if word), "")


def _grouped(flaws: Iterable[_Flaw]) -> Iterable[list[_Flaw]]:
    """Those that share a name, directly or through another."""
    by_name: dict[str, list[_Flaw]] = {}
    for flaw in flaws:
        near = {id(group): group for name in flaw.names if (group := by_name.get(name))}
        group = [*(other for known in near.values() for other in known), flaw]
        by_name |= {name: group for one in group for name in one.names}
    return {id(group): group for group in by_name.values()}.values()


def _one(group: Sequence[_Flaw]) -> Finding:
    """The finding of a flaw that several records tell: the rated one speaks, the latest repair counts."""
    told = sorted((flaw.finding for flaw in group), key=lambda one: (one.rating is None, one.advisory))
    repaired = {one.fixed_version for one in told}
    cves = {cve for one in told for cve in one.cves}
    others = {name for one in told for name in (one.advisory, *one.aliases)} - cves - {told[0].advisory}
    return replace(
        told[0],
        cves=tuple(sorted(cves)),
        aliases=tuple(sorted(others)),
        fixed_version=told[0].fixed_version if len(repaired) == 1 else _latest(told),
    )


def _latest(told: Sequence[Finding]) -> str:
    key: Key = {Ecosystem.DEB: debian, Ecosystem.PYPI: pep440}.get(told[0].ecosystem, semver)
    return max((one.fixed_version for one in told if one.fixed_version), key=key)
