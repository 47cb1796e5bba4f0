"""Checks among the gates, as the file says them: what it leaves out, and what it cannot leave out."""

import pytest

from repave.config.errors import FileError
from repave.config.project import parse_project
from repave.model.checks import HttpCheck, ProgramCheck
from repave.model.names import EnvironmentName, FleetName, ImageName

FILE = """project: shop
images:
  web: {kind: KIND, base: {distribution: debian, release: bookworm}, run: serve}
  tools: {kind: container, base: {distribution: debian, release: bookworm}, run: sh}
fleets:
  web: {image: web, port: 8080}
  shop: {image: web, port: 8081}
  relay: {image: web, port: 8082, protocol: tcp}
  mailer: {image: tools, port: none}
environments:
  test: {provider: local, fleets: {FLEETS}, gates: {checks: [CHECKS]}}
"""


def text(checks: str, *, kind: str = "container", fleets: str = "web: {size: 1}") -> str:
    """The file."""
    return FILE.replace("KIND", kind).replace("FLEETS", fleets).replace("CHECKS", checks)


def test_a_check_is_of_the_only_fleet_and_in_its_image_where_nothing_else_is_said() -> None:
    """And is given a minute as a program, five seconds as a request; its name is its path, written shortly."""
    project = parse_project(
        text("./a.sh, {run: .//b.sh, image: tools, timeout: 2m, files: [b/]}, {http: /healthz}"), filename="repave.yaml"
    )
    web, run = FleetName("web"), ImageName("web")
    assert project.environments[EnvironmentName("test")].gates.checks == (
        ProgramCheck(run="a.sh", image=run, timeout_seconds=60.0, fleet=web),
        ProgramCheck(run="b.sh", image=ImageName("tools"), timeout_seconds=120.0, fleet=web, files=("b/",)),
        HttpCheck(path="/healthz", fleet=web, status=200, timeout_seconds=5.0),
    )


def test_workers_lend_their_image_and_are_asked_nothing() -> None:
    """A program is of the only fleet that has a port, a request of the only one that answers HTTP."""
    fleets = "mailer: {size: 1}, relay: {size: 1}, web: {size: 1}"
    project = parse_project(
        text("{run: a.sh, image: web}, {http: /}, {run: b.sh, image: tools, fleet: relay}", fleets=fleets),
        filename="repave.yaml",
    )
    program, request, of_relay = project.environments[EnvironmentName("test")].gates.checks
    assert (program.fleet, request.fleet, of_relay.fleet) == (None, FleetName("web"), FleetName("relay"))
    alone = parse_project(text("a.sh", fleets="mailer: {size: 1}"), filename="repave.yaml")
    assert alone.environments[EnvironmentName("test")].gates.checks == (
        ProgramCheck(run="a.sh", image=ImageName("tools"), timeout_seconds=60.0, fleet=None),
    )


@pytest.mark.parametrize(
    ("checks", "more", "told"),
    [
        (
            "a.sh",
            {"fleets": "mailer: {size: 1}, web: {size: 1}"},
            (
                (
                    "11:89: item 1 of `checks` does not say what it runs in, and its fleets have tools or web of kind "
                    "`container`; expected an `image` of kind `container`\n  hint: {run: a.sh, image: tools}"
                ),
            ),
        ),
        (
            "a.sh, {run: b.sh, image: web}",
            {"kind": "vm"},
            (
                (
                    "11:70: item 1 of `checks` does not say what it runs in, and its fleets have none of kind "
                    "`container`; expected an `image` of kind `container`\n  hint: {run: a.sh, image: tools}"
                ),
                "11:95: `image` is `web`, which is of kind `vm`; expected an image of kind `container`: tools",
            ),
        ),
        (
            "{run: a.sh, fleet: web}, ./a.sh",
            {},
            ("11:95: item 2 of `checks` is `a.sh`, which stands there already; expected each check once",),
        ),
        (
            "{http: /}, {http: /, fleet: web}",
            {"fleets": "web: {size: 1}, shop: {size: 1}"},
            (
                (
                    "11:87: item 1 of `checks` does not say who is asked, and there are several fleets; "
                    "expected `fleet: ...`, web or shop"
                ),
            ),
        ),
    ],
)
def test_what_cannot_be_guessed_is_asked_for(checks: str, more: dict[str, str], told: tuple[str, ...]) -> None:
    """Where it runs, and who is asked."""
    with pytest.raises(FileError) as error:
        parse_project(text(checks, **more), filename="repave.yaml")
    assert str(error.value).splitlines() == "\n".join(f"repave.yaml:{line}" for line in told).splitlines()
