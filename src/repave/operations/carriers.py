"""Which fleets of an environment can show anything of a release."""

from collections.abc import Iterable

from repave.model.target import Target


def carriers(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Those of which somebody is wanted: a fleet of nobody proves nothing, and has nothing to prove.

    Where nobody is wanted of any, all of them: what they showed before still counts, and nothing is added to it.
    """
    known = tuple(targets)
    return tuple(target for target in known if target.size) or known
