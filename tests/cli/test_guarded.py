"""What the guards saw, as a person and as a machine read it."""

import pytest

from repave.cli import guarded
from repave.cli.screen import Screen
from repave.model.guards import Action, Guard, Judged, Sight
from repave.model.names import ImageName


def seen(guard: Guard, path: str, line: int, action: Action, reason: str) -> Judged:
    """One of them."""
    return Judged(sight=Sight(guard=guard, path=path, line=line, what="a thing"), action=action, reason=reason)


JUDGED = {
    ImageName("web"): (
        seen(Guard.SECRETS, "app/a.py", 3, Action.REPORT, "`guards: {secrets: report}`"),
        seen(Guard.SECRETS, "app/b.py", 4, Action.ALLOW, "a fixture"),
        seen(Guard.SETUID, "/usr/bin/su", 0, Action.REPORT, "`guards: {setuid: report}`"),
        seen(Guard.SETUID, "/usr/bin/mount", 0, Action.REPORT, "`guards: {setuid: report}`"),
    )
}


def test_people_read_secrets_by_line_and_permission_bits_by_number(capsys: pytest.CaptureFixture[str]) -> None:
    """What is allowed comes with its reason."""
    guarded.show(JUDGED, Screen(as_json=False))
    assert capsys.readouterr().err.splitlines() == [
        "warning: image web: app/a.py:3: a thing",
        "image web: app/b.py:4: a thing: allowed, a fixture",
        "image web: 2 paths with set-uid or set-gid; `--json` names them",
    ]


def test_machines_read_all_of_it() -> None:
    """An entry for each place."""
    entries = guarded.document(JUDGED)
    assert [entry["path"] for entry in entries] == ["app/a.py", "app/b.py", "/usr/bin/su", "/usr/bin/mount"]
    assert entries[1] == {
        "image": "web",
        "guard": "secrets",
        "path": "app/b.py",
        "line": 4,
        "what": "a thing",
        "action": "allow",
        "reason": "a fixture",
    }
