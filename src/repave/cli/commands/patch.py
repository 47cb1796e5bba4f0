"""``repave patch``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

from repave.cli import differences, holds, outcomes, previews, remaining
from repave.cli.codes import FAILED, HELD, OK, UNKNOWN, WAITING
from repave.cli.commands.deploy import carry_out
from repave.cli.failure import Interrupted
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Option
from repave.cli.phrases import counted, listed
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.model.names import EnvironmentName
from repave.model.release import Release
from repave.operations.deploy import DeployResult
from repave.operations.foresight import foresee
from repave.operations.patch import Cure, Diagnosis, Proof
from repave.operations.preview import FleetPreview
from repave.operations.scan import unjudged
from repave.ports.clock import Clock
from repave.wiring import Wiring

DryRun = Annotated[
    bool,
    Option("--dry-run", help="Show what would change, who is replaced and when; write, bake and roll nothing."),
]


@example("repave patch --dry-run", "repave patch", "repave patch --json | jq .cves_closed")
def patch(*, dry_run: DryRun = False, as_json: Json = False, file: File = None) -> int:
    """Find what is vulnerable, re-lock just that, bake, roll out everywhere it runs, and prove that it is gone.

    Debian packages move to what the security suites repair, wheels and npm packages to the version that repairs them,
    or a later one, as far as ranges admit it; package-lock.json is rewritten with them. A base image with flaws becomes
    what its tag names now.

    Environments follow in pipeline order, each converged before the next; the first that rolls back stops it (4), as
    does the first whose gates hold the release (7): `repave promote` goes on from there.
    Nothing to do ends with 0 at once; a source that could not be read ends with 3. Ends with 1 when an instance still
    holds what was to be closed, and with 6 when a range holds a repair back: it is named with its file and line.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        run = _Run(wiring=wiring, screen=screen, times=Times(wiring.clock))
        try:
            return run.perform(dry_run=dry_run)
        except KeyboardInterrupt as asked:
            raise Interrupted(
                "interrupted: what runs stays as it is", hint="`repave patch` goes on with the rest"
            ) from asked


