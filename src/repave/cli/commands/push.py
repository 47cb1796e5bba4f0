"""``repave push``."""

from typing import Annotated

from repave.cli.codes import OK
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Argument
from repave.cli.phrases import counted
from repave.cli.progress import size
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.operations.errors import Refused
from repave.operations.integrity.records import Subject

What = Annotated[str, Argument(help="A release, an image of the newest, or a digest.", metavar="WHAT")]
Target = Annotated[
    str, Argument(help="A repository, as registry.example/shop; below it, one for each image.", metavar="TARGET")
]


@example("repave push r3 registry.example/shop", "repave push web registry.example/team/shop --json")
def push(what: What, target: Target, *, as_json: Json = False, file: File = None) -> int:
    """Carry artifacts to a registry, with their signatures and documents.

    Each image goes to a repository of its own below the one that is named, tagged with its release: `web` of r3 to
    `registry.example/shop/web:r3`. What is signed and documented is there before the tag is, where cosign and others
    look for it. Everything is verified first; what the registry has already is not sent again.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring, screen.progress() as progress:
        from repave.ports.distribution import Repository  # noqa: PLC0415 - beside its one use

        subjects = wiring.naming.named(what)
        places = [(subject, *_place(subject, target)) for subject in subjects]
        for subject in subjects:
            wiring.integrity.check(subject)
        done = [
            wiring.pushing.push(subject.digest, Repository.parse(repository), tag, progress)
            for subject, repository, tag in places
        ]
    screen.answer({"pushed": done})
    for one in done:
        screen.show(one.reference)
        words = "signed" if one.signed else "not signed"
        screen.say(f"  {size(one.size_bytes)}, {words}, {counted(one.documents, 'document')} beside it")
    return OK


def _place(subject: Subject, target: str) -> tuple[str, str]:
    if subject.image is None:
        raise Refused(f"{subject} belongs to no release: nothing says how it is tagged", hint="name a release, as r3")
    return f"{target.rstrip('/')}/{subject.image}", str(subject.releases[-1])
