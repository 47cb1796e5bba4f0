"""Checks among the gates: to the model, and what they need of the rest of the file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from repave.config.document import Document, Path
from repave.config.errors import Problem
from repave.config.grammar.checks import ProgramSection, RequestSection
from repave.config.grammar.environments import EnvironmentSection
from repave.config.grammar.file import File
from repave.config.grammar.fleets import HTTP
from repave.config.problems import Unfit, nearest, one_of, problem, subject
from repave.config.protocols import silent_in, workers_in
from repave.config.words import mapping_of
from repave.model.checks import Check, HttpCheck, ProgramCheck
from repave.model.names import FleetName, ImageName

CONTAINER = "container"
ANSWERING = "one that does"


def checks_in(environment: EnvironmentSection, file: File) -> tuple[Check, ...]:
    """What the file says of one environment, of which ``check_checks`` has found nothing wrong."""
    kinds = {name: image.kind for name, image in file.images.items()}
    images = _containers((file.fleets[name].image for name in environment.fleets), kinds)
    fleets = tuple(name for name in environment.fleets if file.fleets[name].port)
    asked = tuple(name for name in fleets if file.fleets[name].protocol == HTTP)
    return tuple(
        _request(written, asked) if isinstance(written, RequestSection) else _program(written, fleets, images)
        for written in environment.gates.checks
    )


def _program(written: str | ProgramSection, fleets: Sequence[str], images: Sequence[str]) -> ProgramCheck:
    section = ProgramSection.model_validate({"run": written}) if isinstance(written, str) else written
    fleet = section.fleet or (fleets[0] if len(fleets) == 1 else "")
    return ProgramCheck(
        run=_program_name(section.run),
        files=tuple(section.files),
        image=ImageName(section.image or images[0]),
        timeout_seconds=section.timeout,
        fleet=FleetName(fleet) if fleet else None,
    )


def _request(section: RequestSection, fleets: Sequence[str]) -> HttpCheck:
    return HttpCheck(
        path=section.http,
        fleet=FleetName(section.fleet or fleets[0]),
        status=section.status,
        contains=section.contains,
        timeout_seconds=section.timeout,
    )


def check_checks(document: Document) -> Iterator[Problem]:
    """Fleets and images that are there, a container for each program, and a name of its own for each check."""
    for environment, fields in mapping_of(mapping_of(document.data).get("environments")).items():
        written = mapping_of(mapping_of(fields).get("gates")).get("checks")
        held = tuple(map(str, mapping_of(mapping_of(fields).get("fleets"))))
        place: Path = ("environments", environment, "gates", "checks")
        names: list[str] = []
        for index, check in enumerate(written if isinstance(written, list) else ()):
            said = {"run": check} if isinstance(check, str) else mapping_of(check)
            unfit = silent_in(document) if "http" in said else workers_in(document)
            fleets = tuple(name for name in held if name not in unfit)
            yield from _wrong(document, (*place, index), said, fleets)
            if "http" not in said:
                yield from _wrong_image(document, (*place, index), said, held)
            name = _name(said, fleets)
            if name and name in names:
                found = f"{subject((*place, index))} is `{name}`, which stands there already"
                yield problem(document, document.at_value((*place, index)), found, Unfit("each check once"))
            names.append(name)


def _name(said: Mapping[str, object], fleets: Sequence[str]) -> str:
    """As the model's; empty where it has none yet."""
    if "http" not in said:
        return _program_name(str(said["run"])) if said.get("run") else ""
    fleet = said.get("fleet") or (fleets[0] if len(fleets) == 1 else "")
    return f"{fleet}{said['http']}" if fleet else ""


def _program_name(written: str) -> str:
    """One for each file, however its path is written: ``./smoke.sh`` is ``smoke.sh``."""
    return PurePosixPath(written).as_posix()


def _wrong(document: Document, place: Path, said: Mapping[str, object], fleets: Sequence[str]) -> Iterator[Problem]:
    fleet = said.get("fleet")
    if isinstance(fleet, str) and fleet and fleet not in fleets:
        why = "answers no HTTP" if fleet in silent_in(document) else "this environment has not"
        why = "has no port" if fleet in workers_in(document) else why
        found = f"`fleet` is `{fleet}`, which {why}"
        unfit = Unfit(one_of(fleets) if fleets else ANSWERING, nearest=nearest(fleet, fleets))
        yield problem(document, document.at_value((*place, "fleet")), found, unfit)
    if "http" in said and not fleet and len(fleets) != 1:
        several = "there are several fleets" if fleets else "no fleet here answers HTTP"
        found = f"{subject(place)} does not say who is asked, and {several}"
        expected = f"`fleet: ...`, {one_of(fleets)}" if fleets else ANSWERING
        yield problem(document, document.at_value(place), found, Unfit(expected))


def _wrong_image(
    document: Document, place: Path, said: Mapping[str, object], fleets: Sequence[str]
) -> Iterator[Problem]:
    """What a program is to run in: named, or the only one that the environment's fleets have, workers among them."""
    image = said.get("image")
    kinds = {name: str(mapping_of(one).get("kind")) for name, one in _section(document, "images").items()}
    containers = tuple(name for name, kind in kinds.items() if kind == CONTAINER)
    if isinstance(image, str) and image and image not in containers:
        what = f"of kind `{kinds[image]}`" if image in kinds else "not declared"
        found = f"`image` is `{image}`, which is {what}"
        unfit = Unfit(f"an image of kind `container`: {one_of(containers)}", nearest=nearest(image, containers))
        yield problem(document, document.at_value((*place, "image")), found, unfit)
    declared = _section(document, "fleets")
    own = _containers((str(mapping_of(declared.get(name)).get("image")) for name in fleets), kinds)
    if not image and "run" in said and len(own) != 1:
        why = f"its fleets have {one_of(own) if own else 'none'} of kind `container`"
        found = f"{subject(place)} does not say what it runs in, and {why}"
        hint = f"{{run: {said['run']}, image: {(own or containers or ('NAME',))[0]}}}"
        yield problem(document, document.at_value(place), found, Unfit("an `image` of kind `container`", hint=hint))


def _containers(images: Iterable[str], kinds: Mapping[str, str]) -> tuple[str, ...]:
    """Those of kind container, each once."""
    return tuple(dict.fromkeys(name for name in images if kinds.get(name) == CONTAINER))


def _section(document: Document, name: str) -> dict[str, object]:
    return dict(mapping_of(mapping_of(document.data).get(name)))
