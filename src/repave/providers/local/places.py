"""Where this provider keeps what, and the names by which its things are found on the machine."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, unquote

from repave.model.names import (
    Digest,
    EnvironmentName,
    FleetKey,
    FleetName,
    InstanceId,
    ProjectName,
    SlotId,
    ZoneName,
)


@dataclass(frozen=True, kw_only=True)
class Places:
    """Paths below the provider's folder, and machine-wide names derived from it: two projects never share one."""

    root: Path
    runtime: Path
    """runc's own state, and QEMU's sockets: a folder that a restart of the machine empties, where there is one."""

    @property
    def token(self) -> str:
        """Ten hex digits that stand for this folder in machine-wide names."""
        return token_of(self.root)

    @property
    def layers(self) -> Path:
        """Unpacked layers, one folder per diff id, shared between artifacts."""
        return self.root / "layers"

    @property
    def seals(self) -> Path:
        """How each unpacked layer was left, a file per layer."""
        return self.root / "seals"

    @property
    def artifacts(self) -> Path:
        """One folder per published artifact."""
        return self.root / "artifacts"

    @property
    def disks(self) -> Path:
        """One folder per published disk of virtual machines, with its seal beside it."""
        return self.root / "disks"

    @property
    def fleets(self) -> Path:
        """Records, by project, environment and fleet."""
        return self.root / "fleets"

    @property
    def network(self) -> Path:
        """The network that was chosen for this folder."""
        return self.root / "network.json"

    @property
    def bridge(self) -> str:
        """The bridge's device name (at most 15 characters, by IFNAMSIZ)."""
        return f"rb{self.token}"

    def artifact(self, digest: Digest) -> Path:
        """The folder of one artifact."""
        return self.artifacts / digest.removeprefix("sha256:")

    def disk(self, digest: Digest) -> Path:
        """The folder of one published disk."""
        return self.disks / digest.removeprefix("sha256:")

    def published_disks(self) -> frozenset[Digest]:
        """Of virtual machines: what has its seal."""
        return frozenset(Digest(f"sha256:{path.stem}") for path in self.disks.glob("*.seal"))

    def snapshots(self, digest: Digest) -> Path:
        """The folder of memory that was saved of machines of one artifact."""
        return self.root / "snapshots" / digest.removeprefix("sha256:")

    def stopped_zone(self, zone: ZoneName) -> Path:
        """The switch: while this file exists, nothing is launched into the zone."""
        return self.root / "zones" / f"{file_name(zone)}.stopped"

    def fleet(self, fleet: FleetKey) -> Path:
        """The folder of one fleet."""
        return self.fleets / file_name(fleet.project) / file_name(fleet.environment) / file_name(fleet.fleet)

    def known_fleets(self) -> Iterator[FleetKey]:
        """Whose folders there are, by their names: what is in a file may be lost with the power."""
        for path in self.fleets.glob("*/*/*/fleet.json"):
            project, environment, fleet = map(unquote, path.parent.relative_to(self.fleets).parts)
            yield FleetKey(
                project=ProjectName(project), environment=EnvironmentName(environment), fleet=FleetName(fleet)
            )

    def lock(self, name: str) -> Path:
        """A lock file; they are few and stay."""
        return self.root / "locks" / f"{name}.lock"

    def instance(self, instance: InstanceId) -> Path:
        """The working folder of one instance: its bundle, pid file and hosts file."""
        return self.root / "instances" / instance

    def instance_id(self, fleet: FleetKey, slot: SlotId) -> InstanceId:
        """The same for the same folder, fleet and slot."""
        place = "\0".join((self.token, str(fleet), slot))
        return InstanceId(f"i-{sha256(place.encode()).hexdigest()[:12]}")


def find_places(root: Path, *, user: int, privileged: bool) -> Places:
    """Choose the runtime folder: below /run where we may write there, else beside the records."""
    root = root.resolve()
    if privileged:
        return Places(root=root, runtime=Path("/run/repave") / token_of(root))
    session = Path(f"/run/user/{user}")
    if session.is_dir() and os.access(session, os.W_OK):
        return Places(root=root, runtime=session / "repave" / token_of(root))
    return Places(root=root, runtime=root / "runtime")


def token_of(root: Path) -> str:
    """Ten hex digits of the digest of the folder's path."""
    return sha256(os.fsencode(root)).hexdigest()[:10]


def file_name(name: str) -> str:
    """A name as one path component: slashes and leading dots are percent-encoded."""
    quoted = quote(name, safe="")
    return f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted
