"""The lock as text: stable, strict, reviewable."""

import itertools
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pytest
from chooser import Chooser, choosers
from hypothesis import given
from hypothesis import strategies as st

from repave.config.errors import FileError
from repave.config.lockfile import canonical, dump_lock, load_lock, lock_digest, read_lock
from repave.model.lock import Ecosystem, Layer, Lock, LockedFile, LockedImage, LockedPackage
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, ImageKind

WEB, API = ImageName("web"), ImageName("api")
HASH = "0123456789abcdef" * 4
DIGEST = Digest(f"sha256:{HASH}")
BASE = Base(distribution="debian", release="bookworm", suites=("bookworm", "bookworm-security"))
OPENSSL = LockedPackage(
    ecosystem=Ecosystem.DEB,
    name="openssl",
    version="3.0.20-1~deb12u2",
    sha256=HASH,
    size_bytes=1434640,
    origin="https://deb.debian.org/debian/pool/main/o/openssl/openssl_3.0.20-1~deb12u2_amd64.deb",
    filename="openssl_3.0.20-1~deb12u2_amd64.deb",
    layer=Layer.PLATFORM,
    images=(API, WEB),
    architecture="amd64",
    suite="bookworm",
    source="openssl",
    source_version="3.0.20-1~deb12u2",
)
FLASK = LockedPackage(
    ecosystem=Ecosystem.PYPI,
    name="flask",
    version="3.0.3",
    sha256=HASH,
    size_bytes=101735,
    origin="https://files.pythonhosted.org/packages/flask-3.0.3-py3-none-any.whl",
    filename="flask-3.0.3-py3-none-any.whl",
    layer=Layer.PYTHON,
    images=(WEB,),
)
FILE = LockedFile(target="/srv/app/app.py", sha256=HASH, size_bytes=12, mode=0o644, origin="app/app.py", images=(WEB,))
LOCK = Lock(
    images=(
        LockedImage(name=API, kind=ImageKind.CONTAINER, base=BASE, recipe=DIGEST),
        LockedImage(name=WEB, kind=ImageKind.CONTAINER, base=replace(BASE, mirror="http://m/d"), recipe=DIGEST),
    ),
    packages=(OPENSSL, FLASK),
    files=(FILE,),
)
TEXT = dump_lock(LOCK)


def told(text: str) -> str:
    """What a person is told of ``text``."""
    with pytest.raises(FileError) as caught:
        load_lock(text)
    return str(caught.value)


def test_a_lock_reads_as_a_person_reviews_it() -> None:
    """Name and version first, one key a line."""
    assert TEXT.startswith("# Made by `repave lock` from repave.yaml: review it and commit it, but do not edit it.\n")
    assert (
        '[[package]]\nname = "openssl"\nversion = "3.0.20-1~deb12u2"\necosystem = "deb"\nlayer = "platform"\n' in TEXT
    )
    assert 'images = ["api", "web"]\n' in TEXT
    assert "mode = 0o644\n" in TEXT
    assert TEXT.endswith("\n")
    assert not TEXT.endswith("\n\n")


def test_a_lock_is_what_its_text_says(tmp_path: Path) -> None:
    """Written and read again, it is the same."""
    (tmp_path / "repave.lock").write_text(TEXT, encoding="utf-8")
    assert read_lock(tmp_path) == LOCK
    assert load_lock(TEXT.replace("\n", "\r\n")) == LOCK
    assert lock_digest(LOCK) == lock_digest(TEXT)


def test_one_change_of_version_is_a_small_change_of_the_text() -> None:
    """A diff shows the package that changed, and no other."""
    moved = replace(LOCK, packages=(replace(OPENSSL, version="3.0.22", sha256="f" * 64), FLASK))
    changed = [pair for pair in zip(TEXT.split("\n"), dump_lock(moved).split("\n"), strict=True) if pair[0] != pair[1]]
    assert [line.split(" = ")[0] for line, _ in changed] == ["version", "sha256"]


