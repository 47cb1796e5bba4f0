"""How findings are told to people: how bad, which flaw, how likely to be exploited."""

from repave.cli.phrases import listed
from repave.model.finding import Finding
from repave.operations.scan import Vulnerable
from repave.operations.urgency import Judged, severity_of

Found = Finding | Vulnerable


def severity(finding: Judged) -> str:
    """``high 7.5``, with ``KEV`` for what is known to be exploited."""
    rating = finding.rating
    score = f" {rating.score:.1f}" if rating and rating.score is not None else ""
    return f"{severity_of(finding)}{score}{' KEV' if finding.exploited else ''}"


def flaw(finding: Judged, *, most: int = 3) -> str:
    """Its CVEs, else what its database calls it."""
    return listed(finding.cves, most=most) or finding.advisory or "none named"


def likelihood(finding: Judged) -> str:
    """As EPSS publishes it, in hundredths."""
    return "-" if finding.exploitation is None else f"{finding.exploitation:.1%}"


def package(finding: Found) -> str:
    """Its name, and within what it lies."""
    within = tuple(f"{carrier.name} {_short(carrier.version)}" for carrier in finding.within)
    return f"{finding.package} (in {listed(within, most=2)})" if within else finding.package


def _short(version: str) -> str:
    """Enough of a digest to know it by."""
    return version[:19] if version.startswith("sha256:") else version
