"""``repave deploy``."""

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

from repave.cli.failure import Interrupted
from repave.cli.live import watching
from repave.cli.opening import opened
from repave.cli.options import EnvironmentArgument, File, Json
from repave.cli.outcomes import document, exit_code, show
from repave.cli.parameters import Option
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.config.lockfile import lock_digest
from repave.config.policies import environment_named
from repave.model.errors import RepaveError
from repave.model.pipeline import Enter
from repave.model.project import Environment
from repave.model.release import Release
from repave.operations.deploy import DeployResult
from repave.operations.dropped import PUT_BACK, dropped, dropped_environments
from repave.operations.promoting.reasons import reason_given
from repave.operations.releases import release_named
from repave.wiring import Wiring

ReleaseOption = Annotated[str | None, Option("--release", help="A release [default: the newest].", metavar="rN")]
Emergency = Annotated[
    str | None,
    Option("--emergency", help="Shorten soaks and pass windows, for this reason: it is recorded.", metavar="REASON"),
]
Watch = Annotated[
    bool, Option("--watch", help="Go on healing until Ctrl-C; without --release, of what is wanted already.")
]


@example(
    "repave deploy test",
    "repave deploy prod --release r17",
    "repave deploy test --watch",
    "repave deploy prod --release r17 --emergency 'orders are lost'",
)
def deploy(
    environment: EnvironmentArgument,
    *,
    release: ReleaseOption = None,
    emergency: Emergency = None,
    watch: Watch = False,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Roll a release out to an environment, and wait until it carries it.

    May be interrupted, killed, or run twice at once: the next run goes on where the fleet is. A release that fails is
    stopped and rolled back by itself; then this ends with 4. Where gates hold the release it ends with 5, and says
    which, until when, and what can be done; where somebody pauses it or asks for another release meanwhile, with 1.
    What was healthy there before enters without them.
    """
    screen = Screen(as_json=as_json)
    why = "" if emergency is None else reason_given(emergency)
    with opened(file) as wiring:
        where = environment_named(wiring.project, environment)
        chosen = _chosen(wiring, where, release, watch=watch)
        if not release and not watch:
            _tell_what_it_lacks(wiring, chosen, screen)
        _tell_what_is_dropped(wiring, where, screen)
        word = wiring.promoting.word(where, chosen, why) if release or why else None
        with screen.progress() as progress:
            wiring.promoting.admit(where, chosen, progress, word)
        enter = Enter(environment=where.name, release=chosen.number, skipped=(), emergency=why)
        try:
            result = carry_out(wiring, where, chosen, "deploy", screen, word=lambda: wiring.promoting.entered(enter))
            if watch:
                screen.say(f"watching {environment}; Ctrl-C ends it, and the fleet stays")
                with watching(screen, wiring.store, wiring.clock) as watcher:
                    wiring.keep(where, watcher)
        except KeyboardInterrupt as asked:
            raise Interrupted(
                "interrupted: what runs stays as it is",
                hint=f"`repave deploy {environment} --release {chosen}` goes on",
            ) from asked
    screen.answer(document(result))
    show(result, screen)
    return exit_code(result)


def _tell_what_is_dropped(wiring: Wiring, environment: Environment, screen: Screen) -> None:
    """What was renamed in the file would run on beside its successor, and nobody would know."""
    for key in dropped(wiring.project, environment.name, wiring.store):
        screen.warn(f"{key.environment}/{key.fleet} runs on as it is: the file has it no more")
        screen.hint(f"`repave destroy {key.environment} --fleet {key.fleet}` ends it")
    for name in dropped_environments(wiring.project, wiring.store):
        screen.warn(f"environment {name} runs on as it is: the file has it no more")
        screen.hint(PUT_BACK)


def carry_out(
    wiring: Wiring,
    environment: Environment,
    release: Release,
    reason: str,
    screen: Screen,
    *,
    word: Callable[[], None] | None = None,
) -> DeployResult:
    """Publish a release, have saved what fleets start warm from, write down that it is wanted, and follow it.

    For ``word`` and what is raised see ``write_down``.
    """
    wiring.read_ahead(wiring.deploying.revisions(environment, release))
    # Until it is wanted, nothing keeps what is published from being swept.
    with wiring.adding():
        with screen.progress() as progress:
            wiring.publish(environment, release, progress)
            cold = wiring.keep_warm(environment, release, progress)
        for fleet, why in cold.items():
            screen.warn(f"{fleet} starts cold: {why}")
        write_down(wiring, environment, release, reason, word=word)
    return follow(wiring, environment, release, screen)


def write_down(
    wiring: Wiring,
    environment: Environment,
    release: Release,
    reason: str,
    *,
    word: Callable[[], None] | None = None,
) -> None:
    """The release is wanted in the environment; ``word`` writes down, all or nothing with that, how it came to it.

    Without a word it enters by this. Raises Refused where the environment has moved on while it was published.
    """
    with wiring.store.together():
        if word:
            word()
        else:
            wiring.promoting.entered(Enter(environment=environment.name, release=release.number, skipped=()))
        wiring.deploying.begin(environment, release, reason)


def follow(wiring: Wiring, environment: Environment, release: Release, screen: Screen) -> DeployResult:
    """Act until what is wanted is reached, or given up."""
    with watching(screen, wiring.store, wiring.clock) as watcher:
        result = wiring.deploying.finish(environment, release, watcher)
    wiring.promoting.learn()
    sign_record(wiring, screen)
    return result


def sign_record(wiring: Wiring, screen: Screen) -> None:
    """How far the record goes, where a key is declared; what was deployed is, whether that can be signed or not."""
    if wiring.project.signing.key is None:
        return
    try:
        wiring.keeping.sign_head()
    except RepaveError as failure:
        screen.warn(f"the end of the record is not signed: {failure.message}")


def _tell_what_it_lacks(wiring: Wiring, release: Release, screen: Screen) -> None:
    """Who has locked anew, or edited the application, may take what is rolled out for that.

    A lock or file that cannot be read is nothing to a deploy.
    """
    with suppress(RepaveError, OSError):
        lock = wiring.locked.present()
        if lock is None:
            return
        if lock_digest(lock) != release.lock:
            screen.warn(f"{release} was made of another lock than the one here; `repave bake` makes a release of it")
        elif edited := wiring.locked.edited(lock):
            more = f" (and {len(edited) - 1} more)" if edited[1:] else ""
            screen.warn(
                f"{release} is without what was edited since: {edited[0]}{more}; `repave lock` and `repave bake` make "
                "a release with it"
            )


def _chosen(wiring: Wiring, environment: Environment, named: str | None, *, watch: bool) -> Release:
    if named:
        return release_named(wiring.store, named)
    if watch and (wanted := wiring.deploying.wanted(environment)):
        return wanted
    return wiring.deploying.choose(environment)
