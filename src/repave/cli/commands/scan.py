"""``repave scan``."""

from pathlib import Path
from typing import Annotated

from repave.cli.codes import FAILED, OK, UNKNOWN
from repave.cli.formats.report import Format, Report, write
from repave.cli.matched import show_matching
from repave.cli.misuse import Misused
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Argument, Option
from repave.cli.phrases import counted
from repave.cli.screen import Screen
from repave.cli.severities import flaw, likelihood, package, severity
from repave.cli.verbs import example
from repave.config.policies import environment_named
from repave.model.lock import Ecosystem, Lock
from repave.model.names import EnvironmentName
from repave.operations.errors import Refused
from repave.operations.keys import fleets_of
from repave.operations.matching import match_flaw, match_released
from repave.operations.releases import release_named, title
from repave.operations.scan import Scan, Vulnerable
from repave.operations.scan import scan as examine
from repave.operations.urgency import Threshold
from repave.wiring import Wiring

Environment = Annotated[
    str | None, Argument(help="What it is to run, and who runs it there [default: the lock].", metavar="ENVIRONMENT")
]
ReleaseOption = Annotated[str | None, Option("--release", help="A release, as r17.", metavar="rN")]
Released = Annotated[bool, Option("--released", help="Every release, and keep what is found of each.")]
FlawOption = Annotated[
    str | None,
    Option("--flaw", help="With --released: this one alone, by sources whose records are here.", metavar="CVE"),
]
FailOn = Annotated[Threshold, Option("--fail-on", help="How bad a finding must be for the exit code 1.")]
FormatOption = Annotated[Format, Option("--format", help="What to print, or to write to --output.")]
Output = Annotated[
    Path | None, Option("--output", help="Write the document there, and show the table.", metavar="FILE")
]
ExitZero = Annotated[bool, Option("--exit-zero", help="End with 0 although something was found.")]


