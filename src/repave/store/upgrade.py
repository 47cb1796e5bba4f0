"""Migrations, run from inside the program. Imported only when the schema is not the newest: Alembic is slow to load."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from repave.ports.errors import Invalid

FOLDER = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, *, found: str | None, where: str) -> None:
    """Bring the schema from ``found`` (None: an empty database) to the newest, in the caller's transaction.

    Raises Invalid for a schema that a newer repave made.
    """
    configuration = Config()
    configuration.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(configuration).walk_revisions()}
    if found is not None and found not in known:
        raise Invalid(
            f"the store at {where} was written by a newer repave (schema {found})",
            hint="run the newer repave, or restore the backup that was made before it",
        )
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "head")
