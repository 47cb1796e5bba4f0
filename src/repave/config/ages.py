"""The limits of age: the hard one comes after the soft one, whoever says them and whichever is left to its default."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from repave.config.document import Document, Path
from repave.config.errors import Problem
from repave.config.grammar.policy import PolicySection
from repave.config.problems import Unfit, dotted, problem
from repave.config.quantities import positive_duration_seconds
from repave.config.words import mapping_of

SOFT, HARD = "max_age", "hard_max_age"
DEFAULTS = {SOFT: "30d", HARD: "90d"}
WHOLE: Path = ("policy",)


@dataclass(frozen=True, kw_only=True)
class _Said:
    """One limit, and where it is said: None for the default."""

    seconds: float
    text: object
    layer: Path | None


def check_ages(document: Document) -> Iterator[Problem]:
    """Each hard limit that nothing could be renewed before, once, at the word that is nearest to the fleet."""
    told = set()
    for layers in _chains(document):
        try:
            soft, hard = _said(document, SOFT, layers), _said(document, HARD, layers)
        except Unfit:
            continue  # told by the structure's check
        ranks = {
            key: len(layers) if said.layer is None else layers.index(said.layer)
            for key, said in ((SOFT, soft), (HARD, hard))
        }
        key, ours, theirs = (HARD, hard, soft) if ranks[HARD] <= ranks[SOFT] else (SOFT, soft, hard)
        if hard.seconds > soft.seconds or ours.layer is None or (ours.layer, key) in told:
            continue
        told.add((ours.layer, key))
        other, word = (SOFT, "longer") if key == HARD else (HARD, "shorter")
        where = "" if theirs.layer in {None, ours.layer} else f" by `{dotted(theirs.layer or ())}`"
        unfit = Unfit(f"one that is {word} than `{other}`, which is {theirs.text}{where}")
        yield problem(document, document.at_value((*ours.layer, key)), f"`{key}` is `{ours.text}`", unfit)


def _chains(document: Document) -> Iterator[Sequence[Path]]:
    """Who may say the limits of one fleet, the nearest first; the project alone before any of them."""
    yield (WHOLE,)
    for fleet in mapping_of(mapping_of(document.data).get("fleets")):
        yield (("fleets", fleet, "policy"), WHOLE)
    for environment, fields in mapping_of(mapping_of(document.data).get("environments")).items():
        own: Path = ("environments", environment, "policy")
        yield (own, WHOLE)
        for fleet in mapping_of(mapping_of(fields).get("fleets")):
            yield (("fleets", fleet, "policy"), own, WHOLE)


def _said(document: Document, key: str, layers: Sequence[Path]) -> _Said:
    """Raises Unfit for what is no duration."""
    for layer in layers:
        section = document.data
        for part in layer:
            section = mapping_of(section).get(str(part))
        if key in mapping_of(section):
            text = mapping_of(section)[key]
            return _Said(seconds=positive_duration_seconds(text), text=text, layer=layer)
    default = PolicySection.model_fields[key].default
    return _Said(seconds=default, text=f"{DEFAULTS[key]} by default", layer=None)
