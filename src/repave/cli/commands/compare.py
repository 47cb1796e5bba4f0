"""``repave compare``."""

from pathlib import Path
from typing import Annotated

from repave.cli.codes import OK
from repave.cli.formats.boot_picture import picture as drawn
from repave.cli.misuse import Misused
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Argument, Option
from repave.cli.progress import size
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.config.policies import environment_named
from repave.config.problems import nearest
from repave.model.project import Environment, Fleet, Project
from repave.model.recipe import ImageKind
from repave.operations.booting import BootComparison
from repave.operations.errors import Refused
from repave.operations.locking import fetch_all
from repave.operations.rewriting import replace_file

Image = Annotated[str, Argument(help="An image of kind `vm`.", metavar="IMAGE")]
Times = Annotated[int, Option("--times", help="How often each is started.", min=1, max=20)]
EnvironmentOption = Annotated[
    str | None,
    Option(
        "--environment",
        help="Where, with whose configuration [default: the first that has a fleet of it].",
        metavar="ENVIRONMENT",
    ),
]
Picture = Annotated[Path | None, Option("--picture", help="Draw it into this SVG file.", metavar="FILE")]


@example("repave compare web", "repave compare web --times 3 --picture boots.svg", "repave compare web --json")
def compare(
    image: Image,
    *,
    times: Times = 1,
    environment: EnvironmentOption = None,
    picture: Picture = None,
    as_json: Json = False,
    file: File = None,
) -> int:
    """Make a machine golden and by bootstrap from one lock, start both, and compare times and packages.

    Each is started aside, as an instance of a fleet is, and is ready when the balancer lets requests through to it.
    Nothing is released, and nothing stays but the artifacts, until `repave gc`.
    """
    screen = Screen(as_json=as_json)
    if picture is not None and not picture.absolute().parent.is_dir():
        raise _unwritable(picture, "its folder is not there")
    with opened(file) as wiring:
        where, fleet = _place(wiring.project, image, environment)
        with wiring.adding(), screen.progress() as progress:
            lock = wiring.locked.matching()
            fetch_all(lock, wiring.folder, wiring.vault, progress)
            found = wiring.booting(where).compare(where, fleet, lock, times=times, progress=progress)
    screen.answer({"comparison": found, "same_packages": found.same_packages, "factor": found.factor})
    _show(found, screen)
    if picture is not None:
        _draw(found, picture)
    return OK


def _place(project: Project, image: str, named: str | None) -> tuple[Environment, Fleet]:
    """Where the image's machines are started, as which fleet. Raises Refused, and UnknownName for the environment."""
    machines = [name for name, one in project.images.items() if one.kind is ImageKind.VM]
    if image not in machines:
        meant = None if image in project.images else nearest(image, machines)
        hint = f"did you mean `{meant}`?" if meant else f"images of kind `vm` are: {', '.join(machines) or 'none'}"
        raise Misused(f"`{image}` is no image of kind `vm`", hint=hint)
    places = [environment_named(project, named)] if named else [project.environments[name] for name in project.pipeline]
    for environment in places:
        for name in environment.fleets:
            if project.fleets[name].image == image:
                return environment, project.fleets[name]
    raise Refused(
        f"no fleet {f'of {named} ' if named else ''}has the image `{image}`: its port and health check are a fleet's",
        hint="add one to `fleets` and to an environment, or name another --environment",
    )


def _draw(found: BootComparison, place: Path) -> None:
    try:
        replace_file(place, drawn(found))
    except OSError as error:
        raise _unwritable(place, error.strerror) from error


def _unwritable(place: Path, why: str | None) -> Refused:
    return Refused(f"cannot write {place}: {why}", hint="name a file in a folder you may write")


def _show(found: BootComparison, screen: Screen) -> None:
    rows = [
        (way.boot, size(way.size_bytes), way.packages or "not told", f"{way.median_seconds:.1f} s")
        for way in (found.golden, found.bootstrap)
    ]
    screen.table(("BOOT", "SIZE", "PACKAGES", "START TO READY"), rows)
    if found.same_packages:
        screen.say(f"the same packages in both, each as locked; bootstrap takes {found.factor:.1f} times as long")
    else:
        screen.warn("the machine that installed itself did not say that it has all packages of the lock")
