"""What only virtual machines have, and what they can stand on."""

from collections.abc import Iterator, Mapping

from repave.config.document import Document, Path
from repave.config.errors import Problem
from repave.config.problems import Unfit, dotted, problem
from repave.config.words import mapping_of
from repave.model.project import Start
from repave.model.recipe import Boot, ImageKind

OWN_KEYS = ("boot", "disk", "units")

COMMAND_KEYS = ("user", "data")
"""What is said of the command, and of nothing else that a machine starts."""

SAVED = (Start.WARM, Start.HOT)


def check_machines(document: Document) -> Iterator[Problem]:
    """What no single key can tell of an image's kind."""
    images = mapping_of(mapping_of(document.data).get("images"))
    for image, fields in images.items():
        place: Path = ("images", image)
        yield from _command(document, place, mapping_of(fields))
        if mapping_of(fields).get("kind") == ImageKind.VM:
            yield from _base(document, place, mapping_of(mapping_of(fields).get("base")))
        else:
            yield from _others(document, place, mapping_of(fields))
    for fleet, fields in mapping_of(mapping_of(document.data).get("fleets")).items():
        said = mapping_of(fields)
        start = str(said.get("start"))
        unfit = tuple(_saved(document, ("fleets", fleet, "start"), start, str(said.get("image"))))
        yield from unfit
        if start == Start.HOT and not unfit:
            yield from _secret(document, str(fleet))


def _command(document: Document, place: Path, fields: Mapping[str, object]) -> Iterator[Problem]:
    """A virtual machine may start the units of its packages alone; everything else is its command."""
    if "run" in fields:
        return
    machine = fields.get("kind") == ImageKind.VM
    if not (machine and "units" in fields):
        hint = "or `units: [...]`, where packages or `files` bring what is to be started" if machine else ""
        hint = "only a virtual machine needs none: `kind: vm`" if "units" in fields and not machine else hint
        unfit = Unfit("`run: ...`, the command", hint=hint)
        yield problem(document, document.at_key(place), f"`{dotted(place)}` lacks the key `run`", unfit)
        return
    for key in COMMAND_KEYS:
        if key in fields:
            found = f"`{key}` is of the command, and image `{place[-1]}` has no `run`"
            hint = f"remove `{key}`: a unit says by itself as whom it runs and where it writes"
            yield problem(document, document.at_key((*place, key)), found, Unfit("", hint=hint))


def _base(document: Document, place: Path, base: Mapping[str, object]) -> Iterator[Problem]:
    """Its kernel and its boot loader are Debian's, for one processor."""
    name = place[-1]
    if "image" in base:
        unfit = Unfit("a distribution", hint="an image of a registry has no kernel: {distribution: debian, ...}")
        found = f"image `{name}` is a virtual machine, and its base is an image of a registry"
        yield problem(document, document.at_key((*place, "base")), found, unfit)
    if base.get("distribution") not in (None, "debian"):
        unfit = Unfit("debian", hint="of others this version knows neither kernel nor boot loader")
        found = f"image `{name}` is a virtual machine of `{base['distribution']}`"
        yield problem(document, document.at_value((*place, "base", "distribution")), found, unfit)
    if base.get("architecture") not in (None, "amd64"):
        unfit = Unfit("amd64", hint="of others this version knows no boot loader")
        found = f"image `{name}` is a virtual machine for `{base['architecture']}`"
        yield problem(document, document.at_value((*place, "base", "architecture")), found, unfit)


def _saved(document: Document, place: Path, start: str, image: str) -> Iterator[Problem]:
    """Only memory of a machine is saved, and only of one that has nothing left to install."""
    fields = mapping_of(mapping_of(mapping_of(document.data).get("images")).get(image))
    if not fields or start not in SAVED:
        return
    if fields.get("kind") != ImageKind.VM:
        found = f"fleet `{place[1]}` is to start {start}, and its image `{image}` is no virtual machine"
    elif "units" in fields:
        found = f"fleet `{place[1]}` is to start {start}, and its image `{image}` starts more than a command"
    elif fields.get("boot") == Boot.BOOTSTRAP:
        found = f"fleet `{place[1]}` is to start {start}, and its image `{image}` installs itself at its start"
    else:
        return
    yield problem(document, document.at_value(place), found, Unfit("cold", hint="remove `start`, which is cold then"))


def _secret(document: Document, fleet: str) -> Iterator[Problem]:
    """An application that served has its configuration in its memory, which is saved."""
    for name, fields in mapping_of(mapping_of(document.data).get("environments")).items():
        if fleet not in mapping_of(mapping_of(fields).get("fleets")):
            continue
        for variable, value in mapping_of(mapping_of(fields).get("config")).items():
            if "secret" in mapping_of(value):
                unfit = Unfit("warm", hint="warm: memory is saved before the application is told anything")
                found = f"fleet `{fleet}` is to start hot, and environment `{name}` gives it a secret, `{variable}`"
                yield problem(document, document.at_value(("fleets", fleet, "start")), found, unfit)
                return


def _others(document: Document, place: Path, fields: Mapping[str, object]) -> Iterator[Problem]:
    for key in OWN_KEYS:
        if key in fields:
            found = f"`{key}` is of virtual machines, and image `{place[-1]}` is none"
            yield problem(document, document.at_key((*place, key)), found, Unfit("", hint=f"remove `{key}`"))
