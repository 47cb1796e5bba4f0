"""``repave approve``."""

from typing import Annotated

from repave.cli.codes import OK
from repave.cli.opening import opened
from repave.cli.options import EnvironmentArgument, File, Json
from repave.cli.parameters import Argument
from repave.cli.screen import Screen
from repave.cli.signing import OwnKey, Why, own_key
from repave.cli.verbs import example
from repave.config.policies import environment_named
from repave.operations.releases import release_named

ReleaseArgument = Annotated[str, Argument(help="A release, as r17.", metavar="RELEASE")]


@example(
    "repave approve r17 prod --reason 'tried by hand in test'",
    "repave approve r17 prod --reason 'as agreed' --key ~/.ssh/id_work",
)
def approve(
    release: ReleaseArgument,
    environment: EnvironmentArgument,
    *,
    reason: Why = "",
    key: OwnKey = None,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Agree that a release enters an environment; the key that signs it says who agrees.

    The key's public half stands under `people` in repave.yaml. A word counts for `approvals_last` of the environment's
    gates, not from the release's author, and no longer once the release fails anywhere.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring:
        where = environment_named(wiring.project, environment)
        said = wiring.speaking.approve(release_named(wiring.store, release), where, reason, own_key(key))
    screen.answer(said)
    screen.show(f"{said.person} agrees that r{said.release} enters {said.environment}: {said.reason}")
    screen.hint(f"`repave promote {environment}` lets it in once every gate holds")
    return OK
