"""Where bytes come from and go to: the vault, mirrors and logins, registries, git, the web."""

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from repave.wiring.folder import ProjectFolder

if TYPE_CHECKING:
    from repave.pinners.git.exporting import GitExports
    from repave.ports.bases import Bases
    from repave.ports.bundles import Bundles
    from repave.ports.distribution import Distribution
    from repave.ports.logins import Access, Logins
    from repave.ports.shared_vault import SharedVault
    from repave.ports.vault import Vault
    from repave.ports.web import Web
    from repave.registries.lines import Lines


class Origins(ProjectFolder):
    """Where bytes come from and go to: the vault, mirrors and logins, registries, git, the web."""

    @cached_property
    def logins(self) -> "Logins":
        """Who we are to servers: as the file declares, else as ``docker login`` has kept."""
        from repave.secrets.logins import DeclaredLogins, DockerLogins, FirstLogin

        home = os.environ.get("DOCKER_CONFIG", "~/.docker")
        return FirstLogin(
            DeclaredLogins(self.project.origins, secrets=self.secrets),
            DockerLogins(Path(home).expanduser() / "config.json", commands=self.commands),
        )

    @cached_property
    def access(self) -> "Access":
        """How the addresses of others are reached."""
        from repave.ports.logins import Access

        return Access(origins=self.project.origins, logins=self.logins)

    @cached_property
    def vault(self) -> "Vault":
        """Locked files."""
        from repave.registries.vault import FileVault

        return FileVault(root=self.state / "vault", line=self._line, exports=lambda: self.git)

    def _line(self) -> "Lines":
        from repave.registries.lines import Lines
        from repave.registries.shared.places import shared_places

        origins = self.project.origins
        shared = shared_places(self.project.shared_vaults, folder=self.folder)
        return Lines(
            logins=self.logins,
            stand_ins=lambda file: (*shared(file), *(origins.places(file.url) if file.url else ())),
            insecure=origins.insecure,
        )

    @cached_property
    def shared_vaults(self) -> "tuple[SharedVault, ...]":
        """Those that the file names, in its order."""
        return tuple(self.shared_vault(place) for place in self.project.shared_vaults)

    def shared_vault(self, place: str) -> "SharedVault":
        """The shared vault at a place: a folder, or a repository of a registry."""
        from repave.registries.shared.folder import FolderVault
        from repave.registries.shared.repository import RepositoryVault

        if place.startswith("oci://"):
            return RepositoryVault(place, distribution=self.distribution)
        return FolderVault(self.folder / place)

    @cached_property
    def git(self) -> "GitExports":
        """Git repositories, as files of the vault."""
        from repave.pinners.git.exporting import GitExports
        from repave.pinners.git.program import Git

        git = Git(commands=self.commands, environment=os.environ, logins=self.logins)
        return GitExports(self.state / "cache" / "git", git=git)

    @cached_property
    def distribution(self) -> "Distribution":
        """Other people's registries."""
        from repave.registries.oci.pushing import RegistryWriter
        from repave.registries.oci.session import Session

        session = Session(logins=self.logins, insecure=self.project.origins.insecure)
        self._opened.append(session)
        return RegistryWriter(session)

    @cached_property
    def web(self) -> "Web":
        """Servers that are asked questions, through mirrors and with logins as for all else."""
        from repave.registries.web import WebClient

        client = WebClient(self.access)
        self._opened.append(client)
        return client

    @cached_property
    def bases(self) -> "Bases":
        """What images below ours say of what is in them."""
        from repave.attestations.sbom.below import BelowReader

        return BelowReader(vault=self.vault, folder=self.state / "cache" / "packages")

    @cached_property
    def bundles(self) -> "Bundles":
        """What npm packages bring along."""
        from repave.attestations.sbom.bundles import BundlesReader
        from repave.attestations.sbom.facts import FactsReader

        return BundlesReader(FactsReader(vault=self.vault, folder=self.state / "cache" / "packages"))
