"""What only virtual machines have, and what they can stand on."""

from collections.abc import Iterator, Mapping

from repave.config.document import Document, Path
from repave.config.errors import Problem
from repave.config.problems import Unfit, problem
from repave.config.words import mapping_of
from repave.model.recipe import Boot, ImageKind

OWN_KEYS = ("boot", "disk")


def check_machines(document: Document) -> Iterator[Problem]:
    """What no single key can tell of an image's kind."""
    images = mapping_of(mapping_of(document.data).get("images"))
    for image, fields in images.items():
        place: Path = ("images", image)
        if mapping_of(fields).get("kind") == ImageKind.VM:
            yield from _base(document, place, mapping_of(mapping_of(fields).get("base")))
        else:
            yield from _others(document, place, mapping_of(fields))
    for fleet, fields in mapping_of(mapping_of(document.data).get("fleets")).items():
        said = mapping_of(fields)
        name = str(said.get("image"))
        if said.get("start") == "warm" and name in images:
            yield from _warm(document, ("fleets", fleet, "start"), name, mapping_of(images[name]))


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


def _warm(document: Document, place: Path, image: str, fields: Mapping[str, object]) -> Iterator[Problem]:
    """Only memory of a machine is saved, and only of one that has nothing left to install."""
    if fields.get("kind") != ImageKind.VM:
        found = f"fleet `{place[1]}` is to start warm, and its image `{image}` is no virtual machine"
    elif fields.get("boot") == Boot.BOOTSTRAP:
        found = f"fleet `{place[1]}` is to start warm, and its image `{image}` installs itself at its start"
    else:
        return
    yield problem(document, document.at_value(place), found, Unfit("cold", hint="remove `start`, which is cold then"))


def _others(document: Document, place: Path, fields: Mapping[str, object]) -> Iterator[Problem]:
    for key in OWN_KEYS:
        if key in fields:
            found = f"`{key}` is of virtual machines, and image `{place[-1]}` is none"
            yield problem(document, document.at_key((*place, key)), found, Unfit("", hint=f"remove `{key}`"))
