"""What a patch leaves behind, and what a person can do about it."""

from collections.abc import Iterable, Sequence

from repave.cli.phrases import counted, listed
from repave.cli.screen import Screen
from repave.cli.severities import flaw, severity
from repave.model.finding import Finding
from repave.model.lock import Ecosystem
from repave.operations.patch import Cure
from repave.operations.repairs import apart
from repave.ports.pinner import Held


def show(cure: Cure, screen: Screen) -> None:
    """Each finding that a repair is known of; the others, and those in images below, in a line."""
    held = tuple(dict.fromkeys(one for told in cure.held.values() for one in told))
    own, brought = apart(cure.remaining, cure.proposal.lock)
    for finding in own:
        if finding.fixed_version:
            screen.warn(
                f"{finding.package} {finding.version} stays with {flaw(finding)} ({severity(finding)}): "
                f"{finding.fixed_version} could not be taken{_reason(_holder(finding, held))}"
            )
    if unrepaired := [one for one in own if not one.fixed_version]:
        screen.warn(f"no repair is known of {_summary(unrepaired)}; `repave scan` names them")
    _show_below(cure, brought, held, screen)
    _show_bundled(brought, screen)
    for remedy in dict.fromkeys(one.remedy for one in held if one.remedy):
        screen.hint(remedy)


def _show_below(cure: Cure, brought: Sequence[Finding], held: Iterable[Held], screen: Screen) -> None:
    bases: dict[str, set[str]] = {}
    for package in cure.proposal.lock.packages:
        if package.ecosystem is Ecosystem.OCI:
            bases.setdefault(package.name, set()).update(package.images)
    for base, images in sorted(bases.items()):
        inside = [one for one in brought if base in {carrier.name for carrier in one.within}]
        if inside:
            holder = next((one for one in held if (one.name, one.version) == (base, "")), None)
            stays = _reason(holder) or ": its tag names no image without them now"
            screen.warn(f"the base {base} of {listed(tuple(sorted(images)))} holds {_summary(inside)}{stays}")


def _show_bundled(brought: Sequence[Finding], screen: Screen) -> None:
    carriers = {carrier for one in brought for carrier in one.within if carrier.ecosystem is Ecosystem.NPM}
    for carrier in sorted(carriers):
        inside = [one for one in brought if carrier in one.within]
        screen.warn(f"{carrier.name} {carrier.version} brings along {_summary(inside)}: another version of it may not")


def _holder(finding: Finding, held: Iterable[Held]) -> Held | None:
    return next(
        (
            one
            for one in held
            if (one.name, one.version) == (finding.package, finding.fixed_version)
            and one.locked in {"", finding.version}
        ),
        None,
    )


def _reason(held: Held | None) -> str:
    if held is None:
        return ""
    return f": {held.place}: {held.why}" if held.place else f": {held.why}"


def _summary(findings: Sequence[Finding]) -> str:
    packages = counted(len({(one.package, one.version) for one in findings}), "package")
    worst = f"the worst is {flaw(findings[0])} ({severity(findings[0])})"
    return f"{counted(len(findings), 'finding')} in {packages}, {worst}"
