"""One image, locked twice, each change of it that is measured, and one bake of any."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from peers.server import Took, Watch

from repave.model.artifact import Artifact
from repave.model.lock import Layer, Lock, LockedFile, LockedPackage
from repave.model.names import ImageName, ProjectName
from repave.operations.locking import Asked
from repave.ports.baker import Baker, BakeRequest
from repave.ports.pinner import Refresh
from repave.ports.progress import Silent
from repave.ports.surroundings import Surroundings
from repave.registries.layout import LayoutRegistry
from repave.wiring import Wiring

WEB = ImageName("web")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What is baked."""

    project: str
    """The project's file, whose ``{suites}`` are filled in."""

    application: Path
    """Its files, which are laid beside that."""

    baker: Callable[[Surroundings], Baker]
    platform: str
    """The source whose packages are changed among those that the recipe names."""

    base: str
    """The same, among those that any image has."""


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """The image, and each change of it that is measured."""

    wiring: Wiring
    recipe: Recipe
    lock: Lock
    whole: BakeRequest
    platform_changed: BakeRequest
    base_changed: BakeRequest
    application_changed: BakeRequest

    @property
    def system(self) -> list[LockedPackage]:
        """Debian's packages."""
        return system(self.whole)


def ingredients(folder: Path, recipe: Recipe) -> Ingredients:
    """The image, from the frozen suite, and with the security suite's repairs."""
    say("locking and fetching")
    shutil.copytree(recipe.application, folder / recipe.application.name)
    old = lock(folder, recipe, "bookworm")
    new = lock(folder, recipe, "bookworm, bookworm-security")
    wiring = Wiring(folder / "repave.yaml")
    whole = request(wiring, old, WEB)
    repairs = {package.name: package for package in new.packages_of(WEB)}
    return Ingredients(
        wiring=wiring,
        recipe=recipe,
        lock=old,
        whole=whole,
        platform_changed=repaired(whole, repairs, recipe.platform),
        base_changed=repaired(whole, repairs, recipe.base),
        application_changed=replace(whole, files=touched(whole.files, wiring, folder)),
    )


def lock(folder: Path, recipe: Recipe, suites: str) -> Lock:
    """The lock from these suites, with every file of it in the vault."""
    (folder / "repave.yaml").write_text(recipe.project.format(suites=suites), encoding="utf-8")
    wiring = Wiring(folder / "repave.yaml")
    try:
        proposal = wiring.locking.propose(Asked(refresh=Refresh.UPGRADE), Silent())
        wiring.locking.write(proposal, Silent())
        return proposal.lock
    finally:
        wiring.close()


def request(wiring: Wiring, locked: Lock, name: ImageName) -> BakeRequest:
    """One image of the lock, whole."""
    image = wiring.project.images[name]
    return BakeRequest(image=image, packages=locked.packages_of(name), files=locked.files_of(name))


def system(wanted: BakeRequest) -> list[LockedPackage]:
    """Debian's packages that lie in the image."""
    return [package for package in wanted.packages if package.layer in (Layer.BASE, Layer.PLATFORM)]


def repaired(wanted: BakeRequest, repairs: dict[str, LockedPackage], source: str) -> BakeRequest:
    """The request with the packages of one source replaced."""
    packages = tuple(repairs[one.name] if one.source == source else one for one in wanted.packages)
    if packages == wanted.packages:
        sys.exit(f"nothing of {source} was repaired: there is no such change to measure")
    return replace(wanted, packages=packages)


def touched(files: Sequence[LockedFile], wiring: Wiring, folder: Path) -> tuple[LockedFile, ...]:
    """The files with one line more in the first."""
    changed = folder / "changed"
    changed.write_bytes(wiring.vault.path(files[0].sha256).read_bytes() + b"\n")
    size = changed.stat().st_size
    return (replace(files[0], sha256=wiring.vault.add(changed), size_bytes=size), *files[1:])


def repave(made: Ingredients, folder: Path, runs: int) -> dict[str, Took]:
    """What each kind of bake takes; ``warm(folder)`` has cached all of them."""
    root = warm(folder)
    colds = [*(folder / f"cold-{run}" for run in range(1, runs)), root]
    cold = better([bake(made, one, made.whole)[0] for one in colds])
    return {
        "cold": cold,
        "nothing": bake(made, root, made.whole)[0],
        "application": bake(made, root, made.application_changed)[0],
        "package": bake(made, root, made.platform_changed)[0],
        "base": bake(made, root, made.base_changed)[0],
    }


def bake(made: Ingredients, root: Path, wanted: BakeRequest) -> tuple[Took, Artifact]:
    """What one bake takes, with whatever ``root`` has cached; and what came of it, in ``registry(root)``."""
    surroundings = Surroundings(
        project=ProjectName("bench"),
        folder=root / "cache",
        commands=made.wiring.commands,
        clock=made.wiring.clock,
        vault=made.wiring.vault,
        registry=registry(root),
    )
    settle()
    watch = Watch()
    artifact = made.recipe.baker(surroundings).bake(wanted, progress=Silent())
    took = watch.took()
    anew = [layer.layer for layer in artifact.layers if not layer.cached]
    say(f"  {spoken(took)}, made anew: {', '.join(anew) or 'nothing'}")
    return took, artifact


def warm(folder: Path) -> Path:
    """What the last cold bake has left there."""
    return folder / "warm"


def better(times: Sequence[Took]) -> Took:
    """The shortest: a busy machine only ever makes it longer."""
    return min(times, key=lambda took: took.seconds)


def spoken(took: Took) -> str:
    """In words."""
    return f"{took.seconds:.2f} s, {took.cpu_seconds:.2f} s of processor time"


def registry(root: Path) -> LayoutRegistry:
    """Where the bakes of this folder have what they made."""
    return LayoutRegistry(root / "registry")


def settle() -> None:
    """Let the disk finish what came before, so that nobody pays for another's writes."""
    os.sync()


def say(line: str) -> None:
    """What goes on, beside the figures."""
    print(line, file=sys.stderr)
