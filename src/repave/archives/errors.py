"""The one error of this room."""

from repave.ports.errors import Corrupt

HINT = "get it anew from where it came; if it stays so, do not use it and tell who made it"


class BadArchive(Corrupt):
    """An archive that is damaged, breaks a rule or passes a limit."""

    def __init__(self, archive: str, cause: str, *, member: str = "") -> None:
        where = f"its member {shown(member)} " if member else "it "
        super().__init__(f"{archive} is refused: {where}{cause}", hint=HINT)
        self.archive = archive
        self.member = member


def shown(name: str) -> str:
    """A name as a message may bear it: quoted, what a terminal would act on escaped, and of bounded length."""
    quoted = ascii(name) if not name.isprintable() else f"'{name}'"
    return quoted if len(quoted) <= SHOWN_CHARACTERS else f"{quoted[:SHOWN_CHARACTERS]}..."


SHOWN_CHARACTERS = 200
