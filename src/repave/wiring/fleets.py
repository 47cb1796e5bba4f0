"""What runs fleets."""

from functools import cached_property
from typing import TYPE_CHECKING

from repave.model.names import ProviderName
from repave.wiring.trust import Trusting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repave.controller.converge import Controller
    from repave.controller.ending import Convergence
    from repave.controller.tick import Tick
    from repave.model.names import FleetKey, FleetName
    from repave.model.project import Environment, Project
    from repave.model.release import Release, Revision
    from repave.operations.booting import Booting
    from repave.operations.converge import Settled, Watcher
    from repave.operations.deploy import Deploying
    from repave.operations.destroy import Destroyed
    from repave.operations.patch import Patching
    from repave.ports.metrics import Metrics
    from repave.ports.progress import Progress
    from repave.ports.provider import Machines
    from repave.ports.traffic import Traffic

BALANCER_OF = {"local": "haproxy"}
"""Which balancer spreads requests over the machines of a provider that brings none of its own."""


class Fleets(Trusting):
    """What runs fleets."""

    def machines(self, provider: ProviderName) -> "Machines":
        """The provider of that name, made once."""
        machines: Machines = self._adapter("repave.providers", provider)
        return machines

    def traffic(self, provider: ProviderName) -> "Traffic":
        """The balancer in front of that provider's machines, with what counts those that are workers; made once."""
        from repave.balancers.beside import WithWorkers
        from repave.balancers.workers.balancer import Workers

        if provider not in self._traffic:
            workers = Workers(self.state / "workers", clock=self.clock, machines=self.machines(provider))
            self._traffic[provider] = WithWorkers(self._balancer(provider), workers)
        return self._traffic[provider]

    @cached_property
    def _traffic(self) -> "dict[ProviderName, Traffic]":
        return {}

    def metrics(self, provider: ProviderName) -> "tuple[Metrics, ...]":
        """Who measures that provider's fleets."""
        from repave.ports.metrics import Metrics

        asked = (self.machines(provider), self._balancer(provider))
        return tuple(one for one in asked if isinstance(one, Metrics))

    def _balancer(self, provider: ProviderName) -> "Traffic":
        traffic: Traffic = self._adapter("repave.balancers", BALANCER_OF.get(provider, provider))
        return traffic

    def publish(self, environment: "Environment", release: "Release", progress: "Progress") -> None:
        """Make a release startable where an environment lives."""
        from repave.operations.keys import fleets_of
        from repave.operations.publishing import publish

        fleets = fleets_of(self.project, environment)
        publish(
            release,
            fleets,
            store=self.store,
            machines=self.machines(environment.provider),
            admission=self.admission,
            progress=progress,
        )

    def read_ahead(self, revisions: "Mapping[FleetKey, Revision]") -> None:
        """That what is to be launched from here can be; see ``repave.operations.secrets_ahead``."""
        from repave.operations.secrets_ahead import read_ahead

        read_ahead(revisions, self.secrets, self.led_by)

    def led_by(self, fleet: "FleetKey") -> str:
        """Which other process looks after a fleet; empty when none does. A killed one does not."""
        from repave.controller.holders import is_dead

        lease = self.store.lease(str(fleet), self.clock.now())
        return "" if lease is None or is_dead(lease.holder) else lease.holder

    def keep_warm(
        self, environment: "Environment", release: "Release", progress: "Progress"
    ) -> "Mapping[FleetName, str]":
        """Have saved what fleets of a published release start warm or hot from; answers which start cold, and why."""
        from repave.operations.warmth import keep_warm

        machines = self.machines(environment.provider)
        return keep_warm(release, self.project, environment, machines=machines, progress=progress)

    @cached_property
    def deploying(self) -> "Deploying":
        """Intent, and its end."""
        from repave.operations.deploy import Deploying

        return Deploying(project=self.project, store=self.store, clock=self.clock, converge=self.converge)

    @cached_property
    def patching(self) -> "Patching":
        """The mission."""
        from repave.config.places import place_in
        from repave.operations.patch import Patching

        return Patching(
            project=self.project,
            locking=self.locking,
            advisories=self.advisories,
            store=self.store,
            clock=self.clock,
            place=lambda path: place_in(self.file, path),
        )

    def booting(self, environment: "Environment") -> "Booting":
        """Machines made both ways, where an environment lives."""
        from repave.operations.booting import Booting, Stand

        stand = Stand(
            machines=self.machines(environment.provider),
            traffic=self.traffic(environment.provider),
            secrets=self.secrets,
            revocations=self.store,
            clock=self.clock,
        )
        return Booting(project=self.project, bakers=self.bakers, stand=stand)

    def destroy(
        self, environment: "Environment", watcher: "Watcher", *, only: str | None = None
    ) -> "tuple[Destroyed, ...]":
        """End an environment, with what the file has no more of it, or one fleet. Raises UnknownName."""
        from repave.operations.destroy import Destroying
        from repave.operations.dropped import with_dropped
        from repave.operations.keys import fleets_of

        project = with_dropped(self.project, environment.name, self.store)

        def converge(fleets: "tuple[FleetKey, ...]", *, watcher: "Watcher") -> "tuple[Settled, ...]":
            return self._converge(project, fleets, watcher)

        destroying = Destroying(
            store=self.store,
            clock=self.clock,
            machines=self.machines(environment.provider),
            traffic=self.traffic(environment.provider),
            converge=converge,
        )
        return destroying.destroy(fleets_of(project, project.environments[environment.name], only=only), watcher)

    def converge(self, fleets: "tuple[FleetKey, ...]", *, watcher: "Watcher") -> "tuple[Settled, ...]":
        """Hand the fleets of one environment to a controller; see ``repave.operations.converge``."""
        return self._converge(self.project, fleets, watcher)

    def _converge(
        self, project: "Project", fleets: "tuple[FleetKey, ...]", watcher: "Watcher"
    ) -> "tuple[Settled, ...]":
        if not fleets:
            return ()
        convergences = self._controller(project, fleets, watcher).converge(fleets)
        return tuple(_settled(convergence) for convergence in convergences)

    def keep(self, environment: "Environment", watcher: "Watcher") -> None:
        """Have a controller look after an environment until Ctrl-C."""
        from repave.operations.keys import fleets_of

        fleets = fleets_of(self.project, environment)
        self._controller(self.project, fleets, watcher).keep(fleets, until=lambda: False)

    def _controller(self, project: "Project", fleets: "tuple[FleetKey, ...]", watcher: "Watcher") -> "Controller":
        from repave.config.policies import fleet_policy
        from repave.controller.converge import Controller
        from repave.controller.holders import this_process
        from repave.controller.ports import Declared, Ports
        from repave.operations.deployable import require_one_kind
        from repave.operations.frontends import frontend

        for key in fleets:
            require_one_kind(project, key, self.store)
        provider = project.environments[fleets[0].environment].provider

        def told(tick: "Tick") -> None:
            if tick.plan is not None and tick.observation is not None:
                watcher(tick.plan, tick.observation)

        return Controller(
            Ports(
                store=self.store,
                machines=self.machines(provider),
                traffic=self.traffic(provider),
                secrets=self.secrets,
                clock=self.clock,
                metrics=self.metrics(provider),
            ),
            Declared(
                policy=lambda key: fleet_policy(project, key.environment, key.fleet),
                frontend=lambda key: frontend(project, key),
            ),
            holder=this_process(),
            on_tick=told,
        )


def _settled(convergence: "Convergence") -> "Settled":
    from repave.model.plan import Phase
    from repave.operations.converge import Settled

    return Settled(
        fleet=convergence.fleet,
        reached=convergence.reached,
        rolled_back=convergence.rolled_back,
        overtaken=convergence.overtaken,
        timed_out=convergence.timed_out,
        paused=convergence.phase is Phase.PAUSED,
        release=convergence.release,
        reason=convergence.reason,
        size=convergence.size,
        serving=convergence.serving,
        endpoint=convergence.endpoint,
    )
