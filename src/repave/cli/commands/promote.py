"""``repave promote``."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from repave.cli import holds, outcomes
from repave.cli.codes import OK
from repave.cli.commands.deploy import carry_out
from repave.cli.failure import Interrupted
from repave.cli.live import watching
from repave.cli.opening import opened
from repave.cli.options import File, Json, OptionalEnvironment
from repave.cli.parameters import Option
from repave.cli.phrases import listed
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.config.policies import environment_named
from repave.model.evidence import Checked
from repave.model.names import EnvironmentName
from repave.model.pipeline import Enter, PipelinePlan
from repave.operations.deploy import DeployResult
from repave.operations.keys import fleets_of
from repave.operations.promoting.walking import Walk, walk
from repave.wiring import Wiring

DryRun = Annotated[
    bool,
    Option("--dry-run", help="Show what would enter, and what waits and why, by what was seen last; do nothing."),
]

Recheck = Annotated[bool, Option("--recheck", help="Run all checks again, also those that have passed.")]


@example("repave promote --dry-run", "repave promote", "repave promote prod --json | jq .held")
def promote(
    environment: OptionalEnvironment = None,
    *,
    dry_run: DryRun = False,
    recheck: Recheck = False,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Let the newest good releases into the next environments, as far as gates hold, and say what waits and why.

    Runs the checks of environments that are well, where they have not passed yet or do not count any more; one that
    failed is run again by each promotion. Does not wait for gates itself: run it from cron, or again. A release that
    fails is rolled back, and this ends with 4; what failed, or was there when somebody rolled back, comes again only
    by `repave deploy --release`.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        where = environment_named(wiring.project, environment).name if environment else None
        run = _Run(wiring=wiring, screen=screen, only=where, recheck=recheck)
        try:
            return run.perform(dry_run=dry_run)
        except KeyboardInterrupt as asked:
            raise Interrupted("interrupted: what runs stays as it is", hint="`repave promote` goes on") from asked


@dataclass(frozen=True, kw_only=True)
class _Run:
    """One promotion, from environment to environment."""

    wiring: Wiring
    screen: Screen
    only: EnvironmentName | None
    recheck: bool
    checked: list[Checked] = field(default_factory=list)
    """What came of the checks, in the order they were run."""

    def perform(self, *, dry_run: bool) -> int:
        """Until nothing more may enter, or something failed."""
        walked = Walk(results=(), plan=self._plan()) if dry_run else walk(self._looked, self._carry_out, self.only)
        entering = [one for one in walked.plan.entering if dry_run and self.only in {None, one.environment}]
        held = [one for one in walked.plan.held if self.only in {None, one.environment}]
        self.screen.answer(
            {
                "promoted": [outcomes.document(result) for result in walked.results],
                "checked": self.checked,
                "entering": entering,
                "held": held,
                "wake": walked.plan.wake,
            }
        )
        for enter in entering:
            self.screen.show(f"{enter.environment}: r{enter.release} may enter now{_passing(enter)}")
        for one in held:
            holds.show(one, walked.plan.at, self.screen)
        if not (entering or held or walked.results):
            if self.wiring.store.releases():
                self.screen.show("nothing waits: every environment has the newest release that came its way")
            else:
                self.screen.show("nothing waits: nothing is baked yet, so there is no release")
                self.screen.hint("`repave lock`, then `repave bake`")
        return outcomes.exit_code(walked.results[-1]) if walked.results else OK

    def _looked(self) -> PipelinePlan:
        self.checked.extend(look(self.wiring, self.screen, recheck=self.recheck, already=self.checked))
        return self._plan()

    def _plan(self) -> PipelinePlan:
        with self.screen.progress() as progress:
            return self.wiring.promoting.plan(progress)

    def _carry_out(self, enter: Enter) -> DeployResult:
        return let_in(self.wiring, enter, "promoted", self.screen)


def look(
    wiring: Wiring, screen: Screen, *, recheck: bool = False, already: Iterable[Checked] = ()
) -> tuple[Checked, ...]:
    """See what health gates hang on as it is now: what was not looked at since does not count as healthy.

    Answers the checks that were run; none that was run on a release ``already`` is.
    """
    checked: list[Checked] = []
    for name in wiring.promoting.watched():
        environment = wiring.project.environments[name]
        keys = fleets_of(wiring.project, environment)
        if all(wiring.store.target(key) for key in keys):
            with watching(screen, wiring.store, wiring.clock) as watcher:
                wiring.converge(keys, watcher=watcher)
            with screen.progress() as progress:
                checked += wiring.checking.verify(environment, progress, again=recheck, already=already)
    for one in checked:
        came = "passed" if one.passed else "failed"
        screen.say(f"{one.check} {came} on r{one.release} in {one.environment}: {one.detail}")
    return tuple(checked)


def let_in(wiring: Wiring, enter: Enter, reason: str, screen: Screen) -> DeployResult:
    """Roll a release out that the pipeline lets in, and show what became of it."""
    environment, release = wiring.project.environments[enter.environment], wiring.store.release(enter.release)
    screen.say(f"{release} enters {enter.environment}{_passing(enter)}")
    result = carry_out(wiring, environment, release, reason, screen, word=lambda: wiring.promoting.entered(enter))
    outcomes.show(result, screen)
    return result


def _passing(enter: Enter) -> str:
    passed = f", passing {listed([f'r{number}' for number in enter.skipped])}" if enter.skipped else ""
    return f"{passed}{f' (emergency: {enter.emergency})' if enter.emergency else ''}"
