"""`repave init`: a starter file for what lies in a folder."""

import re
from pathlib import Path

import pytest

from repave.config.project import load_project, parse_project
from repave.model.advisories import SourceKind
from repave.model.names import EnvironmentName, FleetName, ImageName
from repave.model.project import Project
from repave.model.recipe import FileMapping, Image, NodeApplication
from repave.operations.errors import Refused
from repave.operations.init import initialise, propose

FLASK = """\
import os
from flask import Flask

app = Flask(__name__)


@app.get("/healthz")
def healthz():
    return "ok"
"""


def lay_out(folder: Path, **files: str) -> Path:
    """Write files; ``__`` in a name is a dot, ``___`` a slash."""
    for name, text in files.items():
        path = folder / name.replace("___", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def proposed(folder: Path) -> tuple[Project, Image]:
    """What the proposal means."""
    project = parse_project(propose(folder), filename="repave.yaml")
    return project, project.images[ImageName("web")]


def sources(image: Image) -> dict[str, str]:
    """What goes where."""
    return {mapping.source: mapping.target for mapping in image.files}


def test_a_flask_application_with_requirements(tmp_path: Path) -> None:
    """Its requirements, its files and not its tests, its health check, a server that was missing."""
    folder = lay_out(
        tmp_path,
        app__py=FLASK,
        requirements__txt="flask ~= 3.0 \\\n    --hash=sha256:abc\nrequests[socks]>=2,<3  # for the shop\n",
        templates___index__html="",
        static___shop__css="",
        tests___test_app__py="",
        conftest__py="",
    )
    project, image = proposed(folder)
    assert image.python == ("flask ~= 3.0", "requests[socks]>=2,<3", "gunicorn")
    assert sources(image) == {
        "app.py": "/srv/app/app.py",
        "static/": "/srv/app/static/",
        "templates/": "/srv/app/templates/",
    }
    assert " ".join(image.run) == ("python3 -m gunicorn --chdir /srv/app/ --bind 0.0.0.0:8000 --threads 4 app:app")
    fleet = project.fleets[FleetName("web")]
    assert (fleet.port, fleet.health.path) == (8000, "/healthz")
    assert project.environments[EnvironmentName("test")].zones == ("a", "b")


def test_a_fastapi_package_with_a_pyproject(tmp_path: Path) -> None:
    """The package goes in under its own name; a newer Python asks for a newer distribution; EXPOSE is the port."""
    folder = lay_out(
        tmp_path,
        pyproject__toml='[project]\nname = "Fast.Shop"\nrequires-python = ">=3.12"\ndependencies = ["fastapi"]\n',
        shop_____init____py="",
        shop___main__py="from fastapi import FastAPI\napi: FastAPI = FastAPI()\n",
        Dockerfile="FROM python\nEXPOSE 9000\n",
    )
    folder.joinpath("shop", "__init__.py").write_text("", encoding="utf-8")
    project, image = proposed(folder)
    assert project.name == "fast-shop"
    assert image.base.release == "trixie"
    assert image.python == ("fastapi", "uvicorn")
    assert sources(image)["shop/"] == "/srv/app/shop/"
    assert " ".join(image.run) == "python3 -m uvicorn --app-dir /srv/app/ --host 0.0.0.0 --port 9000 shop.main:api"
    assert project.fleets[FleetName("web")].port == 9000


def test_a_factory_in_a_source_folder(tmp_path: Path) -> None:
    """The folder that must be importable goes in whole; the framework nobody named is added."""
    folder = lay_out(tmp_path, src___store___web__py="import flask\ndef create_app():\n    return flask.Flask('x')\n")
    (folder / "src" / "store" / "__init__.py").write_text("", encoding="utf-8")
    _, image = proposed(folder)
    assert sources(image) == {"src/": "/srv/app/"}
    assert image.run[-1] == "store.web:create_app()"
    assert image.python == ("flask", "gunicorn")


def test_a_django_site_with_a_procfile_that_needs_a_shell(tmp_path: Path) -> None:
    """The shell is said, the port is filled in, programs are started as modules."""
    folder = lay_out(
        tmp_path,
        manage__py='import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site1.settings")\n',
        site1___wsgi__py="",
        requirements__txt="Django==5.0\ngunicorn\n",
        Procfile="web: python manage.py migrate && gunicorn site1.wsgi --bind 0.0.0.0:$PORT\nworker: x\n",
    )
    _, image = proposed(folder)
    assert image.run == (
        "sh",
        "-c",
        "cd /srv/app/ && python3 manage.py migrate && exec python3 -m gunicorn site1.wsgi --bind 0.0.0.0:8000",
    )
    assert sources(image) == {"manage.py": "/srv/app/manage.py", "site1/": "/srv/app/site1/"}


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (
            "gunicorn app:app --log-file -",
            "python3 -m gunicorn --chdir /srv/app/ --bind 0.0.0.0:8000 app:app --log-file -",
        ),
        ("gunicorn -b :5000 app:app", "python3 -m gunicorn --chdir /srv/app/ -b :5000 app:app"),
        (
            "uvicorn app:app --port ${PORT:-7000}",
            "python3 -m uvicorn --app-dir /srv/app/ --host 0.0.0.0 app:app --port 7000",
        ),
        ("python app.py", "sh -c cd /srv/app/ && exec python3 app.py"),
        ("./serve.sh", "sh -c cd /srv/app/ && exec ./serve.sh"),
    ],
)
def test_a_procfile_says_the_command(tmp_path: Path, line: str, command: str) -> None:
    """As the person wrote it, where the application lives, on the port that the fleet asks."""
    folder = lay_out(tmp_path, app__py=FLASK, requirements__txt="flask\ngunicorn\n", Procfile=f"web: {line}\n")
    project, image = proposed(folder)
    assert " ".join(image.run) == command
    named = re.search(r":(\d{4})\b|--port (\d{4})", command)
    port = int(named[1] or named[2]) if named else 8000
    assert project.fleets[FleetName("web")].port == port


