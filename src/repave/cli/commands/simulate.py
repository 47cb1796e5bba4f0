"""``repave simulate``."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from repave.cli.codes import FAILED, OK
from repave.cli.options import Json
from repave.cli.parameters import Option
from repave.cli.phrases import counted
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.config.problems import Unfit, nearest
from repave.config.quantities import amount, positive_duration_seconds
from repave.model.amount import Amount
from repave.model.policy import AgePolicy, FleetPolicy
from repave.simulation.chaos.kinds import ALL, KINDS, Kind
from repave.simulation.months import drawn
from repave.simulation.picture import svg
from repave.simulation.telling import story
from repave.simulation.theatre import Script, Theatre
from repave.wiring.simulating import played

MOST_INSTANCES = 10_000
MOST_ZONES = 26
"""They are named by letters."""

DAY_SECONDS = 86_400.0
FIX_WITHIN_SECONDS = 7 * DAY_SECONDS
"""A critical flaw's deadline."""

Value = TypeVar("Value")

Seed = Annotated[int, Option("--seed", help="The same seed and options give the same run.", metavar="N")]
Instances = Annotated[int, Option("--instances", help="The fleet's size.", metavar="N", min=1, max=MOST_INSTANCES)]
Days = Annotated[float, Option("--days", help="How long, in the world's own time.", metavar="N", min=0.01)]
Faults = Annotated[str, Option("--faults", help="`all`, `none`, or names with commas.", metavar="NAME,...")]
Controllers = Annotated[
    int, Option("--controllers", help="So many act at once over one store.", metavar="1|2", min=1, max=2)
]
Zones = Annotated[int, Option("--zones", help="The fleet's zones.", metavar="N", min=1, max=MOST_ZONES)]
Age = Annotated[
    str | None, Option("--max-age", help="Instances are replaced before they are so old (30d).", metavar="AGE")
]
HardAge = Annotated[str | None, Option("--hard-max-age", help="None is ever older (90d).", metavar="AGE")]
PerHour = Annotated[
    str | None, Option("--per-hour", help="At most so many are taken out within an hour (10%).", metavar="AMOUNT")
]
FlawEvery = Annotated[
    str | None,
    Option(
        "--flaw-every", help="So often a critical flaw is published and repaired (7d); due in 7 days.", metavar="TIME"
    ),
]
Drawn = Annotated[
    bool,
    Option(
        "--drawn",
        help="Draw from the seed what is declared, too: strategy, limits, ages, deadlines, a size that follows a load.",
    ),
]
Picture = Annotated[Path | None, Option("--picture", help="Draw the run over time as SVG, too.", metavar="FILE.svg")]


@example(
    "repave simulate --seed 7 --picture run.svg",
    "repave simulate --instances 60 --days 30 --faults zone-loss,deploy,crash",
    "repave simulate --controllers 2 --json | jq .broken",
    "repave simulate --seed 12 --instances 60 --days 30 --drawn",
    "repave simulate --instances 60 --days 1095 --faults none --hard-max-age 90d --per-hour 10% --flaw-every 7d",
)
def simulate(
    *,
    seed: Seed = 0,
    instances: Instances = 12,
    days: Days = 10.0,
    faults: Faults = "all",
    controllers: Controllers = 1,
    zones: Zones = 3,
    max_age: Age = None,
    hard_max_age: HardAge = None,
    per_hour: PerHour = None,
    flaw_every: FlawEvery = None,
    is_drawn: Drawn = False,
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
    script = drawn(script) if is_drawn else script
    flaws_every = _seconds("--flaw-every", flaw_every)
    script = replace(
        script,
        policy=_policy(script.policy, max_age, hard_max_age, per_hour),
        flaw_days=script.flaw_days if flaws_every is None else flaws_every / DAY_SECONDS,
    )
    with screen.progress() as progress, progress.task(f"simulating {days:g} days"):
        theatre = played(script)
    for line in story(theatre):
        screen.show(str(line))
    if picture is not None:
        picture.write_text(svg(theatre), encoding="utf-8")
        screen.say(f"the picture is in {picture}")
    given: dict[str, str | None] = {
        "--drawn": "" if is_drawn else None,
        "--max-age": max_age,
        "--hard-max-age": hard_max_age,
        "--per-hour": per_hour,
        "--flaw-every": flaw_every,
    }
    again = _command(script, faults, given)
    broken = theatre.watch.broken
    screen.answer({"command": again, **_document(theatre)})
    _conclude(theatre, screen)
    if broken:
        screen.hint(f"`{again}` plays it again; please report it with this line")
    return FAILED if broken else OK


def _policy(policy: FleetPolicy, max_age: str | None, hard_max_age: str | None, per_hour: str | None) -> FleetPolicy:
    """The policy of the script, with what was asked for instead."""
    soft, hard = _seconds("--max-age", max_age), _seconds("--hard-max-age", hard_max_age)
    age = AgePolicy(soft_seconds=soft or policy.age.soft_seconds, hard_seconds=hard or policy.age.hard_seconds)
    budget = replace(policy.budget, per_hour=_amount("--per-hour", per_hour) or policy.budget.per_hour)
    due = replace(policy.fix_within, critical_seconds=policy.fix_within.critical_seconds or FIX_WITHIN_SECONDS)
    return replace(policy, age=age, budget=budget, fix_within=due)


def _document(theatre: Theatre) -> dict[str, object]:
    """For machines."""
    return {
        "seed": theatre.script.seed,
        "days": theatre.script.days,
        "faults": Counter(episode.kind for episode in theatre.episodes),
        "steps": theatre.watch.effects,
        "decisions": theatre.watch.thoughts,
        "controllers_started": theatre.lives,
        "broken": theatre.watch.broken,
        "story": story(theatre),
    }


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


def _seconds(option: str, text: str | None) -> float | None:
    return None if text is None else _read(option, text, positive_duration_seconds)


def _amount(option: str, text: str | None) -> Amount | None:
    return None if text is None else _read(option, int(text) if text.isdecimal() else text, amount)


def _read(option: str, value: object, reader: Callable[[object], Value]) -> Value:
    """As repave.yaml would have it."""
    try:
        return reader(value)
    except Unfit as unfit:
        advice = f"; did you mean `{unfit.nearest}`?" if unfit.nearest else ""
        raise typer.BadParameter(f"`{value}`: expected {unfit.expected}{advice}", param_hint=option) from unfit


def _command(script: Script, faults: str, given: Mapping[str, str | None]) -> str:
    """What plays this run again."""
    more = "".join(f" {option} {value}".rstrip() for option, value in given.items() if value is not None)
    size = f"--instances {script.instances} --days {script.days:g} --zones {script.zones}"
    return f"repave simulate --seed {script.seed} {size} --controllers {script.controllers} --faults {faults}{more}"
