"""How the parts of this provider are put together, with root and without.

What only some projects need is read when it is: virtual machines, and what stands in for root.
"""

import os

from repave.model.recipe import ImageKind
from repave.ports.surroundings import Surroundings
from repave.providers.local.artifacts import Artifacts
from repave.providers.local.consoles import Consoles
from repave.providers.local.container_engine import ContainerEngine
from repave.providers.local.containers import IdentityMap
from repave.providers.local.engines import Engine, Engines, Maker
from repave.providers.local.guarded import Guarded
from repave.providers.local.lifecycle import Lifecycle, Parts
from repave.providers.local.limits import usable_controllers
from repave.providers.local.network import BridgeNetwork, Network
from repave.providers.local.places import Places, find_places
from repave.providers.local.processes import may_administer
from repave.providers.local.records import Records
from repave.providers.local.runtime import Runtime


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
        else _user_mode(surroundings, places, guarded)
    )
    artifacts = Artifacts(
        places=places,
        registry=surroundings.registry,
        commands=commands,
        privileged=privileged,
    )
    containers = ContainerEngine(
        places=places,
        commands=commands,
        artifacts=artifacts,
        runtime=Runtime(places=places, commands=commands, guarded=guarded),
        network=network,
        controllers=controllers,
        identities=None if privileged else _identities(),
    )
    consoles = Consoles(places=places, commands=commands, clock=surroundings.clock)

    def machines() -> Engine:
        from repave.providers.local.qemu.assembly import assemble_qemu  # noqa: PLC0415 - the reason stands above

        return assemble_qemu(
            surroundings,
            places=places,
            guarded=guarded,
            consoles=consoles,
            network=network,
            controllers=controllers,
        )

    parts = Parts(
        places=places,
        clock=surroundings.clock,
        records=Records(places=places),
        consoles=consoles,
        network=network,
        guarded=guarded,
        engines=Engines(
            {
                ImageKind.CONTAINER: Maker(make=lambda: containers, published=artifacts.published),
                ImageKind.VM: Maker(make=machines, published=places.published_disks),
            }
        ),
        containers=containers,
    )
    return parts, Lifecycle(parts=parts)


def _user_mode(surroundings: Surroundings, places: Places, guarded: Guarded) -> Network:
    from repave.providers.local.usermode import UserModeNetwork  # noqa: PLC0415 - the reason stands above

    return UserModeNetwork(places=places, clock=surroundings.clock, guarded=guarded)


def _identities() -> IdentityMap:
    from repave.providers.local.identities import identity_map  # noqa: PLC0415 - the reason stands above

    return identity_map()
