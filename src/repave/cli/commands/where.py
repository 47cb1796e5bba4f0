"""``repave where``."""

from collections import defaultdict
from datetime import datetime
from typing import Annotated

from repave.cli.codes import OK, UNKNOWN
from repave.cli.moments import past_moment
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Argument, Option
from repave.cli.phrases import counted, listed
from repave.cli.screen import Screen
from repave.cli.severities import likelihood, severity
from repave.cli.traced import show_trace
from repave.cli.verbs import example
from repave.operations.exposure import bearer_of
from repave.operations.instances import Tracing
from repave.operations.where import Holding, Search, Whereabouts
from repave.ports.history import Departed

Subject = Annotated[
    str,
    Argument(help="A CVE, package, package==version, sha256 digest, release, instance or slot.", metavar="SUBJECT"),
]
At = Annotated[
    str | None, Option("--at", help="What ran at that time, by what was seen [default: now].", metavar="TIME")
]

Kept = Annotated[bool, Option("--kept", help="Flaws as of each release's last examination: no source is asked.")]


@example(
    "repave where CVE-2026-1234",
    "repave where openssl --at 2026-03-01",
    "repave where flask==3.0.3",
    "repave where r3 --json",
    "repave where web-7",
    "repave where CVE-2026-1234 --kept",
)
def where(subject: Subject, *, at: At = None, kept: Kept = False, as_json: Json = False, file: File = None) -> int:
    """Find where a CVE, package, digest or release is, or was: releases, environments, instances.

    A CVE is looked up by examining every released lock now, so what became known later counts too. With --at it is told
    which instances lived at that time. Of an instance or a slot, living or past, it is told what it is made of, its
    findings, and who let its release in. With --kept no source is asked, and the answer is as old as `repave scan
    --released` says it is. Ends with 3 when a source could not be read, or none covers what is locked.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring, screen.progress() as progress:
        then = None if at is None else past_moment("--at", at, wiring.clock.now())
        tracing = Tracing(store=wiring.store, advisories=wiring.advisories, progress=progress)
        trace = tracing.trace(subject, then, kept=kept)
        if trace is not None:
            return show_trace(subject, trace, screen, then)
        present = wiring.locked.present()
        search = Search(
            store=wiring.store,
            present=present,
            advisories=wiring.advisories,
            bases=wiring.bases,
            bundles=wiring.bundles,
            progress=progress,
        )
        found = search.find(subject, then, kept=kept)
    screen.answer(
        {
            "subject": found.subject,
            "kind": found.kind,
            "at": then,
            "locked": found.locked,
            "environments": found.environments,
            "releases": [_holding(holding) for holding in found.holdings],
            "findings": found.findings,
            "sources": found.sources,
            "unjudged": found.unjudged,
        }
    )
    _show(found, screen, then)
    return UNKNOWN if found.unknown or found.unjudged else OK


def _holding(holding: Holding) -> dict[str, object]:
    """As a machine is told of it: who lives each, who is gone by environment."""
    by_environment: dict[str, list[Departed]] = defaultdict(list)
    for one in holding.past:
        by_environment[one.fleet.environment].append(one)
    past = [
        {"environment": environment, "instances": sum(gone.instances for gone in some)}
        | {"first_seen": min(gone.first_seen for gone in some), "gone_at": max(gone.gone_at for gone in some)}
        for environment, some in sorted(by_environment.items())
    ]
    return {
        "release": holding.release,
        "lock": holding.lock,
        "what": holding.what,
        "bakes": holding.bakes,
        "living": [bearer_of(one) for one in holding.living],
        "past": past,
    }


def _show(found: Whereabouts, screen: Screen, then: datetime | None) -> None:
    for finding in found.findings[:1]:
        likely = "" if finding.exploitation is None else f", EPSS {likelihood(finding)}"
        screen.show(f"{found.subject}: {severity(finding)}{likely}")
    if found.locked:
        screen.show(f"repave.lock holds {listed(found.locked)}")
    for holding in found.holdings:
        screen.show(f"{holding.release} holds {listed(holding.what)}")
        for bake in holding.bakes[:1]:
            again = f", and again {counted(len(holding.bakes) - 1, 'time')}" if len(holding.bakes) > 1 else ""
            screen.show(
                f"  baked {_day(bake.began_at)} in {bake.seconds:.0f} s, {counted(bake.built, 'layer')} built{again}"
            )
        runs = "ran" if then else "runs"
        for one in holding.living:
            screen.show(
                f"  {runs} in {one.fleet.environment}/{one.slot}, zone {one.zone}, since {_day(one.first_seen)}"
            )
        if holding.past:
            first = min(gone.first_seen for gone in holding.past)
            last = max(gone.gone_at for gone in holding.past)
            where_it_was = ", ".join(sorted({gone.fleet.environment for gone in holding.past}))
            instances = counted(sum(gone.instances for gone in holding.past), "instance")
            screen.show(f"  ran in {where_it_was}: {instances}, {_day(first)} to {_day(last)}")
    for source in found.unknown:
        screen.warn(f"{source.name} cannot be relied on: {source.problem}")
    for sentence in found.unjudged:
        screen.warn(sentence)
    living = sum(len(holding.living) for holding in found.holdings)
    if found.unknown:
        screen.say("what could not be read may hold more")
    elif not found.holdings and not found.locked:
        judged = ", as far as they are judged" if found.unjudged else ""
        screen.say(f"no release and no lock holds {found.subject}{judged}")
    else:
        places = f" in {', '.join(found.environments)}" if living else ""
        when = f" at {_day(then)}" if then else ""
        screen.say(f"{counted(living, 'living instance')}{places}{when}, {counted(len(found.holdings), 'release')}")


def _day(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