@example(
    "repave scan",
    "repave scan prod --fail-on high",
    "repave scan --format sarif --output scan.sarif",
    "repave scan --released",
)
def scan(
    environment: Environment = None,
    *,
    release: ReleaseOption = None,
    released: Released = False,
    flaw: FlawOption = None,
    fail_on: FailOn = Threshold.ANY,
    exit_zero: ExitZero = False,
    written: FormatOption = Format.TABLE,
    output: Output = None,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Name the locked packages that have known flaws, how bad they are, their repairs, and who runs them.

    What is known to be exploited stands first, then the worst. Ends with 0 when nothing was found that is as bad as
    --fail-on, 1 when something was, 3 when a source could not be read, or none covers what is locked: then nothing is
    called clean. What nobody has
    rated counts as bad enough; what a VEX statement dismisses does not count. SARIF is for code scanning services,
    CycloneDX for who keeps bills of materials; both say it when a source could not be read. With --released every
    release is examined, and what is found of it is kept for `repave where --kept`.
    """
    _refuse_two_documents(written=written, output=output, as_json=as_json)
    screen = Screen(as_json=as_json)
    if released or flaw:
        _refuse_beside_released(flaw, released=released, others=(environment, release, output), written=written)
        return _match(flaw, screen, file)
    with opened(file) as wiring:
        subject, lock = _subject(wiring, environment, release)
        with screen.progress() as progress:
            found = examine(subject, lock, wiring.advisories, wiring.store, wiring.clock, progress)
        if environment is not None:
            found = found.within(EnvironmentName(environment))
        report = Report(found=found, fail_on=fail_on, wiring=wiring)
    failing = report.failing
    screen.answer(report.plain)
    if output is not None:
        write(report.text(written), output)
        screen.say(f"{written} is in {output}")
    elif written is not Format.TABLE and not as_json:
        screen.show(report.text(written).rstrip("\n"))
    if written is Format.TABLE or output is not None:
        show(found, screen)
    tell(found, screen)
    if fail_on is not Threshold.ANY and found.findings:
        unrated = counted(sum(one.rating is None for one in failing), "unrated one")
        screen.say(f"{len(failing)} of {counted(len(found.findings), 'finding')} count for `{fail_on}`, with {unrated}")
    if found.verdict == "unknown":
        return UNKNOWN
    return FAILED if failing and not exit_zero else OK


def _match(flaw: str | None, screen: Screen, file: Path | None) -> int:
    with opened(file) as wiring, screen.progress() as progress:
        if flaw is None:
            matching = match_released(wiring.store, wiring.advisories, wiring.clock, progress)
        else:
            source = wiring.advising.searchable()
            matching = match_flaw(flaw, wiring.store, source, wiring.clock, progress)
    return show_matching(matching, screen)


def _refuse_beside_released(flaw: str | None, *, released: bool, others: tuple[object, ...], written: Format) -> None:
    if not released:
        raise Misused(f"--flaw {flaw} is looked for in what was released", hint="add --released")
    if any(others) or written is not Format.TABLE:
        raise Misused("--released takes no environment, release or document", hint="name them without --released")


def _refuse_two_documents(*, written: Format, output: Path | None, as_json: bool) -> None:
    if output is not None and written is Format.TABLE:
        raise Misused("--output names a file for a document, and none is asked for", hint="--format sarif, for one")
    if output is None and as_json and written not in {Format.TABLE, Format.JSON}:
        raise Misused(f"--json and --format {written} ask for two documents at once", hint="--output FILE keeps one")


def show(found: Scan, screen: Screen) -> None:
    """The findings, those that are dismissed apart."""
    if found.findings:
        scored = any(one.exploitation is not None for one in found.findings)
        headings = ("SEVERITY", *(("EPSS",) if scored else ()), "PACKAGE", "LOCKED", "REPAIRED", "IN", "FLAW")
        rows = [
            (
                severity(one),
                *((likelihood(one),) if scored else ()),
                package(one),
                one.version,
                one.fixed_version or "-",
                one.fixed_in or "-",
                flaw(one),
                ",".join(one.images),
                _run_by(one),
            )
            for one in found.findings
        ]
        screen.table((*headings, "IMAGES", "RUN BY"), rows)
    for one in found.dismissed:
        _show_dismissed(one, screen)


def tell(found: Scan, screen: Screen) -> None:
    """What the findings rest on, and what can be done."""
    for source in found.sources:
        if source.problem:
            screen.warn(f"{source.name} cannot be relied on: {source.problem}")
        else:
            screen.say(f"{source.name}, as of {source.as_of:%Y-%m-%d %H:%M} UTC" if source.as_of else source.name)
        for remark in source.remarks:
            screen.warn(f"{source.name}: {remark}")
    for sentence in found.unjudged:
        screen.say(sentence)
    packages = counted(len({(one.ecosystem, one.package, one.version) for one in found.findings}), "package")
    dismissed = f", {counted(len(found.dismissed), 'finding')} dismissed" if found.dismissed else ""
    told = {
        "unknown": f"{found.subject}: unknown; {packages} found in what was judged",
        "clean": f"{found.subject}: no flaw is known{' that stands' if dismissed else ''}, by the sources above",
        "vulnerable": f"{found.subject}: {packages} with known flaws, {counted(len(found.cves), 'CVE')}",
    }
    screen.say(told[found.verdict] + dismissed)
    _advise(found, screen)


def _advise(found: Scan, screen: Screen) -> None:
    """What moves what was found, and who could judge the rest; what others bring along moves with them."""
    locked = {(one.ecosystem, one.name, one.version) for one in found.lock.packages}
    if any(one.fixed_in for one in found.findings if (one.ecosystem, one.package, one.version) in locked):
        screen.hint("`repave patch` takes just the repairs, as far as ranges admit them, bakes and rolls them out")
    carriers = {carrier for one in found.findings for carrier in one.within}
    for base in sorted({carrier.name for carrier in carriers if carrier.ecosystem is Ecosystem.OCI}):
        screen.hint(f"`repave patch` takes what the tag of {base} names now, repaired or not")
    for carrier in sorted(carrier for carrier in carriers if carrier.ecosystem is Ecosystem.NPM):
        screen.hint(f"{carrier.name} {carrier.version} brings flaws along: another version of it may not")
    if found.blind and not found.unknown:
        screen.hint(
            "name who knows them under `advisories` in repave.yaml, as `sources: [{osv: {api: https://api.osv.dev}}]`"
        )


def _run_by(one: Vulnerable) -> str:
    return f"{counted(len(one.instances), 'instance')} in {', '.join(one.environments)}" if one.instances else "-"


def _show_dismissed(one: Vulnerable, screen: Screen) -> None:
    """Whose word it is, and why."""
    word = one.dismissed
    if word is not None:
        dated = f", {word.at:%Y-%m-%d}" if word.at else ""
        by = f"{word.author}{dated}, {word.source}"
        screen.show(f"dismissed: {flaw(one)} in {one.package} {one.version}: {word.reason} ({by})")


def _subject(wiring: Wiring, environment: str | None, release: str | None) -> tuple[str, Lock]:
    if environment and release:
        raise Misused("an environment and a release were named", hint="name one of them")
    if release:
        chosen = release_named(wiring.store, release)
        return str(chosen), wiring.store.lock(chosen.lock)
    if environment:
        return _of_environment(wiring, environment)
    lock = wiring.locked.present()
    if lock is None:
        raise Refused("there is no repave.lock to examine", hint="`repave lock` makes it")
    return "repave.lock", lock


def _of_environment(wiring: Wiring, name: str) -> tuple[str, Lock]:
    environment = environment_named(wiring.project, name)
    targets = [wiring.store.target(key) for key in fleets_of(wiring.project, environment)]
    numbers = {target.release for target in targets if target}
    if not numbers:
        raise Refused(f"{name} was never deployed", hint=f"`repave deploy {name}`")
    chosen = wiring.store.release(max(numbers))
    return f"{name} ({title(chosen.number)})", wiring.store.lock(chosen.lock)