def test_what_a_procfile_runs_beside_the_web_are_workers(tmp_path: Path) -> None:
    """Each an image of the same parts and a fleet without a port; what is run once for a release is none."""
    lines = "web: gunicorn app:app\nworker: celery -A tasks worker\nclock_2: python clock.py\nrelease: ./migrate.sh\n"
    folder = lay_out(
        tmp_path,
        app__py=FLASK,
        tasks__py="",
        clock__py="",
        requirements__txt="flask\ngunicorn\ncelery\n",
        Procfile=lines,
    )
    project, web = proposed(folder)
    worker, clock = project.images[ImageName("worker")], project.images[ImageName("clock-2")]
    assert " ".join(worker.run) == "sh -c cd /srv/app/ && exec python3 -m celery -A tasks worker"
    assert " ".join(clock.run) == "sh -c cd /srv/app/ && exec python3 clock.py"
    assert (worker.files, worker.python, worker.packages) == (web.files, web.python, web.packages)
    assert sources(web).keys() == {"app.py", "tasks.py", "clock.py"}
    assert {name: fleet.port for name, fleet in project.fleets.items()} == {
        "web": 8000,
        "worker": None,
        "clock-2": None,
    }
    sizes = project.environments[EnvironmentName("test")].fleets
    assert {name: size.size for name, size in sizes.items()} == {"web": 2, "worker": 1, "clock-2": 1}


def test_workers_have_names_of_their_own_and_what_they_start(tmp_path: Path) -> None:
    """Whatever a Procfile calls them; a module beside the folder that serves goes into the image where it is named."""
    folder = lay_out(
        tmp_path,
        src___shop___app__py=FLASK,
        worker__py="",
        setup__py="",
        requirements__txt="flask\ngunicorn\n",
        Procfile="web: gunicorn shop.app:app\nworker: python worker.py\nWorker: echo 'a && b' && true\nWEB: ls; date\n",
    )
    (folder / "src" / "shop" / "__init__.py").write_text("", encoding="utf-8")
    text = propose(folder)
    project, web = proposed(folder)
    runs = {name: " ".join(image.run) for name, image in project.images.items() if name != "web"}
    assert runs == {
        "worker": "sh -c cd /srv/app/ && exec python3 worker.py",
        "worker-2": "sh -c cd /srv/app/ && echo 'a && b' && true",
        "web-2": "sh -c cd /srv/app/ && ls; date",
    }
    assert "# From the Procfile's `Worker` line.\n" in text
    assert sources(web) == {"src/": "/srv/app/", "worker.py": "/srv/app/worker.py"}


def test_a_procfile_without_a_web_line_runs_workers_alone(tmp_path: Path) -> None:
    """Nothing is made up that would serve; what lies there goes into the image."""
    folder = lay_out(tmp_path, run__py="print(1)\n", jobs___mail__py="", Procfile="worker: python3 run.py\n")
    project = parse_project(propose(folder), filename="repave.yaml")
    assert {name: fleet.port for name, fleet in project.fleets.items()} == {"worker": None}
    assert sources(project.images[ImageName("worker")]) == {"run.py": "/srv/app/run.py", "jobs/": "/srv/app/jobs/"}


