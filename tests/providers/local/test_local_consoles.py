"""What an instance on this machine says, to its end and after it."""

from itertools import islice

import pytest
from local_desk import WEB, Desk

from repave.ports.errors import Gone

pytestmark = pytest.mark.real


def test_a_polite_end_lets_the_application_finish(desk: Desk) -> None:
    """A process that handles SIGTERM gets it; what it says then is kept."""
    script = "trap 'echo goodbye; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
    instance = desk.launch(desk.order(command=("/bin/sh", "-c", script)))
    desk.until(lambda: "ready" in desk.said(instance))
    desk.provider.terminate(WEB, instance.id, generation=1)
    assert desk.said(instance) == ["ready", "goodbye"]


def test_a_followed_console_ends_with_its_instance(desk: Desk) -> None:
    """Following shows what is there, then what comes, and stops by itself."""
    instance = desk.launch(desk.order(command=("/bin/sh", "-c", "echo one; sleep 0.3; echo two")))
    assert list(islice(desk.provider.console(WEB, instance.id, follow=True), 9)) == ["one", "two"]


def test_a_console_is_bounded_and_keeps_the_newest(desk: Desk) -> None:
    """Beyond 8 MiB of disk the oldest part is given back; the newest lines stay whole."""
    script = "yes 0123456789abcdef | head -n 600000; echo last; exec sleep 1000"
    instance = desk.launch(
        desk.order(
            command=("/bin/busybox", "sh", "-c", script.replace("yes", "busybox yes").replace("head", "busybox head"))
        )
    )
    path = next(desk.surroundings.folder.glob(f"fleets/*/*/*/consoles/{instance.id}.log"))
    desk.until(lambda: path.stat().st_size > 600000 * 17)
    desk.seen()
    assert path.stat().st_blocks * 512 <= 8 * 1024 * 1024
    lines = desk.said(instance)
    assert lines[-1] == "last"
    assert set(lines[:-1]) == {"0123456789abcdef"}
    assert len(lines) > 200000


def test_consoles_of_the_ended_are_kept_up_to_a_number(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest output goes first, and is then answered with Gone."""
    monkeypatch.setattr("repave.providers.local.consoles.CONSOLES_KEPT", 2)
    instances = [desk.launch(desk.order(slot=f"web-{number}")) for number in (1, 2, 3, 4)]
    for instance in instances[:3]:
        desk.provider.terminate(WEB, instance.id, generation=1)
    assert [kept[0] for kept in desk.provider.kept_consoles(WEB)] == [one.id for one in instances[1:]]
    with pytest.raises(Gone):
        desk.provider.console(WEB, instances[0].id)