NAMES = st.text(alphabet="abcxyz0189-+.", min_size=1, max_size=8)
PLAIN = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
SIZES = st.integers(min_value=0, max_value=2**62)
LAYERS = [layer for layer in Layer if layer not in {Layer.BUILD, Layer.MACHINE}]


@dataclass(frozen=True, kw_only=True)
class Words:
    """What entries of a lock are made of, in an order that is chosen."""

    names: list[ImageName]
    texts: list[str]
    sizes: list[int]
    chooser: Chooser

    def text(self) -> str:
        """Something."""
        return self.chooser.of(self.texts)

    def text_or_none(self) -> str:
        """Something or nothing."""
        return self.chooser.of(["", *self.texts])

    def hash(self) -> str:
        """Of anything."""
        return sha256(self.chooser.number(0, 65535).to_bytes(2)).hexdigest()

    def images(self) -> tuple[ImageName, ...]:
        """Some of them, at least one."""
        return tuple(self.chooser.mixed(self.chooser.some(self.names) or self.names))

    def base(self) -> Base:
        """A distribution, or an image of a registry."""
        if self.chooser.of((False, True)):
            return Base(image=self.text(), architecture=self.text())
        return Base(
            distribution=self.text(),
            release=self.text(),
            suites=tuple(self.text() for _ in range(self.chooser.number(1, 2))),
            architecture=self.text(),
            mirror=self.text_or_none() or None,
            keyring=self.text_or_none(),
        )

    def package(self) -> LockedPackage:
        """Of any ecosystem."""
        return LockedPackage(
            ecosystem=self.chooser.of(list(Ecosystem)),
            name=self.text(),
            version=self.text(),
            sha256=self.hash(),
            size_bytes=self.chooser.of(self.sizes),
            origin=f"https://example.org/{self.text()}",
            filename=self.text(),
            layer=self.chooser.of(LAYERS),
            images=self.images(),
            architecture=self.text_or_none(),
            suite=self.text_or_none(),
            source=self.text_or_none(),
            source_version=self.text_or_none(),
            reference=self.text_or_none(),
            integrity=self.text_or_none(),
            paths=tuple(self.text() for _ in range(self.chooser.number(0, 2))),
        )

    def file(self, name: str) -> LockedFile:
        """Of the application."""
        return LockedFile(
            target=f"/{name}",
            sha256=self.hash(),
            size_bytes=self.chooser.of(self.sizes),
            mode=self.chooser.of((0o644, 0o755)),
            origin=self.text(),
            images=self.images(),
        )

    def image(self, name: ImageName) -> LockedImage:
        """Of either kind, on any base."""
        kind, base = self.chooser.of(list(ImageKind)), self.base()
        return LockedImage(name=name, kind=kind, base=base, recipe=Digest(f"sha256:{self.hash()}"))


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    """Any lock whose entries do not contradict each other, in any order."""
    words = Words(
        names=draw(st.lists(NAMES.map(ImageName), min_size=1, max_size=3, unique=True)),
        texts=draw(st.lists(PLAIN, min_size=1, max_size=6)),
        sizes=draw(st.lists(SIZES, min_size=1, max_size=2)),
        chooser=draw(choosers(250)),
    )
    packages = [words.package() for _ in range(words.chooser.number(0, 4))]
    files = draw(st.lists(NAMES.filter(lambda name: name != ".."), max_size=3, unique=True))
    return Lock(
        images=tuple(map(words.image, words.names)),
        packages=tuple({(one.ecosystem, one.name): one for one in packages}.values()),
        files=tuple(map(words.file, files)),
    )


@given(locks())
def test_writing_and_reading_loses_nothing(lock: Lock) -> None:
    """Any lock, any text in it; and the text is a fixed point."""
    text = dump_lock(lock)
    assert load_lock(text) == canonical(lock)
    assert dump_lock(load_lock(text)) == text


