"""What verbs take, as they declare it: in words that need no typer, which takes its time and is seldom asked."""

from typing import TypedDict, Unpack


class Words(TypedDict, total=False):
    """What may be said of a parameter, as typer understands it."""

    help: str
    metavar: str
    min: float
    max: float


class Parameter:
    """One parameter; a verb annotates it."""

    def __init__(self, *names: str, **words: Unpack[Words]) -> None:
        self.names = names
        self.words = words


class Option(Parameter):
    """What is given by its name, as ``--file``."""


class Argument(Parameter):
    """What is given by its place."""

    def __init__(self, **words: Unpack[Words]) -> None:
        super().__init__(**words)
