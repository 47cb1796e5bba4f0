"""What a QEMU that has ended said of its end, pure: the events that it wrote down as it ran.

Source: https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html (SHUTDOWN, ShutdownCause), QEMU 7.2.
"""

import json

GREETING = b'{"execute": "qmp_capabilities"}\n'
"""What a monitor wants to be told before it says anything of events."""

CAUSES = {
    "guest-shutdown": "its guest shut itself down",
    "guest-reset": "its guest restarted itself, which ends a machine here",
    "guest-panic": "its guest's kernel panicked",
    "host-signal": "its QEMU was ended by a signal",
    "host-qmp-quit": "its QEMU was told to quit",
    "host-error": "its QEMU met an error of this machine",
}

CRASHED = "its QEMU ended without a word: it crashed or was killed"


def cause_of_end(said: str) -> str:
    """Why it ended, by the lines it wrote; the first shutdown counts, since what follows is its consequence."""
    for line in said.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # the last line of one that was killed may be cut off
        if isinstance(event, dict) and event.get("event") == "SHUTDOWN":
            reason = str(event.get("data", {}).get("reason", "unknown"))
            return CAUSES.get(reason, f"its QEMU ended ({reason})")
    return CRASHED
