"""Who runs this process, as the system knows them."""

import os
import pwd
import socket


def this_account() -> str:
    """``name@host``, which stands in the record beside what a person did; the number of one without a name."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = str(os.geteuid())
    return f"{name}@{socket.gethostname()}"
