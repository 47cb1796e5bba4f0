"""How the end of a deployment is told."""

import pytest

from repave.cli.codes import FAILED, OK, ROLLED_BACK
from repave.cli.outcomes import exit_code, show
from repave.cli.screen import Screen
from repave.operations import deploy
from repave.operations.deploy import DeployResult, FleetResult


def ended(*results: str, release: str = "r5", reason: str = "") -> DeployResult:
    """A fleet for each result."""
    fleets = tuple(
        FleetResult(
            environment="test",
            fleet=f"web{number}",
            result=result,
            asked="r5",
            release=release,
            reason=reason,
            endpoint="",
            serving=4,
            size=4,
        )
        for number, result in enumerate(results)
    )
    return DeployResult(environment="test", release="r5", fleets=fleets, seconds=3.0)


def test_what_was_overtaken_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing failed, so nothing is said of what failed."""
    show(ended(deploy.OVERTAKEN, release="r3", reason="r3 was asked for meanwhile"), Screen())
    said = capsys.readouterr()
    assert said.out == "test/web0: r5 overtaken, r3 is wanted now, 4/4 serving\n"
    assert said.err == (
        "warning: r3 was asked for meanwhile\nhint: `repave deploy test --release r5` asks for it once more\n"
    )


def test_what_failed_is_told_with_where_its_words_are(capsys: pytest.CaptureFixture[str]) -> None:
    """The fleet is named, for there may be others."""
    show(ended(deploy.ROLLED_BACK, release="r3"), Screen())
    said = capsys.readouterr()
    assert said.out == "test/web0: r5 rolled back, r3 is wanted again, 4/4 serving\n"
    assert "`repave logs test web0 --failed`" in said.err


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ((deploy.DEPLOYED,), OK),
        ((deploy.OVERTAKEN,), FAILED),
        ((deploy.UNFINISHED, deploy.ROLLED_BACK), FAILED),
        ((deploy.DEPLOYED, deploy.STOPPED), ROLLED_BACK),
        ((deploy.OVERTAKEN, deploy.ROLLED_BACK), ROLLED_BACK),
    ],
)
def test_the_code_tells_a_bad_release_from_anothers_word(results: tuple[str, ...], code: int) -> None:
    """Only what came to a bad end of its own was stopped or rolled back."""
    assert exit_code(ended(*results)) == code
