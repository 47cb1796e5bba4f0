"""Numbers that count up in the order of commits."""

from sqlalchemy import Connection, bindparam, select, update

from repave.store.schema import counters

# Whatever is written down draws from a counter: its questions are put into words once.
_ONE = counters.c.name == bindparam("counter")
_DRAW = update(counters).where(_ONE).values(value=counters.c.value + bindparam("amount")).returning(counters.c.value)
_DRAWN = select(counters.c.value).where(_ONE)
_HOLD = _DRAWN.with_for_update()


def draw(connection: Connection, name: str, amount: int = 1) -> int:
    """The first of the next ``amount`` numbers, from 1; others who draw from the same counter wait for our commit."""
    last = connection.execute(_DRAW, {"counter": name, "amount": amount}).scalar_one()
    return int(last) - amount + 1


def drawn(connection: Connection, name: str) -> int:
    """The last number that was drawn; 0 before the first."""
    return int(connection.execute(_DRAWN, {"counter": name}).scalar_one())


def hold(connection: Connection, name: str) -> None:
    """Let others who draw from this counter wait for our commit, so that what is read next stays true till then."""
    connection.execute(_HOLD, {"counter": name}).scalar_one()
