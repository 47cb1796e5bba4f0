"""The rules of a provider of machines, as `repave.ports.provider` numbers them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

from repave.model.artifact import Artifact
from repave.model.names import Digest, FleetKey, InstanceId, SlotId, ZoneName
from repave.model.observation import Instance, MachineState
from repave.model.release import Revision
from repave.ports.clock import Clock
from repave.ports.errors import Conflict, Gone, Invalid
from repave.ports.progress import Silent
from repave.ports.provider import Finishing, LaunchOrder, Machines, MemoryWanted, Serving, WarmStarts
from repave.simulation.contract.requirement import eventually, refusal, require

SECRET = "do-not-keep-this"  # noqa: S105 - it only has to be recognised where it must not appear


@dataclass(frozen=True, kw_only=True)
class ProviderSubject:
    """One provider under test, with what the rules need around it. Make one for each test: its fleets are empty."""

    provider: Machines
    clock: Clock
    fleet: FleetKey
    other: FleetKey
    """A second fleet, of another name."""

    zones: tuple[ZoneName, ...]
    """At least one."""

    artifact: Artifact
    """Can be published here; the provider may hold it already."""

    revision: Revision
    """Runs the artifact, starts well, and goes on until it is ended."""

    spoken: str
    """Part of a line that the revision writes to its console soon after it started."""

    crash: Callable[[Instance], None]
    """Ends the instance's process behind the provider's back."""

    reopen: Callable[[], Machines]
    """The same provider as another process would see it: nothing but what was kept."""

    patience_seconds: float = 30.0
    """How long the world may take for any one thing."""

    def order(self, number: int = 1, *, generation: int = 1, fleet: FleetKey | None = None) -> LaunchOrder:
        """The order for the slot of this number, spread over the zones."""
        whose = fleet or self.fleet
        return LaunchOrder(
            fleet=whose,
            slot=SlotId(f"{whose.fleet}-{number}"),
            zone=self.zones[number % len(self.zones)],
            revision=self.revision,
            generation=generation,
            secrets={"CONTRACT_SECRET": SECRET},
        )

    def launch(self, number: int = 1, *, generation: int = 1, fleet: FleetKey | None = None) -> InstanceId:
        """Publish, then launch."""
        self.provider.publish(self.artifact, progress=Silent())
        return self.provider.launch(self.order(number, generation=generation, fleet=fleet))

    def listed(self, fleet: FleetKey | None = None) -> dict[InstanceId, Instance]:
        """Every instance the provider lists now, by its id."""
        seen = self.provider.observe(fleet or self.fleet)
        require(not seen.incomplete, f"the list is complete; the provider says: {seen.incomplete}")
        identities = [instance.id for instance in seen.instances]
        require(len(identities) == len(set(identities)), f"no instance is listed twice: {identities}")
        return {instance.id: instance for instance in seen.instances}

    def await_state(self, instance: InstanceId, state: MachineState) -> Instance:
        """Wait until the instance is listed in this state."""

        def reached() -> bool:
            listed = self.listed().get(instance)
            return listed is not None and listed.state is state

        eventually(self.clock, self.patience_seconds, reached, f"{instance} becomes {state}")
        return self.listed()[instance]


class ProviderContract:
    """Rules of `Machines`; the numbers are those of the port."""

    def test_describe_tries_and_tells(self, subject: ProviderSubject) -> None:
        """Whatever a provider needs is tried, and named with what to do where it does not work."""
        description = subject.provider.describe()
        require(description.name == subject.provider.name, "a provider is described under its own name")
        require("machines" in description.abilities, "a provider of machines says so")
        for proof in description.proofs:
            require(proof.detail, f"the proof `{proof.name}` says what was tried")
            require(proof.works or proof.hint, f"the proof `{proof.name}` fails and says what to do")

    def test_rule_1_launching_again_starts_nothing_more(self, subject: ProviderSubject) -> None:
        """Rule 1: the slot is the client token, for this process and the next."""
        first = subject.launch()
        require(subject.provider.launch(subject.order()) == first, "the same slot again answers the same instance")
        require(subject.reopen().launch(subject.order()) == first, "so it does after a crash of repave")
        require(list(subject.listed()) == [first], "one slot has one instance")

    def test_who_is_told_of_its_place_is_told_the_truth(self, subject: ProviderSubject) -> None:
        """Where an instance is said to answer, before it has started, there it answers."""
        told: list[tuple[InstanceId, str | None, int]] = []
        subject.provider.publish(subject.artifact, progress=Silent())
        instance = subject.provider.launch(subject.order(), placed=lambda *place: told.append(place))
        seen = subject.await_state(instance, MachineState.RUNNING)
        require(told in ([], [(seen.id, seen.address, seen.port)]), f"what was told is what is listed: {told}")

    def test_rule_1_a_stopped_slot_is_not_started_again(self, subject: ProviderSubject) -> None:
        """Rule 1: an instance whose process ended keeps its slot until it is terminated."""
        instance = subject.launch()
        subject.crash(subject.await_state(instance, MachineState.RUNNING))
        subject.await_state(instance, MachineState.STOPPED)
        require(subject.provider.launch(subject.order()) == instance, "the same slot answers the stopped instance")
        require(subject.listed()[instance].state is MachineState.STOPPED, "and does not start it again")

    def test_rule_1_terminating_again_is_no_error(self, subject: ProviderSubject) -> None:
        """Rules 1 and 2: what is gone is success where a removal was asked."""
        instance = subject.launch()
        for provider in (subject.provider, subject.provider, subject.reopen()):
            provider.terminate(subject.fleet, instance, generation=1)
        require(not subject.listed(), "a terminated instance is not listed")
        subject.provider.terminate(subject.fleet, InstanceId("never-was"), generation=1)

    def test_rule_1_publishing_again_changes_nothing(self, subject: ProviderSubject) -> None:
        """Rule 1: an artifact is published once, however often it is asked."""
        subject.provider.publish(subject.artifact, progress=Silent())
        subject.provider.publish(subject.artifact, progress=Silent())
        require(subject.artifact.digest in subject.provider.published(), "a published artifact can be started")
        require(subject.artifact.digest in subject.reopen().published(), "also after a crash of repave")

    def test_rule_2_a_terminated_slot_answers_gone(self, subject: ProviderSubject) -> None:
        """Rule 2: a slot is given out once; an order for a terminated one starts nothing."""
        subject.provider.terminate(subject.fleet, subject.launch(), generation=1)
        refusal(Gone, lambda: subject.provider.launch(subject.order()), "a terminated slot is refused")
        refusal(Gone, lambda: subject.reopen().launch(subject.order()), "also after a crash of repave")
        require(not subject.listed(), "nothing was started")

    def test_rule_2_an_unknown_console_answers_gone(self, subject: ProviderSubject) -> None:
        """Rule 2: what never was has no output."""
        never_was = InstanceId("never-was")
        refusal(Gone, lambda: list(subject.provider.console(subject.fleet, never_was)), "an unknown one is refused")

    def test_rule_3_the_list_is_complete_and_true(self, subject: ProviderSubject) -> None:
        """Rule 3: every instance, with the tags it was launched with."""
        before = subject.clock.now()
        launched = {subject.launch(number): subject.order(number) for number in (1, 2, 3)}
        require(set(subject.listed()) == set(launched), "each launched instance is listed at once, and no other")
        for identity, order in launched.items():
            seen = subject.await_state(identity, MachineState.RUNNING)
            require(seen.slot == order.slot and seen.zone == order.zone, f"{identity} bears its slot and zone")
            require(seen.revision == order.revision.id, f"{identity} bears its revision")
            require(seen.release == order.revision.release, f"{identity} bears its release")
            require(seen.port == order.revision.port, f"{identity} listens where its revision says")
            require(seen.address, f"{identity} runs and has an address")
            age = (subject.clock.now() - before).total_seconds()
            require(-1 <= (seen.started_at - before).total_seconds() <= age + 1, f"{identity} tells when it started")
        addresses = {instance.address for instance in subject.listed().values()}
        require(len(addresses) == len(launched), "each has an address of its own")
        reopened = subject.reopen().observe(subject.fleet).instances
        require({instance.id for instance in reopened} == set(launched), "another process sees the same")

    def test_rule_3_an_ended_process_is_listed_as_stopped(self, subject: ProviderSubject) -> None:
        """Rule 3: the dead are listed until they are terminated, with what they died of."""
        instance = subject.launch()
        subject.crash(subject.await_state(instance, MachineState.RUNNING))
        stopped = subject.await_state(instance, MachineState.STOPPED)
        require(stopped.detail, "a stopped instance says what ended it")
        subject.provider.terminate(subject.fleet, instance, generation=1)
        require(not subject.listed(), "a terminated one is not listed any more")

    def test_rule_4_fleets_do_not_see_each_other(self, subject: ProviderSubject) -> None:
        """Rule 4: nothing of another fleet is listed or touched, under whatever name it is asked for."""
        mine, theirs = subject.launch(), subject.launch(fleet=subject.other)
        require(set(subject.listed()) == {mine}, "a fleet lists its own instance")
        require(set(subject.listed(subject.other)) == {theirs}, "and the other fleet the other")
        require({subject.fleet, subject.other} <= set(subject.provider.fleets()), "every fleet with instances is named")
        subject.provider.terminate(subject.other, mine, generation=1)
        require(mine in subject.listed(), "an instance is not ended in the name of another fleet")
        subject.provider.terminate(subject.other, theirs, generation=1)
        require(subject.other not in subject.provider.fleets(), "a fleet without instances is not named")

    def test_rule_5_older_generations_are_refused(self, subject: ProviderSubject) -> None:
        """Rule 5: a controller that was overtaken can neither start nor end anything."""
        instance = subject.launch(1, generation=5)
        for provider in (subject.provider, subject.reopen()):
            refusal(Conflict, lambda p=provider: p.launch(subject.order(2, generation=4)), "an older launch is refused")  # type: ignore[misc] # mypy cannot infer a lambda with a default
            refusal(
                Conflict,
                lambda p=provider: p.terminate(subject.fleet, instance, generation=4),  # type: ignore[misc] # as above
                "an older end is refused",
            )
        require(set(subject.listed()) == {instance}, "nothing was started or ended by an older generation")
        second = subject.provider.launch(subject.order(2, generation=5))
        require(set(subject.listed()) == {instance, second}, "the same generation goes on")

    def test_rule_5_generations_belong_to_one_fleet(self, subject: ProviderSubject) -> None:
        """Rule 5: what another fleet has seen binds nobody else."""
        subject.launch(1, generation=9)
        require(subject.launch(1, generation=1, fleet=subject.other), "another fleet begins at its own generation")

    def test_rule_6_what_can_never_work_is_invalid(self, subject: ProviderSubject) -> None:
        """Rule 6: an artifact that was not published cannot be started, and the answer says so in our own words."""
        subject.provider.publish(subject.artifact, progress=Silent())
        unknown = replace(subject.revision, artifact=Digest("sha256:" + "0" * 64))
        order = replace(subject.order(), revision=unknown)
        refused = refusal(Invalid, lambda: subject.provider.launch(order), "an unknown artifact is refused")
        require(refused.message, "the refusal says what was asked")
        require(not subject.listed(), "nothing half-started is left")

    def test_rule_7_one_slot_from_many_threads_is_one_instance(self, subject: ProviderSubject) -> None:
        """Rule 7: the same order at the same time starts one instance."""
        subject.provider.publish(subject.artifact, progress=Silent())
        with ThreadPoolExecutor(4) as threads:
            answers = set(threads.map(subject.provider.launch, [subject.order()] * 4))
        require(len(answers) == 1, f"one slot, one answer: {sorted(answers)}")
        require(set(subject.listed()) == answers, "one slot, one instance")

    def test_rule_7_many_slots_from_many_threads_are_many_instances(self, subject: ProviderSubject) -> None:
        """Rule 7: different orders at the same time do not disturb each other."""
        subject.provider.publish(subject.artifact, progress=Silent())
        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(subject.provider.launch, [subject.order(number) for number in (1, 2, 3, 4)]))
            require(set(subject.listed()) == set(answers), "every slot has its instance")
            list(
                threads.map(lambda instance: subject.provider.terminate(subject.fleet, instance, generation=1), answers)
            )
        require(not subject.listed(), "and all were ended")

    def test_the_console_is_kept_beyond_the_end(self, subject: ProviderSubject) -> None:
        """What an instance said can be read while it runs and after it is gone."""
        instance = subject.launch()
        subject.await_state(instance, MachineState.RUNNING)

        def spoken() -> bool:
            return any(subject.spoken in line for line in islice(subject.provider.console(subject.fleet, instance), 99))

        eventually(subject.clock, subject.patience_seconds, spoken, f"the console holds `{subject.spoken}`")
        kept = (instance, subject.order().slot, subject.revision.id)
        require(kept in subject.provider.kept_consoles(subject.fleet), "a running instance's console is listed")
        subject.provider.terminate(subject.fleet, instance, generation=1)
        require(spoken(), "the console can be read after the end")
        require(kept in subject.provider.kept_consoles(subject.fleet), "and it is still listed")

    def test_a_secret_is_shown_nowhere(self, subject: ProviderSubject) -> None:
        """Resolved secrets reach the process, and no text that a person or a log may see."""
        subject.launch()
        shown = f"{subject.order()!r} {subject.provider.observe(subject.fleet)!r} {subject.provider.describe()!r}"
        require(SECRET not in shown, "no order, list or description holds a secret's value")

    def test_a_warm_start_is_a_start_like_any_other(self, subject: ProviderSubject) -> None:
        """What is saved for warm starts is no instance, is saved once, and goes with its artifact."""
        provider, digest = subject.provider, subject.artifact.digest
        offered = "warm starts" in provider.describe().abilities
        require(offered == isinstance(provider, WarmStarts), "who offers warm starts says so, and nobody else")
        if isinstance(provider, WarmStarts):
            fleet, environment = subject.fleet.fleet, subject.fleet.environment
            none = MemoryWanted(environment=environment)
            ready = replace(none, ready={fleet: subject.revision.limits})
            provider.publish(subject.artifact, progress=Silent())
            cold = provider.keep_memory(digest, ready, progress=Silent())
            require(bool(cold.get(fleet, "why")), "a fleet that starts cold all the same is told why")
            require(not subject.listed(), "the instance whose memory is saved is none of the fleet's")
            require(subject.fleet not in provider.fleets(), "nor makes it a fleet")
            require(provider.keep_memory(digest, ready, progress=Silent()) == cold, "asked again it is the same")
            serving = replace(none, serving={fleet: Serving(revision=subject.revision, health_path="/")})
            told = provider.keep_memory(digest, serving, progress=Silent())
            require(bool(told.get(fleet, "why")), "so is one that was to serve before")
            require(not subject.listed(), "nor is that one the fleet's")
            require(not provider.keep_memory(digest, none, progress=Silent()), "it need not be kept")
        instance = subject.launch()
        require(list(subject.listed()) == [instance], "what is launched is listed")
        provider.terminate(subject.fleet, instance, generation=1)
        provider.withdraw(digest)
        if isinstance(provider, WarmStarts):
            keep = provider.keep_memory
            refusal(Invalid, lambda: keep(digest, ready, progress=Silent()), "what is gone is not saved")
            refusal(Invalid, lambda: keep(digest, serving, progress=Silent()), "nor is what serves of it")

    def test_one_that_is_asked_to_finish_ends_by_itself(self, subject: ProviderSubject) -> None:
        """Asked to finish, an instance that listens for it ends, and keeps its slot; any other is left as it is."""
        provider, fleet = subject.provider, subject.fleet
        offered = "finishing" in provider.describe().abilities
        require(offered == isinstance(provider, Finishing), "who can let instances finish says so, and nobody else")
        if not isinstance(provider, Finishing):
            return
        instance = subject.launch(generation=5)
        subject.await_state(instance, MachineState.RUNNING)
        refusal(Conflict, lambda: provider.finish(fleet, instance, generation=4), "an older generation asks nobody")
        stranger = InstanceId("never-launched")
        require(not provider.finish(subject.other, instance, generation=1), "nor does another fleet")
        require(not provider.finish(fleet, stranger, generation=5), "an unknown one is going nowhere")
        state = MachineState.STOPPED if provider.finish(fleet, instance, generation=5) else MachineState.RUNNING
        subject.await_state(instance, state)
        stopped = state is MachineState.STOPPED
        require(not (stopped and provider.finish(fleet, instance, generation=5)), "what has ended is going nowhere")
        provider.terminate(fleet, instance, generation=5)
        require(not subject.listed(), "its end frees the slot, as any other's")

    def test_an_artifact_in_use_is_not_withdrawn(self, subject: ProviderSubject) -> None:
        """What runs keeps its artifact; what does not can be withdrawn, again and again."""
        instance = subject.launch()
        digest = subject.artifact.digest
        refusal(Conflict, lambda: subject.provider.withdraw(digest), "withdrawing what runs is refused")
        subject.provider.terminate(subject.fleet, instance, generation=1)
        subject.provider.withdraw(digest)
        subject.provider.withdraw(digest)
        require(digest not in subject.provider.published(), "a withdrawn artifact cannot be started")
        refusal(Invalid, lambda: subject.provider.launch(subject.order(2)), "starting it is refused")
