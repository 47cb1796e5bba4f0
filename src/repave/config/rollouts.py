"""Settings of a rollout that belong to one strategy: with another they would do nothing, so they are refused."""

from collections.abc import Iterator

from repave.config.document import Document
from repave.config.errors import Problem
from repave.config.problems import Unfit, problem
from repave.config.words import mapping_of

BELONGS_TO = {"steps": "canary", "pause": "canary", "checkpoint": "canary", "baseline": "canary", "keep": "blue-green"}
"""The strategy that a key is for."""

DEFAULT = "rolling"


def check_rollouts(document: Document) -> Iterator[Problem]:
    """Every setting that its fleet's strategy does not know."""
    for fleet, fields in mapping_of(mapping_of(document.data).get("fleets")).items():
        rollout = mapping_of(mapping_of(fields).get("rollout"))
        strategy = rollout.get("strategy", DEFAULT)
        for key, owner in BELONGS_TO.items():
            if key in rollout and strategy != owner:
                place = document.at_key(("fleets", fleet, "rollout", key))
                yield problem(document, place, f"`{key}` does nothing here", Unfit(f"`strategy: {owner}` beside it"))
