"""The file, its schema and its migrations, and what is said when the store cannot be used."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from traceback import format_exception

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from peers.postgresql import Server
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from repave.model.event import Event
from repave.model.names import Digest, EnvironmentName, FleetKey, FleetName, ProjectName, ReleaseNumber, RevisionId
from repave.model.revocation import Revocation, RevokedKind
from repave.ports.errors import Corrupt, Denied, Invalid, Unreachable, WorldError
from repave.ports.intent import Aim
from repave.store import schema
from repave.store.errors import answered
from repave.store.sql import SqlStore
from repave.store.upgrade import FOLDER

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FLEET = FleetKey(project=ProjectName("shop"), environment=EnvironmentName("test"), fleet=FleetName("web"))

OLD_REVISION = """
INSERT INTO revisions (fleet, id, position, document) VALUES ('shop/test/web', 'abc', 1, '{"release":1,"image":"web",
"artifact":"sha256:1","port":80,"a_field_long_gone":true}')
"""
"""As the first version would have written it, had it known fewer fields and one more."""


OLD_LIFETIME = """
INSERT INTO lifetimes (fleet, instance, slot, revision, release, zone, first_seen, last_seen, gone_at) VALUES
('shop/test/web', '{name}', '{name}', 'abc', 1, 'a', '2026-03-01 12:00:00.000000', '2026-03-02 12:00:00.000000', {gone})
"""


def url(file: Path) -> str:
    """The address of a store in a file."""
    return f"sqlite:///{file}"


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """The folder is made when it is missing; the files SQLite puts beside it are as closed."""
    file = tmp_path / "project" / ".repave" / "store.db"
    store = SqlStore(url(file))
    store.aim(FLEET, Aim(revision=RevisionId("r"), release=ReleaseNumber(1), size=1, reason=""), NOW)
    modes = {each.name: each.stat().st_mode & 0o777 for each in file.parent.iterdir()}
    store.close()
    assert modes.pop("store.db") == 0o600
    assert set(modes.values()) == {0o600}
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_migrations_make_the_schema_the_code_expects(empty_url: str) -> None:
    """From an empty database through every migration to the tables of schema.py."""
    SqlStore(empty_url).close()
    engine = create_engine(empty_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, schema.metadata)
        found = context.get_current_revision()
    engine.dispose()
    assert differences == []
    assert found == schema.REVISION


def test_revisions_of_the_first_schema_can_be_revoked(empty_url: str) -> None:
    """The migration looks up the artifact of each."""
    engine = create_engine(empty_url)
    configuration = Config()
    configuration.set_main_option("script_location", str(FOLDER))
    with engine.begin() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0001")
        connection.execute(text(OLD_REVISION.replace(":", "\\:")))
    engine.dispose()
    store = SqlStore(empty_url)
    artifacts = (Digest("sha256:1"),)
    store.revoke(Revocation(kind=RevokedKind.ARTIFACT, subject="1", reason="bad", at=NOW, artifacts=artifacts))
    revoked = store.revoked(FLEET, RevisionId("abc"))
    store.close()
    assert revoked is not None


def test_what_was_kept_before_it_was_indexed_is_found(empty_url: str) -> None:
    """The migration reads what locks hold, and counts who is gone."""
    engine = create_engine(empty_url)
    configuration = Config()
    configuration.set_main_option("script_location", str(FOLDER))
    with engine.begin() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0015")
        package = {"ecosystem": "deb", "name": "libssl3", "version": "3-1", "source": "openssl", "sha256": "a" * 64}
        file = {"target": "/srv/app.py", "sha256": "b" * 64}
        locks = text("INSERT INTO locks (digest, position, at, document) VALUES ('sha256:1', 1, :at, :document)")
        document = json.dumps({"images": [], "packages": [package], "files": [file]})
        connection.execute(locks, {"at": "2026-03-01 12:00:00.000000", "document": document})
        for name, gone in (("i-1", "'2026-03-02 12:00:00.000000'"), ("i-2", "NULL")):
            connection.execute(text(OLD_LIFETIME.format(name=name, gone=gone).replace(":00", "\\:00")))
    engine.dispose()
    store = SqlStore(empty_url)
    assert store.locks_holding("openssl") == (Digest("sha256:1"),)
    assert store.files_held("b" * 64) == {Digest("sha256:1"): ("/srv/app.py",)}
    (over,) = store.departed({ReleaseNumber(1)})
    assert (over.fleet.environment, over.instances, over.gone_at.day) == ("test", 1, 2)
    assert [one.instance for one in store.alive({ReleaseNumber(1)})] == ["i-2"]
    store.close()


def test_opening_a_current_store_loads_no_migrations(tmp_path: Path) -> None:
    """They take longer to load than a status may take."""
    SqlStore(url(tmp_path / "store.db")).close()
    program = (
        "import sys; from repave.store.sql import SqlStore; SqlStore(sys.argv[1]).close(); "
        "print([name for name in ('alembic', 'pydantic') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, url(tmp_path / "store.db")], check=True, capture_output=True, text=True
    )
    assert ran.stdout.strip() == "[]"


def test_what_an_older_version_wrote_is_read(tmp_path: Path) -> None:
    """Missing fields take their defaults, those the model has no more are passed over."""
    store = SqlStore(url(tmp_path / "store.db"))
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection, connection:
        connection.execute(OLD_REVISION)
    revision = store.revision(FLEET, RevisionId("abc"))
    store.close()
    assert (revision.port, revision.artifact, revision.configuration) == (80, Digest("sha256:1"), ())


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """Nobody guesses what a newer version meant."""
    SqlStore(url(tmp_path / "store.db")).close()
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Invalid, match="written by a newer repave") as refused:
        SqlStore(url(tmp_path / "store.db"))
    assert "newer repave" in refused.value.hint


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """And left as it is."""
    file = tmp_path / "store.db"
    file.write_bytes(b"not a database at all, but long enough to look at" * 100)
    before = file.read_bytes()
    with pytest.raises(Corrupt, match=r"store\.db cannot be used") as refused:
        SqlStore(url(file))
    assert "backup" in refused.value.hint
    assert file.read_bytes() == before


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    """Pages overwritten in the middle."""
    file = tmp_path / "store.db"
    store = SqlStore(url(file))
    store.aim(FLEET, Aim(revision=RevisionId("r"), release=ReleaseNumber(1), size=1, reason=""), NOW)
    store.close()
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises(Corrupt, match=r"store\.db cannot be used"):
        SqlStore(url(file)).fleets()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(Denied, match="cannot be used") as refused:
        SqlStore(url(tmp_path / "taken" / "store.db"))
    assert "write access" in refused.value.hint


def test_a_full_disk_is_said_and_nothing_is_half_written(tmp_path: Path) -> None:
    """The database may not grow by another page."""
    file = tmp_path / "store.db"
    store = SqlStore(url(file))
    aimed = Aim(revision=RevisionId("r"), release=ReleaseNumber(1), size=1, reason="")
    before = store.aim(FLEET, aimed, NOW)
    with store._database.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    huge = Aim(revision=RevisionId("r"), release=ReleaseNumber(2), size=2, reason="x" * 1_000_000)
    with pytest.raises(WorldError, match="disk is full") as refused:
        store.aim(FLEET, huge, NOW)
    after = store.target(FLEET)
    store.close()
    assert "free some space" in refused.value.hint
    assert after == before


def test_a_disk_without_room_for_the_shared_index_is_said_to_be_full() -> None:
    """SQLite calls it an error of the disk: whoever reads that looks for a broken one."""
    with pytest.raises(WorldError, match="its disk failed, or is full") as refused, answered("store.db"):
        raise OperationalError("PRAGMA", None, sqlite3.OperationalError("disk I/O error"))
    assert "the room on it" in refused.value.hint


@pytest.mark.parametrize("address", ["nonsense", "nonsense s3cret", "nonsense://user:s3cret@host/name"])
def test_an_address_nobody_understands_is_refused(address: str) -> None:
    """With examples of those that work, and without what may be a password."""
    with pytest.raises(Invalid) as refused:
        SqlStore(address)
    assert "sqlite:///" in refused.value.hint
    assert "postgresql://" in refused.value.hint
    assert "s3cret" not in str(refused.value)


@pytest.mark.real
def test_a_server_that_does_not_answer_is_named_without_the_password(tmp_path: Path) -> None:
    """Wherever in the address it stands."""
    for address in (
        f"postgresql://shop:s3cret@/repave?host={tmp_path}",
        f"postgresql:///repave?host={tmp_path}&user=shop&password=s3cret",
    ):
        with pytest.raises(Unreachable, match="its server does not answer") as refused:
            SqlStore(address)
        assert "is its server running" in refused.value.hint
        assert "s3cret" not in "".join(format_exception(refused.value))


@pytest.mark.real
def test_a_database_that_is_not_there_or_may_not_be_changed_is_named(server: Server) -> None:
    """With what to do."""
    for address, cause in (
        (server.empty().replace("postgres@/", "nobody@/"), "its user is not there"),
        (server.empty().replace("@/", "@/no"), "its database is not there"),
        (server.empty().replace("postgres@/", "reader@/"), "its user may not do that"),
    ):
        server.say("DROP ROLE IF EXISTS reader")
        server.say("CREATE ROLE reader LOGIN")
        with pytest.raises(Denied, match=cause):
            SqlStore(address)


@pytest.mark.real
def test_a_writer_that_never_ends_is_not_waited_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else writes meanwhile; who only reads is not held up."""
    monkeypatch.setattr("repave.store.database.BUSY_TIMEOUT_SECONDS", 0.2)
    first, second = SqlStore(address := server.prepared()), SqlStore(address)
    with first.together():
        first.record([Event(at=NOW, fleet=FLEET, kind="note", message="one")])
        assert second.events() == ()
        with pytest.raises(Unreachable, match="another process holds it for too long"):
            second.record([Event(at=NOW, fleet=FLEET, kind="note", message="two")])
    assert [event.message for event in second.events()] == ["one"]
    first.close()
    second.close()


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(Invalid, match="needs a database driver") as refused:
        SqlStore("postgresql://host/name")
    assert "repave[postgresql]" in refused.value.hint
