"""What pins, and what judges what is pinned."""

from functools import cached_property
from typing import TYPE_CHECKING

from repave.wiring.origins import Origins

if TYPE_CHECKING:
    from repave.model.lock import LockedImage, LockedPackage
    from repave.operations.locked import Locked
    from repave.operations.locking import Locking
    from repave.pinners.debian.archive import DebianArchive
    from repave.ports.advisories import Advisories
    from repave.ports.pinner import Foreign, Pinner
    from repave.wiring.advising import Advising


class Locks(Origins):
    """What pins, and what judges what is pinned."""

    @cached_property
    def archive(self) -> "DebianArchive":
        """Debian's package archive."""
        from repave.pinners.debian.archive import DebianArchive

        return DebianArchive(
            root=self.state / "cache" / "apt",
            commands=self.commands,
            clock=self.clock,
            access=self.access,
        )

    @cached_property
    def pinners(self) -> "tuple[Pinner, ...]":
        """Of packages, in the order in which they pin: each sees what the earlier ones pinned."""
        from repave.jobs.commands import LocalCommands
        from repave.pinners.base_images import BaseImagePinner
        from repave.pinners.debian.pinner import DebianPinner
        from repave.pinners.fetched import FetchedFilesPinner
        from repave.pinners.git.pinner import GitPinner
        from repave.pinners.npm.pinner import NpmPinner
        from repave.pinners.pypi import PypiPinner
        from repave.pinners.side_by_side import SideBySide

        beside = LocalCommands()
        return (
            BaseImagePinner(distribution=lambda: self.distribution, vault=self.vault),
            SideBySide(
                debian=DebianPinner(archive=self.archive, vault=self.vault, commands=self.commands),
                pypi=PypiPinner(
                    root=self.state / "cache" / "pypi", vault=self.vault, commands=beside, access=self.access
                ),
                stop=beside.end,
            ),
            NpmPinner(vault=self.vault),
            FetchedFilesPinner(vault=self.vault),
            GitPinner(root=self.state / "cache" / "git", exports=self.git, vault=self.vault),
        )

    def purl(self, package: "LockedPackage", image: "LockedImage") -> str:
        """What other tools call a locked package."""
        from repave.attestations.sbom.purls import purl

        return purl(package, image)

    @cached_property
    def files(self) -> "Pinner":
        """Of the application's files."""
        from repave.pinners.files import FilesPinner

        return FilesPinner(vault=self.vault)

    @cached_property
    def foreign(self) -> "tuple[Foreign, ...]":
        """What follows the locks of other tools among the application's files."""
        from repave.pinners.npm.following import FollowedPackageLocks
        from repave.pinners.npm.pinner import NpmPinner

        return (FollowedPackageLocks(NpmPinner(vault=self.vault), web=lambda: self.web),)

    @cached_property
    def locked(self) -> "Locked":
        """The lock that is there."""
        from repave.operations.locked import Locked

        return Locked(project=self.project, folder=self.folder, files=self.files, foreign=lambda: self.foreign)

    @cached_property
    def locking(self) -> "Locking":
        """What makes a new lock."""
        from repave.operations.locking import Locking

        return Locking(
            project=self.project,
            locked=self.locked,
            pinners=(*self.pinners, self.files),
            vault=self.vault,
            foreign=self.foreign,
        )

    @cached_property
    def advisories(self) -> "tuple[Advisories, ...]":
        """The distribution's security suites, and what the file names, as one."""
        return (self.advising.advisories(archive=self.archive, bases=self.bases, bundles=self.bundles),)

    @cached_property
    def advising(self) -> "Advising":
        """Sources of advisories, put together."""
        from repave.wiring.advising import Advising

        return Advising(
            self.project, folder=self.folder, state=self.state, vault=self.vault, web=lambda: self.web, clock=self.clock
        )
