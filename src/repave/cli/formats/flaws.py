"""What one finding is about, flaw by flaw, and where more is said of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from repave.operations.scan import Vulnerable

DATABASES = (
    (re.compile(r"CVE-\d{4}-\d{4,}"), "NVD", "https://nvd.nist.gov/vuln/detail/{}"),
    (re.compile(r"GHSA(-[0-9a-z]{4}){3}"), "GitHub Advisory Database", "https://github.com/advisories/{}"),
    (re.compile(r"D(S|L|T)A-\d+(-\d+)?"), "Debian", "https://security-tracker.debian.org/tracker/{}"),
    (re.compile(r"PYSEC-\d{4}-\d+"), "PyPA Advisory Database", "https://osv.dev/vulnerability/{}"),
)
"""By the form of an identifier: whose it is, and where it is told."""


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """One flaw of one package."""

    id: str
    names: tuple[str, ...]
    """What else it is called."""

    finding: Vulnerable

    @property
    def repair(self) -> str:
        """What to do about it."""
        one = self.finding
        if not one.fixed_version:
            return f"No repair of {one.package} {one.version} is known."
        where = f" ({one.fixed_in})" if one.fixed_in else ""
        return f"{one.package} {one.fixed_version}{where} repairs it."


def flaws(finding: Vulnerable) -> Iterator[Flaw]:
    """An advisory is one; a suite's repair is one for each CVE that it names, or the repair itself."""
    if finding.advisory:
        yield Flaw(id=finding.advisory, names=(*finding.cves, *finding.aliases), finding=finding)
    for cve in () if finding.advisory else finding.cves:
        yield Flaw(id=cve, names=(), finding=finding)
    if not finding.advisory and not finding.cves:
        yield Flaw(id=f"{finding.source}-{finding.fixed_version}", names=(), finding=finding)


def database(identifier: str) -> str:
    """Whose identifier it is."""
    return next((name for form, name, _ in DATABASES if form.fullmatch(identifier)), "OSV")


def address(identifier: str) -> str:
    """Where it is told; empty where that is not known."""
    return next((address.format(identifier) for form, _, address in DATABASES if form.fullmatch(identifier)), "")