@pytest.mark.parametrize("packages", tuple(itertools.permutations([OPENSSL, FLASK])))
def test_the_order_of_entries_is_nothing_to_the_text(packages: tuple[LockedPackage, ...]) -> None:
    """The same lock, the same bytes, the same digest."""
    shuffled = replace(LOCK, images=LOCK.images[::-1], packages=(replace(packages[0]), *packages[1:]))
    assert lock_digest(shuffled) == lock_digest(LOCK)


def test_a_lock_without_anything_new_is_written_as_the_first_repave_wrote_it() -> None:
    """Whoever has an older repave reads it, and no line of an old lock changes by itself."""
    assert "\nformat = 1\n" in TEXT
    for key in ("reference", "integrity", "paths", "keyring", "image ="):
        assert f"\n{key}" not in TEXT.replace("[[image]]", "")


NPM = replace(
    FLASK,
    ecosystem=Ecosystem.NPM,
    name="ms",
    version="2.0.0",
    layer=Layer.NODE,
    integrity="sha512-abc==",
    paths=("node_modules/debug/node_modules/ms", "node_modules/ms"),
)


def test_a_package_of_npm_may_be_locked_in_several_versions() -> None:
    """Node finds the nearest; each version stands once, with where it lies."""
    lock = replace(LOCK, packages=(OPENSSL, NPM, replace(NPM, version="2.1.3", paths=("node_modules/send",))))
    text = dump_lock(lock)
    assert "\nformat = 2\n" in text
    assert 'paths = ["node_modules/debug/node_modules/ms", "node_modules/ms"]\n' in text
    assert load_lock(text) == canonical(lock)
    assert "is pinned for image `web` again" in told(
        dump_lock(replace(lock, packages=(NPM, replace(NPM, sha256="0" * 64))))
    )


def test_an_image_on_an_image_has_no_distribution() -> None:
    """Either says what is below; with neither, the entry is broken."""
    base = Base(image="docker.io/library/debian:bookworm", architecture="arm64")
    lock = replace(LOCK, images=(replace(LOCK.images[0], base=base), LOCK.images[1]))
    text = dump_lock(lock)
    assert load_lock(text) == canonical(lock)
    broken = text.replace('image = "docker.io/library/debian:bookworm"\n', "")
    assert told(broken).startswith("repave.lock:5:1: image `api` lacks the key `distribution`\n")


AGAIN = "\n  hint: take either side, then run `repave lock`: it keeps every pin that still fits"
BROKEN = "\n  hint: take the file back from version control; or remove it, and `repave lock` pins everything anew"
KEYS = (
    "name, version, ecosystem, layer, sha256, size_bytes, origin, filename, images, architecture, suite, source, "
    "source_version, reference, integrity, paths"
)

