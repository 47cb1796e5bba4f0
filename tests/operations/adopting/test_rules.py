"""What becomes of a file by its path, and what is taken for a secret by what it says."""

import pytest

from repave.operations.adopting.findings import Fate
from repave.operations.adopting.rules import Rules
from repave.operations.adopting.secrecy import secret_in, tells_secret


@pytest.mark.parametrize(
    ("path", "fate"),
    [
        ("/etc/nginx/sites-enabled/shop", Fate.TAKEN),
        ("/srv/shop/app.py", Fate.TAKEN),
        ("/usr/local/bin/tool", Fate.TAKEN),
        ("/etc/passwd", Fate.AGAIN),
        ("/etc/ssl/certs/ca-certificates.crt", Fate.AGAIN),
        ("/var/log/nginx/access.log", Fate.AGAIN),
        ("/srv/shop/__pycache__/app.pyc", Fate.AGAIN),
        ("/srv/shop/.git/config", Fate.AGAIN),
        ("/var/lib/mysql/ibdata1", Fate.STATE),
        ("/srv/shop/uploads/cat.png", Fate.STATE),
        ("/srv/shop/shop.sqlite3", Fate.STATE),
        ("/home/anna/notes.txt", Fate.STATE),
        ("/etc/ssl/private/site.key", Fate.SECRET),
        ("/srv/shop/tls/server.key", Fate.SECRET),
        ("/root/.ssh/id_ed25519", Fate.SECRET),
        ("/etc/letsencrypt/live/x/privkey.pem", Fate.SECRET),
        ("/data/big.bin", Fate.OPEN),
    ],
)
def test_a_path_says_what_a_file_is(path: str, fate: Fate) -> None:
    """Each kind by an example of it."""
    assert Rules().of(path) is fate


def test_the_most_exact_word_of_a_person_counts() -> None:
    """A folder may be taken and one below it be state; what is no part of the path's name is not meant."""
    rules = Rules(state=("/data/cache",), take=("/data",))
    assert [rules.of(path) for path in ("/data/a", "/data/cache/a", "/database")] == [Fate.TAKEN, Fate.STATE, Fate.OPEN]
    assert Rules(take=("/root",)).of("/root/.ssh/id_rsa") is Fate.SECRET


@pytest.mark.parametrize(
    ("place", "content", "secret"),
    [
        ("/etc/shop.conf", b"[db]\nuser = shop\npassword = hunter2\n", True),
        ("/etc/systemd/system/a.service", b"[Service]\nEnvironment=API_TOKEN=abc123\n", True),
        ("/opt/shop/settings.json", b'{"api_key": "abcdef"}', True),
        ("/etc/shop.conf", b"# password = hunter2\npassword = $DB_PASSWORD\n", False),
        ("/etc/nginx/nginx.conf", b"proxy_set_header X-Token $token;\n", False),
        ("/srv/shop/app.py", b"def check(password: str = None): ...\n", False),
    ],
)
def test_a_value_beside_a_secrets_name_stays_where_it_is(place: str, content: bytes, *, secret: bool) -> None:
    """However plain it is; a reference, a comment and code are none."""
    assert (secret_in(place, content) is not None) is secret


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("run: backup --password=hunter2", True),
        ("run: backup --db-password hunter2", True),
        ("run: serve --token-file /run/token", False),
        ("run: gunicorn --bind 0.0.0.0:80 app:app", False),
    ],
)
def test_a_command_may_tell_a_secret(line: str, *, secret: bool) -> None:
    """What gives a value is withheld, what names a file is not."""
    assert tells_secret(line) is secret
