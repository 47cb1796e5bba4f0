"""``repave init``."""

from pathlib import Path
from typing import Annotated

from repave.cli.codes import OK
from repave.cli.options import Json
from repave.cli.parameters import Argument
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.operations.init import initialise

Folder = Annotated[Path | None, Argument(help="The application's folder [default: this one].", metavar="FOLDER")]


@example("repave init", "repave init services/shop")
def init(folder: Folder = None, *, as_json: Json = False) -> int:
    """Write a commented repave.yaml for the application in a folder.

    Finds requirements, pyproject, Procfile and port; never overwrites.
    """
    screen = Screen(as_json=as_json)
    path = initialise((folder or Path()).resolve())
    screen.answer({"file": path})
    screen.show(f"wrote {path}")
    screen.hint("read it, then `repave lock`")
    return OK
