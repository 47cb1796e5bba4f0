"""Connections that visitors keep between their questions."""

from select import POLLIN
from socket import socket

from gevent.monkey import get_original


def is_idle(_: object, connection: socket | None) -> bool:
    """Whether a kept connection is open and silent, asked by its pool.

    The library asks by select(2), which knows no file above 1,023: all later visitors would connect for each question.
    """
    if connection is None or connection.fileno() < 0:
        return False
    poll = get_original("select", "poll")()
    poll.register(connection.fileno(), POLLIN)
    return not poll.poll(0)
