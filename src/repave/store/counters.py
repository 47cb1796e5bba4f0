"""Numbers that count up in the order of commits."""

from sqlalchemy import Connection, select, update

from repave.store.schema import counters


def draw(connection: Connection, name: str, amount: int = 1) -> int:
    """The first of the next ``amount`` numbers, from 1; others who draw from the same counter wait for our commit."""
    last = connection.execute(
        update(counters)
        .where(counters.c.name == name)
        .values(value=counters.c.value + amount)
        .returning(counters.c.value)
    ).scalar_one()
    return int(last) - amount + 1


def drawn(connection: Connection, name: str) -> int:
    """The last number that was drawn; 0 before the first."""
    return int(connection.execute(select(counters.c.value).where(counters.c.name == name)).scalar_one())


def hold(connection: Connection, name: str) -> None:
    """Let others who draw from this counter wait for our commit, so that what is read next stays true till then."""
    connection.execute(select(counters.c.value).where(counters.c.name == name).with_for_update()).scalar_one()
