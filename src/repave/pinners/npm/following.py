"""The application's own package-lock: told where ``repave.lock`` differs from it, and mended where flaws are known."""

from collections.abc import Callable

from repave.model.lock import Ecosystem
from repave.pinners.npm.packagelock import read_package_lock
from repave.pinners.npm.pinner import NpmPinner
from repave.pinners.npm.published import PublishedVersions
from repave.ports.pinner import Held, Mended, PinRequest, Rewritten
from repave.ports.progress import Progress
from repave.ports.web import Web


class FollowedPackageLocks:
    """The foreign port for npm."""

    def __init__(self, pinner: NpmPinner, *, web: Callable[[], Web]) -> None:
        """``web`` opens the way to registries, when one is asked which versions there are."""
        self._pinner = pinner
        self._published = PublishedVersions(web)

    def differs(self, request: PinRequest) -> tuple[str, ...]:
        """As far as packages go; see the port."""
        return self._pinner.differs(request)

    def mend(self, request: PinRequest, *, progress: Progress) -> Mended:
        """Put repairs where the ranges admit them, in the order in which they are asked for; see the port."""
        application = request.image.node
        repairs = [repair for repair in request.repairs if repair.ecosystem is Ecosystem.NPM]
        if application is None or not repairs:
            return Mended()
        from repave.pinners.npm.fitting import machine  # noqa: PLC0415 - most images are no Node application
        from repave.pinners.npm.mending import taken  # noqa: PLC0415 - see above
        from repave.pinners.npm.rewriting import rewritten  # noqa: PLC0415 - see above

        before = read_package_lock(request.folder, application.lock, request.rewritten)
        on = machine(request.image.base, request.pinned or request.previous.packages_of(request.image.name))
        lock, held = before, dict[Held, None]()
        with progress.task(f"Mending {application.lock}", total=len(repairs)) as task:
            for repair in repairs:
                flawed = (
                    one
                    for one in lock.entries.values()
                    if one.of_registry and (one.name, one.version) == (repair.name, repair.locked)
                )
                if at := next(flawed, None):
                    lock, refused = taken(lock, repair, self._published.of(at), on)
                    held |= dict.fromkeys(refused)
                task.advance()
        changed = lock.entries != before.entries
        return Mended(
            rewritten=(Rewritten(path=application.lock, content=rewritten(before, lock)),) if changed else (),
            held=tuple(held),
        )
