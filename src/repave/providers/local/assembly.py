"""How the parts of this provider are put together, with root and without."""

import os

from repave.ports.surroundings import Surroundings
from repave.providers.local.artifacts import Artifacts
from repave.providers.local.consoles import Consoles
from repave.providers.local.container_engine import ContainerEngine
from repave.providers.local.engines import Engine
from repave.providers.local.guarded import Guarded
from repave.providers.local.identities import identity_map
from repave.providers.local.lifecycle import Lifecycle, Parts
from repave.providers.local.limits import usable_controllers
from repave.providers.local.network import BridgeNetwork, Network
from repave.providers.local.places import find_places
from repave.providers.local.processes import may_administer
from repave.providers.local.qemu.acceleration import Accelerations
from repave.providers.local.qemu.disks import Disks
from repave.providers.local.qemu.engine import QemuEngine
from repave.providers.local.qemu.going_on import GoingOn
from repave.providers.local.qemu.groups import ControlGroups
from repave.providers.local.qemu.saving import Saving
from repave.providers.local.qemu.snapshots import Snapshots
from repave.providers.local.records import Records
from repave.providers.local.runtime import Runtime
from repave.providers.local.usermode import UserModeNetwork


def assemble(surroundings: Surroundings) -> tuple[Parts, Lifecycle]:
    """The parts for this process's rights."""
    privileged = may_administer()
    commands = surroundings.commands
    places = find_places(surroundings.folder, user=os.geteuid(), privileged=privileged)
    guarded = Guarded(places=places, commands=commands)
    controllers = usable_controllers() if privileged else frozenset[str]()
    network: Network = (
        BridgeNetwork(places=places, commands=commands, guarded=guarded)
        if privileged
        else UserModeNetwork(places=places, clock=surroundings.clock, guarded=guarded)
    )
    artifacts = Artifacts(
        places=places,
        registry=surroundings.registry,
        commands=commands,
        clock=surroundings.clock,
        privileged=privileged,
    )
    containers = ContainerEngine(
        places=places,
        commands=commands,
        artifacts=artifacts,
        runtime=Runtime(places=places, commands=commands, guarded=guarded),
        network=network,
        controllers=controllers,
        identities=None if privileged else identity_map(),
    )
    consoles = Consoles(places=places, commands=commands, clock=surroundings.clock)
    disks = Disks(places=places, registry=surroundings.registry)
    accelerations = Accelerations(places=places, commands=commands)
    snapshots = Snapshots(places=places)
    saving = Saving(
        places=places,
        commands=commands,
        guarded=guarded,
        clock=surroundings.clock,
        disks=disks,
        accelerations=accelerations,
        snapshots=snapshots,
        privileged=privileged,
    )
    machines = QemuEngine(
        places=places,
        commands=commands,
        guarded=guarded,
        disks=disks,
        consoles=consoles,
        network=network,
        accelerations=accelerations,
        saving=saving,
        going_on=GoingOn(places=places, clock=surroundings.clock, snapshots=snapshots),
        groups=ControlGroups(controllers=controllers, clock=surroundings.clock),
        privileged=privileged,
    )
    engines: tuple[Engine, ...] = (containers, machines)
    parts = Parts(
        places=places,
        clock=surroundings.clock,
        records=Records(places=places),
        consoles=consoles,
        network=network,
        guarded=guarded,
        engines={engine.kind: engine for engine in engines},
        containers=containers,
    )
    return parts, Lifecycle(parts=parts)
