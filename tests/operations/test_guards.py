"""What must not go into an image stops, is told by place and kind, and is never shown."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_shop import FILE, Shop

from repave.model.artifact import Artifact, ArtifactLayer
from repave.model.guards import Action, Allowed, Exposed, Guard, Guards
from repave.model.lock import Layer
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, Image, ImageKind
from repave.operations.guards.judging import Guarded, judge_artifact, stop_at
from repave.operations.guards.secret_patterns import secrets_in

RANDOM = "q7Zp2Lx9" + "Vb4Kt8Wn3Rf6Yd1Hs5Gj0"
"""Put together here, so that no scanner takes this file for a leak."""

TOKENS = {
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "MIIEpAIB" * 8,
    "AWS access key": "AKIA" + "QZ7XK2M4PL9W8RTV",
    "AWS secret key": "aws_secret_access_key = " + "a8Zk" * 10,
    "Google API key": "AIza" + "Sy0aB1cD2" * 3 + "eF3gH4iJ",
    "Azure storage key": "AccountKey=" + "aB3d" * 21 + "xY==",
    "GitHub token": "ghp_" + "a1B2" * 9,
    "GitLab token": "glpat-" + "a1B2c3D4e5F6g7H8i9J0",
    "Slack token": "xoxb-" + "123456789012-abcdef",
    "Stripe key": "sk_live_" + "a1B2c3D4e5F6g7H8",
    "npm token": "npm_" + "a1B2" * 9,
    "JSON web token": "eyJhbGciOiJI" + ".eyJzdWIiOiIx." + "c2lnbmF0dXJlb2ZpdA",
    "password in an address": "postgresql://shop:" + "h7g3Kq@db.internal/shop",
    "Google OAuth secret": "GOCSPX-" + "a1B2c3D4" * 3 + "e5F6",
    "PyPI token": "pypi-AgE" + "a1B2c3D4" * 8,
    "Slack webhook": "https://hooks.slack.com/services/T0AB/B0CD/" + "a1B2c3D4" * 3,
    "random value of a secret's name": f'API_TOKEN = "{RANDOM}"',
}
IMAGE = Image(
    name=ImageName("web"),
    kind=ImageKind.CONTAINER,
    base=Base(distribution="debian", release="bookworm", suites=("bookworm",)),
)


@pytest.mark.parametrize("kind", TOKENS)
def test_each_kind_of_secret_is_found_on_its_line_and_not_shown(kind: str) -> None:
    """Kind and line; of what an issuer prefixed, the first four characters."""
    text = f"# settings\n\n{TOKENS[kind]}\nDEBUG = True\n"
    found = list(secrets_in("app/settings.py", text.encode()))
    assert [(one.line, one.kind) for one in found] == [(3, kind)]
    assert found[0].masked in ("", f"{TOKENS[kind][:4]}***")


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("app/.env", "\nDEBUG=1\n", "environment file"),
        ("app/.env.production", "A=1", "environment file"),
        ("keys/id_ed25519", "anything", "private key file"),
        (".npmrc", "//registry.npmjs.org/:_authToken=abc", "npm credentials"),
        (".pypirc", "[pypi]\npassword = x", "PyPI credentials"),
        (".netrc", "machine a login b password c", "netrc credentials"),
        ("deploy.yaml", "kind: Config\nusers:\n- user:\n    token: abcdefghijklmnopqrst", "kubeconfig credentials"),
        ("store.p12", "x", "key store"),
    ],
)
def test_files_that_are_secrets_by_name_are_found(name: str, content: str, kind: str) -> None:
    """Where they hold what makes them one."""
    assert [one.kind for one in secrets_in(name, content.encode())] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        f"SECRET_KEY = 'g7#k2$w(9x_e+{RANDOM}'",
        f"api-key: {RANDOM}",
        f'"clientSecret": "{RANDOM}"',
        f"export SHOP_PASSWORD={RANDOM}",
        'KEY = "-----BEGIN PRIVATE ' + "KEY-----\\n" + "MIIEpAIB" * 8 + '"',
    ],
)
def test_a_secret_is_found_however_it_is_written(text: str) -> None:
    """In Python, YAML, JSON, shell; a key within a text of one line."""
    assert len(list(secrets_in("a", text.encode()))) == 1


@pytest.mark.parametrize(
    "unit", ["eyJ-", "://a:", "secret=", "-----BEGIN A ", "gh", "\n", "key='", "kind: config\n  token: "]
)
def test_no_content_makes_the_search_slow(unit: str) -> None:
    """What repeats the beginning of a secret costs in proportion to its size: 0.25 MB below half a second of CPU."""
    began = time.process_time()
    list(secrets_in("a", (unit * (250_000 // len(unit))).encode()))
    assert time.process_time() - began < 0.5


def test_a_key_store_is_known_by_its_first_bytes() -> None:
    """Whatever it is called."""
    found = list(secrets_in("data.bin", b"\x30\x82\x09\x71\x02\x01\x03\x30\x82\x09\x37"))
    assert [one.kind for one in found] == ["PKCS#12 key store"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("app/.env.example", "PASSWORD=changeme"),
        (".npmrc", "//registry.npmjs.org/:_authToken=${NPM_TOKEN}"),
        ("keys/id_ed25519.pub", "ssh-ed25519 AAAA"),
        ("app.py", "password = os.environ['DATABASE_PASSWORD_OF_THE_SHOP']"),
        ("app.py", "token = request.headers.get('authorization_of_the_user')"),
        ("app.py", "secret_name = 'the_name_of_a_secret_that_is_kept_elsewhere'"),
        ("app.py", "url = 'postgresql://user:${PASSWORD}@db/shop'"),
        ("app.py", "url = 'postgresql://user:password@localhost/shop'"),
        ("app.py", "url = 'postgresql://shop:" + "h7g3Kq@localhost/shop'"),
        ("app.py", "url = 'amqp://guest:guest@rabbitmq//'"),
        ("app.py", "if text.startswith('-----BEGIN PRIVATE " + "KEY-----'): load(text.encode(), None)"),
        ("app.py", "token = settings_v2_production_secret_1"),
        ("app.py", "SECRET_KEY = 'django-insecure-" + RANDOM + "'"),
        ("users.json", '"password": "pbkdf2_sha256$600000$' + RANDOM + '"'),
        ("app.py", "token_id = '123e4567-e89b-12d3-a456-426614174000'"),
        ("app.py", r"passwd = 'root:x:0:0::/root:/bin/sh\nwww-data:x:33:34::/srv:/bin/sh\n'"),
        ("docs.md", "AKIAIOSFODNN7" + "EXAMPLE"),
        ("index.html", "<a href='https://example.org:8080/a@b'>"),
    ],
)
def test_what_only_resembles_one_is_left_alone(name: str, content: str) -> None:
    """Names, placeholders, public halves, documented examples."""
    assert list(secrets_in(name, content.encode())) == []


@given(content=st.binary(max_size=300), name=st.sampled_from(["a.py", ".env", ".npmrc", "a.p12"]))
def test_any_bytes_can_be_searched(content: bytes, name: str) -> None:
    """No content breaks the search, and every line named is one of the file."""
    for found in secrets_in(name, content):
        assert 0 <= found.line <= content.count(b"\n") + 1


def shop_with(folder: Path, guards: str = "") -> Shop:
    """A shop whose application holds a token."""
    shop = Shop(folder, FILE.replace("    run: python3 app.py\n", f"    run: python3 app.py\n{guards}"))
    (folder / "app" / "deep").mkdir()
    (folder / "app" / "deep" / "s.py").write_text(f"\nKEY = '{TOKENS['GitHub token']}'\n", encoding="utf-8")
    return shop


def test_a_secret_stops_the_lock_before_anything_is_written(tmp_path: Path) -> None:
    """The file and line are named, the secret is not."""
    shop = shop_with(tmp_path)
    try:
        with pytest.raises(Guarded, match=r"app/deep/s\.py:2: GitHub token ghp_\*\*\*") as caught:
            shop.lock()
    finally:
        shop.close()
    assert TOKENS["GitHub token"] not in caught.value.message
    assert not (tmp_path / "repave.lock").exists()


@pytest.mark.parametrize(
    ("guards", "action"),
    [
        ("    guards: {allow: [{path: app/deep/, reason: a fixture}]}\n", Action.ALLOW),
        ("    guards: {allow: [{path: app/deep/s.py, reason: a fixture}]}\n", Action.ALLOW),
        ("    guards: {secrets: report}\n", Action.REPORT),
    ],
)
def test_what_the_file_allows_is_told_with_its_reason(tmp_path: Path, guards: str, action: Action) -> None:
    """Lock and bake go on, and both say what they saw."""
    shop = shop_with(tmp_path, guards)
    try:
        shop.lock()
        judged = shop.bake().judged[ImageName("web")]
    finally:
        shop.close()
    assert [(one.sight.path, one.sight.line, one.action) for one in judged] == [("app/deep/s.py", 2, action)]
    assert judged[0].reason


def guarded(guards: Guards) -> Image:
    """The image, with these."""
    return Image(name=IMAGE.name, kind=IMAGE.kind, base=IMAGE.base, guards=guards)


def artifact(*exposed: Exposed) -> Artifact:
    """One layer with these."""
    digest = Digest("sha256:" + "0" * 64)
    made = ArtifactLayer(layer=Layer.BASE, digest=digest, size_bytes=1, inputs=digest, cached=False, exposed=exposed)
    return Artifact(image=IMAGE.name, kind=IMAGE.kind, digest=digest, size_bytes=1, layers=(made,))


SU = Exposed(path="/usr/bin/su", mode=0o4755, owner=0)
OPEN = Exposed(path="/srv/open", mode=0o777, owner=0)


def test_permission_bits_are_reported_and_stop_nothing() -> None:
    """Every base has some."""
    judged = judge_artifact(IMAGE, artifact(SU, OPEN))
    assert [(one.sight.guard, one.action) for one in judged] == [
        (Guard.SETUID, Action.REPORT),
        (Guard.WRITABLE, Action.REPORT),
    ]
    stop_at({IMAGE.name: judged})


def test_they_stop_where_the_file_says_so_unless_they_are_allowed() -> None:
    """Every place is named."""
    made = artifact(SU, OPEN)
    strict = guarded(Guards(setuid=Action.STOP, writable=Action.STOP))
    with pytest.raises(Guarded, match=r"(?s)/usr/bin/su: runs as its owner.*/srv/open: anyone may write it"):
        stop_at({IMAGE.name: judge_artifact(strict, made)})
    allow = (Allowed(path="/usr/bin/su", reason="needed to log in"),)
    judged = judge_artifact(guarded(Guards(setuid=Action.STOP, allow=allow)), made)
    assert [one.action for one in judged] == [Action.ALLOW, Action.REPORT]
    stop_at({IMAGE.name: judged})