@pytest.mark.parametrize(
    ("file", "text", "port"),
    [
        ("gunicorn__conf__py", 'bind = "0.0.0.0:5001"\n', 5001),
        ("Dockerfile", "FROM x\nENV PORT=5002\n", 5002),
        ("serve__py", 'import os\nport = int(os.environ.get("PORT", "5003"))\n', 5003),
        ("serve__py", "app.run(host='0.0.0.0', port=5004)\n", 5004),
        ("Dockerfile", "FROM x\nEXPOSE 99999\n", 8000),
    ],
)
def test_a_port_is_found_where_people_say_it(tmp_path: Path, file: str, text: str, port: int) -> None:
    """And a number that is no port is passed over."""
    lay_out(tmp_path, app__py=FLASK, **{file: text})
    assert proposed(tmp_path)[0].fleets[FleetName("web")].port == port


def test_requirements_of_other_files_are_taken_where_they_are_named(tmp_path: Path) -> None:
    """Each file once, also where two name each other; what lies outside of the folder is left out and named."""
    folder = lay_out(
        tmp_path / "shop",
        app__py=FLASK,
        requirements__txt="-r requirements/base.txt\n--requirement=requirements/web.txt\n-r ../other.txt\ngunicorn\n",
        requirements___base__txt="-r web.txt\nrequests\n",
        requirements___web__txt="-r ../requirements.txt\nflask ~= 3.0\n",
    )
    (tmp_path / "other.txt").write_text("attrs\n", encoding="utf-8")
    text = propose(folder)
    assert proposed(folder)[1].python == ("flask ~= 3.0", "requests", "gunicorn")
    assert "# From requirements.txt and requirements/base.txt and requirements/web.txt." in text
    assert "which alone can vouch by hash: -r ../other.txt" in text


def test_a_node_application_without_its_lock_is_told_how_to_get_one(tmp_path: Path) -> None:
    """Beside its package-lock, or in a Python application's folder, there is nothing to tell."""
    hint = "`npm install --package-lock-only`"
    node, python = tmp_path / "node", tmp_path / "python"
    lay_out(node, package__json='{"scripts": {"start": "node server.js"}}', server__js="")
    assert hint in propose(node)
    assert hint not in propose(lay_out(node, **{"package-lock__json": "{}"}))
    assert hint not in propose(lay_out(python, package__json="{}", app__py=FLASK))


def test_what_no_index_can_vouch_for_is_left_out_and_named(tmp_path: Path) -> None:
    """The lock pins by hash; what cannot be pinned is said, not lost."""
    lay_out(
        tmp_path,
        app__py=FLASK,
        requirements__txt="flask\n-e .\ngit+https://example.org/x\nx @ https://example.org/x.whl\n-r more.txt\n",
    )
    text = propose(tmp_path)
    assert parse_project(text, filename="repave.yaml").images[ImageName("web")].python == ("flask", "gunicorn")
    for line in ("-e .", "git+https://example.org/x", "x @ https://example.org/x.whl", "-r more.txt"):
        assert f"by hash: {line}\n" in text


def test_an_empty_folder_gets_a_file_that_runs_something(tmp_path: Path) -> None:
    """A stand-in, said to be one."""
    folder = tmp_path / "17 My Shop!"
    folder.mkdir()
    project, image = proposed(folder)
    assert project.name == "my-shop"
    assert image.run[:3] == ("python3", "-m", "http.server")
    assert "put your command here" in propose(folder)


@pytest.mark.parametrize(
    "files",
    [
        {"app__py": "def broken(:\n  Flask("},
        {"app__py": "Flask(" * 2000},
        {"requirements__txt": "\x00\n", "Procfile": "web:\n"},
        {"pyproject__toml": "[project\n"},
        {"pyproject__toml": "project = 1\n"},
        {"requirements__txt": '"quoted: #"\na; python_version < "3.8" # x\n'},
        {"Procfile": 'web: gunicorn "app:app\n'},
    ],
)
def test_odd_files_do_no_harm(tmp_path: Path, files: dict[str, str]) -> None:
    """What cannot be read is passed over; the proposal still loads."""
    lay_out(tmp_path, **files)
    assert proposed(tmp_path)[1].run


def test_the_file_is_written_once(tmp_path: Path) -> None:
    """And what a person has written is never overwritten."""
    lay_out(tmp_path, app__py=FLASK)
    path = initialise(tmp_path)
    assert path == tmp_path / "repave.yaml"
    assert load_project(path).images
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(Refused, match="exists already") as caught:
        initialise(tmp_path)
    assert path.read_text(encoding="utf-8") == "mine"
    assert "never overwrites" in caught.value.hint


