"""From environment to environment, as far as the gates hold."""

from collections.abc import Callable
from dataclasses import dataclass

from repave.model.names import EnvironmentName
from repave.model.pipeline import Enter, PipelinePlan
from repave.operations.deploy import DeployResult


@dataclass(frozen=True, kw_only=True)
class Walk:
    """How far releases came."""

    results: tuple[DeployResult, ...]
    """In the order they were let in; the last may have failed."""

    plan: PipelinePlan
    """The last, which says what still waits."""


def walk(
    plan: Callable[[], PipelinePlan],
    carry_out: Callable[[Enter], DeployResult],
    only: EnvironmentName | None = None,
) -> Walk:
    """Let in one release after the other, each by a plan made after the one before it has arrived.

    Ends when nothing may enter (``only``: that environment), or with the first that does not arrive.
    """
    results: list[DeployResult] = []
    while True:
        made = plan()
        enter = next((one for one in made.entering if only in {None, one.environment}), None)
        if enter is None or (results and not results[-1].as_asked):
            return Walk(results=tuple(results), plan=made)
        results.append(carry_out(enter))
