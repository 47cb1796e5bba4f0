"""How the parts that run virtual machines are put together."""

from repave.ports.surroundings import Surroundings
from repave.providers.local.consoles import Consoles
from repave.providers.local.guarded import Guarded
from repave.providers.local.network import Network
from repave.providers.local.places import Places
from repave.providers.local.processes import may_administer
from repave.providers.local.qemu.acceleration import Accelerations
from repave.providers.local.qemu.disks import Disks
from repave.providers.local.qemu.engine import QemuEngine
from repave.providers.local.qemu.going_on import GoingOn
from repave.providers.local.qemu.groups import ControlGroups
from repave.providers.local.qemu.saving import Saving
from repave.providers.local.qemu.snapshots import Snapshots


def assemble_qemu(
    surroundings: Surroundings,
    *,
    places: Places,
    guarded: Guarded,
    consoles: Consoles,
    network: Network,
    controllers: frozenset[str],
) -> QemuEngine:
    """The engine for this process's rights; what it is given, it shares with that of containers."""
    commands, clock, privileged = surroundings.commands, surroundings.clock, may_administer()
    disks = Disks(places=places, registry=surroundings.registry)
    accelerations = Accelerations(places=places, commands=commands)
    snapshots = Snapshots(places=places)
    saving = Saving(
        places=places,
        commands=commands,
        guarded=guarded,
        clock=clock,
        disks=disks,
        accelerations=accelerations,
        snapshots=snapshots,
        privileged=privileged,
    )
    return QemuEngine(
        places=places,
        commands=commands,
        guarded=guarded,
        disks=disks,
        consoles=consoles,
        network=network,
        accelerations=accelerations,
        saving=saving,
        going_on=GoingOn(places=places, clock=clock, snapshots=snapshots),
        groups=ControlGroups(controllers=controllers, clock=clock),
        privileged=privileged,
    )
