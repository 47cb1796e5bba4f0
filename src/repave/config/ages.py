"""The limits of age: the hard one comes after the soft one, whichever of them the file leaves to its default."""

from collections.abc import Iterator

from repave.config.document import Document
from repave.config.errors import Problem
from repave.config.grammar.policy import PolicySection
from repave.config.problems import Unfit, problem
from repave.config.quantities import positive_duration_seconds
from repave.config.words import mapping_of

SOFT, HARD = "max_age", "hard_max_age"


def check_ages(document: Document) -> Iterator[Problem]:
    """A hard limit that nothing could be renewed before."""
    section = mapping_of(mapping_of(document.data).get("policy"))
    try:
        soft, hard = (
            positive_duration_seconds(section[key]) if key in section else PolicySection.model_fields[key].default
            for key in (SOFT, HARD)
        )
    except Unfit:
        return  # told by the structure's check
    if hard <= soft:
        key = HARD if HARD in section else SOFT
        other, word = (SOFT, "longer") if key == HARD else (HARD, "shorter")
        told = section.get(other, "90d by default" if other == HARD else "30d by default")
        unfit = Unfit(f"one that is {word} than `{other}`, which is {told}")
        yield problem(document, document.at_value(("policy", key)), f"`{key}` is `{section[key]}`", unfit)
