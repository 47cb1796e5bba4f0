"""What is told of all releases at once: what was found of each, and what that rests on."""

from repave.cli.codes import FAILED, OK, UNKNOWN
from repave.cli.phrases import counted
from repave.cli.screen import Screen
from repave.model.finding import Severity
from repave.operations.matching import Matching

WORST = (Severity.CRITICAL, Severity.HIGH)


def show_matching(found: Matching, screen: Screen) -> int:
    """A line for each release, and the exit code."""
    screen.answer(
        {"flaw": found.flaw, "releases": found.releases, "sources": found.sources, "unjudged": found.uncovered},
    )
    rows = []
    for one in found.releases:
        rated = [finding.rating.severity for finding in one.findings if finding.rating]
        packages = {(finding.ecosystem, finding.package, finding.version) for finding in one.findings}
        rows.append((one.release, len(one.findings), *(rated.count(severity) for severity in WORST), len(packages)))
    if rows:
        screen.table(("RELEASE", "FINDINGS", "CRITICAL", "HIGH", "PACKAGES"), rows)
    for source in found.unknown:
        screen.warn(f"{source.name} cannot be relied on: {source.problem}")
    for sentence in found.uncovered:
        screen.warn(sentence)
    bad = [one for one in found.releases if one.findings]
    what = f"{found.flaw}: " if found.flaw else ""
    screen.say(f"{what}{counted(len(bad), 'release')} with known flaws; `repave where CVE --kept` tells who runs them")
    if found.unknown or found.uncovered:
        return UNKNOWN
    return FAILED if bad else OK