def test_a_link_to_nowhere_is_not_followed(tmp_path: Path) -> None:
    """Not overwriting includes what the file's name points to."""
    (tmp_path / "repave.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    with pytest.raises(Refused, match="exists already"):
        initialise(tmp_path)
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Nothing is made on the way."""
    with pytest.raises(Refused, match="is no folder"):
        initialise(tmp_path / "nowhere")


def test_who_could_judge_packages_is_shown_to_whoever_has_some(tmp_path: Path) -> None:
    """As comments that need only be uncommented: a person decides who is told what is locked."""
    above, _, below = propose(lay_out(tmp_path, app__py=FLASK)).partition("# advisories:\n")
    uncommented = f"{above}advisories:\n{below.replace('#  ', '  ')}"
    (source,) = parse_project(uncommented, filename="repave.yaml").advisories.sources
    assert (source.kind, source.place) == (SourceKind.OSV_API, "https://api.osv.dev")


def test_files_lie_where_the_command_looks(tmp_path: Path) -> None:
    """Mappings are the model's own."""
    lay_out(tmp_path, app__py=FLASK)
    assert proposed(tmp_path)[1].files == (FileMapping(source="app.py", target="/srv/app/app.py"),)


PACKAGE = """{"name": "@shop/desk", "scripts": {"start": "node server.js"}, "engines": {"node": ">=18"}}"""


def test_a_node_application_with_its_package_lock(tmp_path: Path) -> None:
    """Started as `npm start` would, in its folder; its packages are the lock's, its tests and node_modules stay out."""
    folder = lay_out(
        tmp_path,
        package__json=PACKAGE,
        server__js="app.get('/healthz', ok); app.listen(process.env.PORT || 4000)",
        lib___a__js="",
        node_modules___a___index__js="",
        test___a__js="",
        server__test__js="",
    )
    (folder / "package-lock.json").write_text("{}", encoding="utf-8")
    project, image = proposed(folder)
    assert image.node == NodeApplication(lock="package-lock.json", into="/srv/app")
    assert (image.packages, image.python, image.base.release) == (("nodejs", "ca-certificates"), (), "bookworm")
    assert set(sources(image)) == {"lib/", "package-lock.json", "package.json", "server.js"}
    assert image.run == ("sh", "-c", "cd /srv/app/ && exec node server.js")
    fleet = project.fleets[FleetName("web")]
    assert (project.name, fleet.port, fleet.health.path) == ("desk", 4000, "/healthz")


@pytest.mark.parametrize(
    ("package", "command", "release"),
    [
        ('{"scripts": {"start": "next start -p 3000"}}', 'export PATH="$PWD/node_modules/.bin:$PATH" && exec next', ""),
        ('{"scripts": {"start": "NODE_ENV=production node ."}}', "exec env NODE_ENV=production node .", ""),
        ('{"scripts": {"start": "node a.js && node b.js"}}', "&& node a.js && node b.js", ""),
        ('{"main": "server.js", "engines": {"node": "^20.1 || >=22"}}', "exec node server.js", "trixie"),
        ('{"scripts": {"start": "npm run serve"}}', "exec node server.js", ""),
    ],
)
def test_a_node_application_is_started_as_it_says(tmp_path: Path, package: str, command: str, release: str) -> None:
    """Through its packages' programs where it counts on them; on the distribution whose Node it wants."""
    folder = lay_out(tmp_path, package__json=package, server__js="")
    (folder / "package-lock.json").write_text("{}", encoding="utf-8")
    _, image = proposed(folder)
    assert command in image.run[2]
    assert image.base.release == (release or "bookworm")


def test_pages_of_a_python_application_make_no_node_application_of_it(tmp_path: Path) -> None:
    """Its package.json builds what it serves."""
    folder = lay_out(tmp_path, app__py=FLASK, package__json=PACKAGE, server__js="")
    (folder / "package-lock.json").write_text("{}", encoding="utf-8")
    _, image = proposed(folder)
    assert image.node is None
    assert "gunicorn" in image.run


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("shop2024", "shop2024"),
        ("2024 Shop!", "shop"),
        ("Shöp_v2-", "sh-p-v2"),
        ("42", "app"),
        (f"{'a' * 39}--b", "a" * 39),
    ],
)
def test_the_project_is_called_as_its_folder(tmp_path: Path, folder: str, name: str) -> None:
    """As far as a name may hold it."""
    (tmp_path / folder).mkdir()
    assert proposed(tmp_path / folder)[0].name == name
