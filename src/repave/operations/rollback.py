"""Going back: to the last release that was healthy here and is not the present one."""

from repave.model.names import RevisionId
from repave.model.project import Environment, Project
from repave.model.release import Release
from repave.model.target import Target
from repave.operations.carriers import carriers
from repave.operations.errors import Refused
from repave.operations.keys import fleets_of
from repave.operations.releases import release_named, title
from repave.planner.failures import under_judgement
from repave.ports.store import Store

GOING_BACK = "rollback asked for"
"""The reason of a release that is wanted since a person went back to it."""


def release_to_return_to(project: Project, environment: Environment, store: Store, named: str | None) -> Release:
    """The one named, or the latest that every fleet of the environment has proven, but for fleets of nobody.

    While the environment is on its way back to one of those, that one: whoever was interrupted asks again, and goes on.
    Else Refused.
    """
    targets = _carriers(project, environment, store)
    if not targets:
        raise Refused(f"{environment.name} was never deployed", hint=f"`repave deploy {environment.name}`")
    if named:
        return release_named(store, named)
    present = targets[0].release
    usable = [
        {proof.release for proof in target.proven if proof.bootable and proof.revision not in _revoked(target)}
        for target in targets
    ]
    common = set.intersection(*usable)
    if present in common and _on_the_way_back(targets, store):
        return store.release(present)
    ordered = [proof.release for proof in targets[0].proven if proof.release in common - {present}]
    if not ordered:
        raise Refused(
            f"no release but {title(present)} was ever healthy in {environment.name}",
            hint="name one: --to rN; `repave status` and `repave where rN` show what ran",
        )
    return store.release(ordered[-1])


def was_healthy(project: Project, environment: Environment, store: Store, release: Release) -> bool:
    """Whether every fleet that was ever deployed there, but for fleets of nobody, has been carried by the release."""
    targets = _carriers(project, environment, store)
    return bool(targets) and all(release.number in {proof.release for proof in one.proven} for one in targets)


def _on_the_way_back(targets: tuple[Target, ...], store: Store) -> bool:
    """Whether a person went back to what all of them want, and a fleet has yet to be carried by it."""
    if len({target.release for target in targets}) > 1 or any(target.stopped for target in targets):
        return False
    return any(target.size and under_judgement(target) and _went_back(target, store) for target in targets)


def _went_back(target: Target, store: Store) -> bool:
    """Whether the last word on what the fleet runs was a person's who went back to what is wanted now."""
    word = store.newest_of(target.fleet, {"deploy"})
    said = word.details if word else {}
    return said.get("reason") == GOING_BACK and said.get("revision") == target.revision


def _carriers(project: Project, environment: Environment, store: Store) -> tuple[Target, ...]:
    return carriers(target for key in fleets_of(project, environment) if (target := store.target(key)))


def _revoked(target: Target) -> set[RevisionId]:
    return {revoked.revision for revoked in target.revoked}