class Times:
    """How long each part took."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = self._last = clock.now()
        self.parts: dict[str, float] = {}

    def mark(self, part: str) -> None:
        """The part has ended."""
        now = self._clock.now()
        self.parts[part] = round(_seconds(self._last, now), 3)
        self._last = now

    def all(self) -> dict[str, float]:
        """Every part, and the whole."""
        return {**self.parts, "in all": round(_seconds(self._began, self._clock.now()), 3)}


@dataclass(kw_only=True)
class _Run:
    """One patch, from finding to proof; what has not happened yet is None."""

    wiring: Wiring
    screen: Screen
    times: Times
    diagnosis: Diagnosis | None = None
    cure: Cure | None = None
    planned: Mapping[EnvironmentName, tuple[FleetPreview, ...]] = field(default_factory=dict)
    release: Release | None = None
    deployments: tuple[DeployResult, ...] = ()
    proof: Proof | None = None

    def perform(self, *, dry_run: bool) -> int:
        """The mission, step by step."""
        patching = self.wiring.patching
        with self.wiring.adding(), self.screen.progress() as progress:
            if not dry_run:
                self.wiring.locking.go_on()
            self.diagnosis = patching.diagnose(progress)
            self.times.mark("found")
            for source in self.diagnosis.unknown:
                self.screen.warn(f"{source.name} cannot be relied on: {source.problem}")
            for sentence in unjudged(self.diagnosis.lock, self.diagnosis.report.sources):
                self.screen.warn(sentence)
            if self.diagnosis.clean:
                return self._nothing_to_do(self.diagnosis)
            self.cure = patching.cure(self.diagnosis, progress)
            self._show_cure(self.cure)
            if self.cure.idle:
                return self._nothing_to_do(self.diagnosis)
            if dry_run:
                self.times.mark("resolved")
                self._show_plan(self.cure)
                return self._end("dry run", self._taken, "nothing was written: that was a dry run")
            self.wiring.locking.write(self.cure.proposal, progress)
            self.times.mark("locked")
            self.release = self.wiring.bake(self.cure.proposal.lock, progress).release
            self.times.mark("baked")
        code = self._roll(self.cure, self.release)
        if code is not None:
            return code
        with self.screen.progress() as progress:
            self.proof = patching.prove(self.cure, progress)
        self.times.mark("proven")
        return self._judge(self.proof)

    def _nothing_to_do(self, diagnosis: Diagnosis) -> int:
        if diagnosis.unknown:
            return self._end("unknown", UNKNOWN, "nothing was found in what could be read; the rest is unknown")
        words = "nothing to patch: no repair can be taken by the lock, or by what runs"
        return self._end("held" if self._taken else "nothing to do", self._taken, words)

    @property
    def _taken(self) -> int:
        """What it ends with when all went well: whether every repair could be taken."""
        return HELD if self.cure and self.cure.held else OK

    def _roll(self, cure: Cure, release: Release) -> int | None:
        for name in cure.rolls:
            environment = self.wiring.project.environments[name]
            with self.screen.progress() as progress:
                held = self.wiring.promoting.held(environment, release, progress)
            if held is not None:
                holds.show(held, self.wiring.clock.now(), self.screen)
                return self._end("waiting", WAITING, f"{release} waits before {name}; `repave promote` goes on with it")
            self.screen.say(f"rolling {name} to {release}")
            result = carry_out(self.wiring, environment, release, "patch", self.screen)
            self.deployments = (*self.deployments, result)
            outcomes.show(result, self.screen)
            if not result.as_asked:
                code = outcomes.exit_code(result)
                return self._end(result.fleets[0].result, code, f"stopped: {name} did not take {release}")
        self.times.mark("rolled")
        return None

    def _judge(self, proof: Proof) -> int:
        for words in proof.holding:
            self.screen.warn(words)
        if proof.closed_still_running:
            still = listed(proof.closed_still_running)
            return self._end("still running", FAILED, f"not done: living instances still hold {still}")
        if not proof.known:
            return self._end("unknown", UNKNOWN, "not proven: not all is known of what runs")
        closed = self.cure.closed if self.cure else ()
        observed = f"none of {counted(proof.instances, 'living instance')} holds what was closed ({_counted(closed)})"
        return self._end(
            "patched", self._taken, f"proven by observation: {observed}; {proof.clean} run a release without findings"
        )

    def _show_cure(self, cure: Cure) -> None:
        differences.show(cure.difference, self.screen)
        if cure.closed:
            self.screen.show(f"closes {_counted(cure.closed)}: {listed(cure.closed, most=12)}")
        for path in cure.rewritten:
            self.screen.show(f"~ {path}, as npm would have it")
        remaining.show(cure, self.screen)
        for words in cure.hidden:
            self.screen.warn(f"what is closed is not known: {words}")

    def _show_plan(self, cure: Cure) -> None:
        clock = self.wiring.clock
        with self.screen.progress() as progress:
            self.planned = (
                foresee(self.wiring.project, cure.rolls, self.wiring.store, clock, progress) if cure.rolls else {}
            )
        for fleet in (fleet for fleets in self.planned.values() for fleet in fleets):
            previews.show(fleet, clock.now(), self.screen)

    def _end(self, result: str, code: int, words: str) -> int:
        times = self.times.all()
        changes = differences.document(self.cure.difference) if self.cure else {}
        self.screen.answer(
            {
                "result": result,
                "cves_before": self.cure.cves_before if self.cure else (),
                "cves_closed": self.cure.cves_closed if self.cure else (),
                "closed": self.cure.closed if self.cure else (),
                "packages_added": changes.get("packages_added", ()),
                "packages_removed": changes.get("packages_removed", ()),
                "packages_changed": changes.get("packages_changed", ()),
                "remaining": self.cure.remaining if self.cure else (),
                "held": self.cure.held if self.cure else {},
                "rewritten": self.cure.rewritten if self.cure else (),
                "affected": self.diagnosis.affected if self.diagnosis else (),
                "sources": self.diagnosis.sources if self.diagnosis else (),
                "planned": self.planned,
                "release": str(self.release) if self.release else None,
                "deployments": [outcomes.document(result) for result in self.deployments],
                "proof": self.proof,
                "seconds": times,
            }
        )
        self.screen.show(words)
        self.screen.say(", ".join(f"{part} {seconds:.1f} s" for part, seconds in times.items()))
        return code


def _counted(closed: tuple[str, ...]) -> str:
    return counted(len(closed), "CVE" if all(name.startswith("CVE-") for name in closed) else "flaw")


def _seconds(begin: datetime, end: datetime) -> float:
    return (end - begin) / timedelta(seconds=1)