WRONG = {
    "a merge conflict": (
        "[[file]]\n",
        "<<<<<<< HEAD\n[[file]]\n=======\n>>>>>>> x\n",
        f"repave.lock:50:1: an unresolved merge conflict{AGAIN}",
    ),
    "a newer format": (
        "format = 1",
        "format = 4",
        (
            "repave.lock:3:1: format 4 was made by a newer repave; this one reads formats up to 3"
            "\n  hint: use the repave that made it, or a newer one"
        ),
    ),
    "no format": (
        "format = 1\n",
        "",
        "repave.lock:1:1: the file does not say its `format`\n  hint: `repave lock` makes one",
    ),
    "a broken line": (
        'version = "3.0.3"',
        'version = "3.0.3',
        f"repave.lock:41:1: this is no TOML: illegal character '\\n'{BROKEN}",
    ),
    "an origin with half a bracket": (
        'origin = "https://files.pythonhosted.org',
        'origin = "https://[files.pythonhosted.org',
        (
            "repave.lock:46:1: `origin` of package `flask` is "
            "`https://[files.pythonhosted.org/packages/flask-3.0.3-py3-non...`; "
            "expected an address, or `project:` and a path"
        ),
    ),
    "a bad sha256": (
        f'sha256 = "{HASH}"\nsize_bytes = 12\n',
        'sha256 = "12"\nsize_bytes = 12\n',
        "repave.lock:54:1: `sha256` of file `/srv/app/app.py` is `12`; expected a sha256: 64 hex digits",
    ),
    "a bad recipe": (
        f'name = "web"\nkind = "container"\nrecipe = "{DIGEST}"',
        f'name = "web"\nkind = "container"\nrecipe = "{HASH}"',
        (
            f"repave.lock:17:1: `recipe` of image `web` is `{HASH[:60]}...`; "
            "expected a digest: `sha256:` and 64 hex digits"
        ),
    ),
    "an unknown key": (
        'version = "3.0.3"',
        'verson = "3.0.3"',
        (
            "repave.lock:39:1: package `flask` lacks the key `version`\n"
            f"repave.lock:41:1: unknown key `verson` in package `flask`; expected one of {KEYS}"
            "; did you mean `version`?"
        ),
    ),
    "an unknown table": (
        "[[file]]",
        "[[fil]]",
        "repave.lock:50:1: unknown key `fil`; expected one of format, image, package, file; did you mean `file`?",
    ),
    "an unknown ecosystem": (
        'ecosystem = "pypi"',
        'ecosystem = "pypy"',
        (
            "repave.lock:42:1: `ecosystem` of package `flask` is `pypy`; expected one of deb, pypi, npm, url, git, oci"
            "; did you mean `pypi`?"
        ),
    ),
    "a mode that no file has": (
        "0o644",
        "0o4755",
        "repave.lock:53:1: `mode` of file `/srv/app/app.py` is `2541`; expected `0o644` or `0o755`",
    ),
    "a target that leaves its place": (
        '"/srv/app/app.py"',
        '"/srv/../../etc/passwd"',
        (
            "repave.lock:51:1: `target` of file `/srv/../../etc/passwd` is `/srv/../../etc/passwd`; "
            "expected an absolute path without `..`"
        ),
    ),
    "an image that is not described": (
        'images = ["web"]\n\n[[file]]',
        'images = ["wep"]\n\n[[file]]',
        "repave.lock:39:1: `flask` is wanted by the unknown image `wep`; expected api or web; did you mean `web`?",
    ),
    "a package twice": (
        "[[file]]",
        TEXT[TEXT.index('[[package]]\nname = "flask"') : TEXT.index("[[file]]")] + "[[file]]",
        f"repave.lock:50:1: `flask` is pinned for image `web` again; the first is in line 39; expected it once{AGAIN}",
    ),
    "an image twice": (
        'name = "api"',
        'name = "web"',
        (
            f"repave.lock:5:1: image `web` is described twice; expected it once{AGAIN}\n"
            f"repave.lock:14:1: image `web` is described twice; expected it once{AGAIN}\n"
            "repave.lock:24:1: `openssl` is wanted by the unknown image `api`; expected web"
        ),
    ),
    "a negative size": (
        "size_bytes = 12\n",
        "size_bytes = -12\n",
        "repave.lock:55:1: `size_bytes` of file `/srv/app/app.py` is `-12`; expected a whole number, 0 or more",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_broken_lock_is_told_by_line_and_entry(name: str) -> None:
    """What a merge or a hand has broken is found before anything is made of it."""
    old, new, message = WRONG[name]
    assert TEXT.count(old) == 1, old
    assert told(TEXT.replace(old, new)) == message


def test_a_lock_that_is_not_there_is_told_with_what_makes_it(tmp_path: Path) -> None:
    """The next command is named."""
    with pytest.raises(FileError) as caught:
        read_lock(tmp_path)
    assert "hint: `repave lock` makes it" in str(caught.value)
