"""Going back: to the last release that was healthy here and is not the present one."""

from repave.model.names import RevisionId
from repave.model.project import Environment, Project
from repave.model.release import Release
from repave.model.target import Target
from repave.operations.carriers import carriers
from repave.operations.errors import Refused
from repave.operations.keys import fleets_of
from repave.operations.releases import release_named, title
from repave.ports.store import Store


def release_to_return_to(project: Project, environment: Environment, store: Store, named: str | None) -> Release:
    """The one named, or the latest that every fleet of the environment has proven, but for fleets of nobody.

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
        - {present}
        for target in targets
    ]
    common = set.intersection(*usable)
    ordered = [proof.release for proof in targets[0].proven if proof.release in common]
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


def _carriers(project: Project, environment: Environment, store: Store) -> tuple[Target, ...]:
    return carriers(target for key in fleets_of(project, environment) if (target := store.target(key)))


def _revoked(target: Target) -> set[RevisionId]:
    return {revoked.revision for revoked in target.revoked}
