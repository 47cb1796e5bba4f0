"""Which of the project's files go into the lock, and which are refused."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from repave.model.lock import Lock, LockedFile
from repave.model.names import ImageName
from repave.model.recipe import Base, FileMapping, Image, ImageKind
from repave.pinners.files import FilesPinner
from repave.ports.errors import Invalid
from repave.ports.pinner import PinRequest, Refresh
from repave.ports.progress import Silent
from repave.registries.vault import FileVault


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small application with what machines leave beside it."""
    for name, text in {
        "app/main.py": "print(1)",
        "app/pages/index.html": "<p>",
        "app/run.sh": "exec true",
        "app/__pycache__/main.pyc": "x",
        "app/.git/config": "x",
        "app/.venv/bin/python": "x",
        "app/.repave/store.db": "x",
        "one.conf": "a=1",
    }.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
    (tmp_path / "project/app/run.sh").chmod(0o700)
    return tmp_path / "project"


def pin(project: Path, *mappings: tuple[str, str]) -> tuple[LockedFile, ...]:
    """Lock these mappings; everything locked is in the vault."""
    vault = FileVault(project.parent / "vault")
    image = Image(
        name=ImageName("web"),
        kind=ImageKind.CONTAINER,
        base=Base(distribution="debian", release="bookworm", suites=("bookworm",)),
        files=tuple(FileMapping(source=source, target=target) for source, target in mappings),
    )
    request = PinRequest(image=image, folder=project, previous=Lock(), refresh=Refresh.KEEP)
    pins = FilesPinner(vault=vault).pin(request, progress=Silent())
    assert pins.packages == ()
    for file in pins.files:
        assert vault.path(file.sha256).read_bytes() == (project / file.origin).read_bytes()
        assert (file.size_bytes, file.images) == ((project / file.origin).stat().st_size, ("web",))
    return pins.files


def test_the_whole_project_is_taken_but_its_lock(project: Path) -> None:
    """Which would cover itself: no lock could ever be right."""
    (project / "repave.lock").write_text("version = 2")
    (project / "repave.yaml").write_text("project: shop")
    origins = {file.origin for file in pin(project, (".", "/srv/"))}
    assert "repave.yaml" in origins
    assert "repave.lock" not in origins


def test_a_folder_goes_with_all_below_it(project: Path) -> None:
    """Sorted, with the two modes there are, without what machines write beside it."""
    files = pin(project, ("app/", "/srv/app/"))
    assert [(file.target, file.mode, file.origin) for file in files] == [
        ("/srv/app/main.py", 0o644, "app/main.py"),
        ("/srv/app/pages/index.html", 0o644, "app/pages/index.html"),
        ("/srv/app/run.sh", 0o755, "app/run.sh"),
    ]
    assert files[0].sha256 == sha256(b"print(1)").hexdigest()


def test_a_file_goes_to_a_name_or_into_a_folder(project: Path) -> None:
    """As the target's trailing slash says; of two mappings to one target the later wins."""
    files = pin(project, ("one.conf", "/etc/one.conf"), ("one.conf", "/etc/more/"), ("app/main.py", "/etc/one.conf"))
    assert [(file.target, file.origin) for file in files] == [
        ("/etc/more/one.conf", "one.conf"),
        ("/etc/one.conf", "app/main.py"),
    ]


def test_a_link_within_the_project_is_followed(project: Path) -> None:
    """Its content goes under its own name."""
    (project / "app/link.conf").symlink_to("../one.conf")
    assert ("/srv/link.conf", "app/link.conf") in [
        (file.target, file.origin) for file in pin(project, ("app/", "/srv"))
    ]


def outward(project: Path) -> None:
    """Make a link out of the project."""
    (project / "app/passwd").symlink_to("/etc/passwd")


def outward_folder(project: Path) -> None:
    """Make a folder a link out of the project."""
    (project / "app/etc").symlink_to("/etc")


def broken(project: Path) -> None:
    """Make a link to nowhere."""
    (project / "app/broken").symlink_to("nowhere")


def circular(project: Path) -> None:
    """Make a link to the folder it is in."""
    (project / "app/again").symlink_to(".")


def pipe(project: Path) -> None:
    """Make what is neither file nor folder."""
    os.mkfifo(project / "app/pipe")


def strange(project: Path) -> None:
    """Make a file whose name is no text."""
    (project / os.fsdecode(b"app/b\xffd")).write_text("x")


def nothing(project: Path) -> None:
    """Leave the project as it is."""
    assert project.is_dir()


@pytest.mark.parametrize(
    ("spoil", "mapping", "said"),
    [
        (outward, ("app/", "/srv"), "leads out of the project to /etc/passwd"),
        (outward_folder, ("app/", "/srv"), "leads out of the project to /etc"),
        (broken, ("app/", "/srv"), "app/broken is a symbolic link that leads nowhere"),
        (circular, ("app/", "/srv"), "app/again is a symbolic link to a folder"),
        (pipe, ("app/", "/srv"), "app/pipe is neither a file nor a folder"),
        (strange, ("app/", "/srv"), r"the name of app/b\\xffd is not UTF-8"),
        (nothing, ("apq/", "/srv"), "apq/ is to go to /srv, but is not in"),
        (nothing, ("../vault", "/srv"), "leads upwards"),
        (nothing, ("/etc/passwd", "/srv"), "leads out of the project"),
        (nothing, ("one.conf/", "/srv"), "is a file, not a folder"),
        (nothing, ("app/", "srv"), "the target srv is not absolute"),
        (nothing, ("app/", "/srv/../etc"), "is not absolute"),
    ],
)
def test_what_may_not_go_in_is_refused(project: Path, spoil: object, mapping: tuple[str, str], said: str) -> None:
    """By name, with the reason."""
    assert callable(spoil)
    spoil(project)
    with pytest.raises(Invalid, match=said):
        pin(project, mapping)


def test_a_target_is_not_both_file_and_folder(project: Path) -> None:
    """The image could hold only one of them."""
    with pytest.raises(Invalid, match="/srv/app would be both a file and a folder"):
        pin(project, ("one.conf", "/srv/app"), ("app/", "/srv/app/"))
