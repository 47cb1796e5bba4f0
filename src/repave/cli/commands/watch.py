"""``repave watch``."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

from repave.cli import freshness, outcomes
from repave.cli.codes import OK
from repave.cli.commands.deploy import sign_record
from repave.cli.commands.promote import let_in, look
from repave.cli.failure import Failed, Interrupted, tell
from repave.cli.live import watching
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Option
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.model.errors import RepaveError
from repave.model.evidence import Checked
from repave.model.lock import Lock
from repave.model.names import EnvironmentName
from repave.model.pipeline import Enter
from repave.model.release import Release
from repave.operations.deploy import DeployResult
from repave.operations.errors import Refused
from repave.operations.watching.waiting import wait_until
from repave.ports.clock import Clock
from repave.ports.progress import Progress
from repave.wiring import Wiring

Once = Annotated[bool, Option("--once", help="One pass, then end: for cron.")]
DryRun = Annotated[bool, Option("--dry-run", help="Show what a pass would begin with; do nothing.")]


@example("repave watch --dry-run", "repave watch --once", "repave watch", "repave watch --once --json | jq .waits")
def watch(*, once: Once = False, dry_run: DryRun = False, as_json: Json = False, file: File = None) -> int:
    """Learn what is new, re-lock what it touches, bake, and send the release down the pipeline; then wait, and again.

    Flaws are repaired at once, all else together once per fleet and week (`policy.freshness`). Matches advisories to
    the kept package lists of the lock, and of every release that runs: nothing is booted or opened. Without gates every
    environment that runs takes it, in pipeline order. With `review` a lock changes only by a merge request that people
    merge. May be killed at any time; the next pass goes on. One at a time.

    --once ends with 0 when all is fresh, 3 when a source could not be read or none judges a part, 4 when a release was
    rolled back, 6 when a range holds a repair back, 7 when a release waits before an environment, or something for
    people: a paused rollout, a merge request, a changed recipe to be locked, a lock to be baked. With --json each pass
    is a document on a line of its own.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        if dry_run:
            with screen.progress() as progress:
                plan = wiring.watching.plan(progress)
            screen.answer(freshness.plan_document(plan))
            freshness.show_plan(plan, screen)
            return OK
        with wiring.alone():
            try:
                return _pass(wiring, screen)[0] if once else _keep_on(wiring, screen)
            except KeyboardInterrupt as asked:
                raise Interrupted(
                    "interrupted: what runs stays as it is", hint="`repave watch` goes on where it was"
                ) from asked


def _pass(wiring: Wiring, screen: Screen) -> tuple[int, datetime]:
    """Its exit code, and when something may have changed."""
    passed = wiring.watching.once(_Deeds(wiring, screen))
    screen.answer(freshness.document(passed))
    freshness.show(passed, wiring.clock.now(), screen)
    if passed.trouble:
        raise passed.trouble
    return freshness.exit_code(passed), passed.wake


def _keep_on(wiring: Wiring, screen: Screen) -> int:
    """Pass after pass, each by the file as it is then; what fails is told, and tried again."""
    while True:
        wake = _next(wiring.file, screen, wiring.clock, wiring.project.freshness.every_seconds)
        screen.say(f"looks again at {wake:%Y-%m-%d %H:%M} UTC; Ctrl-C ends it, and what runs stays")
        wait_until(wake, wiring.clock)


def _next(file: Path, screen: Screen, clock: Clock, every_seconds: float) -> datetime:
    try:
        with opened(file) as wiring:
            return _pass(wiring, screen)[1]
    except RepaveError as trouble:
        tell(Failed.of(trouble), as_json=screen.as_json)
        return clock.now() + timedelta(seconds=every_seconds)


class _Deeds:
    """What a pass has done, shown as `bake`, `deploy` and `promote` show it."""

    def __init__(self, wiring: Wiring, screen: Screen) -> None:
        self._wiring = wiring
        self._screen = screen
        self._checked: tuple[Checked, ...] = ()

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """On the screen; what is locked and baked meanwhile stays."""
        with self._wiring.adding(), self._screen.progress() as progress:
            yield progress

    def bake(self, lock: Lock, progress: Progress) -> Release:
        """As `repave bake`. Raises Refused when files have changed meanwhile."""
        return self._wiring.bake(lock, progress).release

    def look(self) -> None:
        """As `repave promote` looks; no check is run twice in a pass."""
        self._checked += look(self._wiring, self._screen, already=self._checked)

    def carry(self, enter: Enter) -> DeployResult:
        """As `repave promote` lets it in."""
        return let_in(self._wiring, enter, "watch", self._screen)

    def finish(self, environment: EnvironmentName) -> DeployResult:
        """As `repave deploy` goes on."""
        where = self._wiring.project.environments[environment]
        release = self._wiring.deploying.wanted(where)
        if release is None:
            raise Refused(f"nothing is wanted of {environment} any more")
        self._screen.say(f"{environment} goes on to {release}")
        with watching(self._screen, self._wiring.store, self._wiring.clock) as watcher:
            result = self._wiring.deploying.finish(where, release, watcher)
        self._wiring.promoting.learn()
        sign_record(self._wiring, self._screen)
        outcomes.show(result, self._screen)
        return result
