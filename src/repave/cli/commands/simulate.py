"""``repave simulate``."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from repave.cli.codes import FAILED, OK
from repave.cli.options import Json
from repave.cli.phrases import counted
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.config.problems import nearest
from repave.simulation.chaos.kinds import ALL, KINDS, Kind
from repave.simulation.picture import svg
from repave.simulation.telling import story
from repave.simulation.theatre import Script, Theatre
from repave.wiring.simulating import played

MOST_INSTANCES = 10_000
MOST_ZONES = 26
"""They are named by letters."""

Seed = Annotated[int, typer.Option("--seed", help="The same seed and options give the same run.", metavar="N")]
Instances = Annotated[
    int, typer.Option("--instances", help="The fleet's size.", metavar="N", min=1, max=MOST_INSTANCES)
]
Days = Annotated[float, typer.Option("--days", help="How long, in the world's own time.", metavar="N", min=0.01)]
Faults = Annotated[str, typer.Option("--faults", help="`all`, `none`, or names with commas.", metavar="NAME,...")]
Controllers = Annotated[
    int, typer.Option("--controllers", help="So many act at once over one store.", metavar="1|2", min=1, max=2)
]
Zones = Annotated[int, typer.Option("--zones", help="The fleet's zones.", metavar="N", min=1, max=MOST_ZONES)]
Picture = Annotated[
    Path | None, typer.Option("--picture", help="Draw the run over time as SVG, too.", metavar="FILE.svg")
]


@example(
    "repave simulate --seed 7 --picture run.svg",
    "repave simulate --instances 60 --days 30 --faults zone-loss,deploy,crash",
    "repave simulate --controllers 2 --json | jq .broken",
)
def simulate(
    *,
    seed: Seed = 0,
    instances: Instances = 12,
    days: Days = 10.0,
    faults: Faults = "all",
    controllers: Controllers = 1,
    zones: Zones = 3,
    picture: Picture = None,
    as_json: Json = False,
) -> int:
    """Play a fleet's life in a simulated world, with faults, and hold every step against what must never happen.

    The controller, the planner and the checks are the real ones; provider, balancer, clock and store are simulated, so
    a month takes a second and nothing outside is touched. It ends with 1 when an invariant was broken.
    """
    screen = Screen(as_json=as_json)
    script = Script(
        seed=seed, instances=instances, days=days, zones=zones, controllers=controllers, kinds=_kinds(faults)
    )
    with screen.progress() as progress, progress.task(f"simulating {days:g} days"):
        theatre = played(script)
    for line in story(theatre):
        screen.show(str(line))
    if picture is not None:
        picture.write_text(svg(theatre), encoding="utf-8")
        screen.say(f"the picture is in {picture}")
    again = _command(script, faults)
    broken = theatre.watch.broken
    screen.answer(
        {
            "seed": seed,
            "command": again,
            "days": days,
            "faults": Counter(episode.kind for episode in theatre.episodes),
            "steps": theatre.watch.effects,
            "decisions": theatre.watch.thoughts,
            "controllers_started": theatre.lives,
            "broken": broken,
            "story": story(theatre),
        }
    )
    _conclude(theatre, screen)
    if broken:
        screen.hint(f"`{again}` plays it again; please report it with this line")
    return FAILED if broken else OK


def _conclude(theatre: Theatre, screen: Screen) -> None:
    watch = theatre.watch
    done = f"{counted(len(theatre.episodes), 'fault')}, {counted(watch.effects, 'step')} that changed something"
    screen.say(f"seed {theatre.script.seed}: {done}, {counted(watch.thoughts, 'decision')}")
    for each in watch.broken:
        screen.warn(f"broken: {each}")
    if not watch.broken:
        screen.say("every invariant held")


def _kinds(faults: str) -> tuple[Kind, ...]:
    """The kinds that were named."""
    if faults in {"all", "none"}:
        return ALL if faults == "all" else ()
    names = [name.strip() for name in faults.split(",")]
    for name in names:
        if name not in KINDS:
            close = nearest(name, KINDS)
            advice = f"did you mean `{close}`?" if close else f"there are {', '.join(KINDS)}"
            raise typer.BadParameter(f"`{name}` is no kind of fault; {advice}", param_hint="--faults")
    return tuple(KINDS[name] for name in names)


def _command(script: Script, faults: str) -> str:
    """What plays this run again."""
    size = f"--instances {script.instances} --days {script.days:g} --zones {script.zones}"
    return f"repave simulate --seed {script.seed} {size} --controllers {script.controllers} --faults {faults}"
