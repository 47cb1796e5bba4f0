"""Whatever a server is called and holds, the file that is written is one that repave reads."""

from dataclasses import replace
from types import MappingProxyType

from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from repave.config.project import parse_project
from repave.operations.adopting.findings import Area, Fate, Found
from repave.operations.adopting.listening import Port
from repave.operations.adopting.recipe import Recipe, mappings, written
from repave.operations.adopting.serving import Service
from repave.operations.adopting.sources import Release, Source
from repave.operations.scalars import label_of, scalar

TEXTS = st.text(min_size=1, max_size=30).filter(lambda text: "\0" not in text)
NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="/"), min_size=1, max_size=12
)
PLACES = st.lists(NAMES.filter(lambda name: name not in {".", ".."}), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)
DEBIAN = Source(address="http://deb.debian.org/debian", suite="bookworm", components=("main",), keyring="", file="/x")


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Strange servers with strange files."""
    service = Service(
        command=tuple(draw(st.lists(TEXTS, min_size=1, max_size=4))),
        port=Port(number=draw(st.integers(1, 65535)), program="x"),
        scratch=("/var/log/x/",),
        variables=MappingProxyType({"LEVEL": draw(TEXTS)}),
        withheld=("TOKEN",),
    )
    return Recipe(
        server=draw(TEXTS),
        project=label_of(draw(TEXTS)),
        release=Release(distribution="debian", name="bookworm"),
        sources=(DEBIAN,),
        architecture="amd64",
        packages=("nginx",),
        python=("flask == 3.0.3",),
        node="",
        files=tuple(draw(st.lists(PLACES, max_size=4))),
        service=draw(st.sampled_from((service, None))),
        open=(Found(area=Area.FILES, name=draw(TEXTS), fate=Fate.OPEN, detail=draw(TEXTS), line=draw(TEXTS)),),
    )


@given(recipes())
def test_every_recipe_is_read_as_it_was_meant(recipe: Recipe) -> None:
    """Names of strangers end no line, open no comment, and change no value."""
    project = parse_project(written(recipe), filename="repave.yaml")
    (image,) = project.images.values()
    assert (image.packages, image.python) == (("nginx",), ("flask == 3.0.3",))
    assert {one.source: one.target for one in image.files} == mappings(recipe.files)
    if recipe.service is None:
        assert not project.fleets
        return
    assert (image.run, image.data, image.ephemeral) == (recipe.service.command, ("/var/log/x/",), True)
    (fleet,) = project.fleets.values()
    assert recipe.service.port is not None
    assert fleet.port == recipe.service.port.number


HOSTILE = "bookworm, mirror: http://elsewhere.example/debian"
BASE = Recipe(
    server="pet",
    project="pet",
    release=Release(distribution="debian", name="bookworm"),
    sources=(),
    architecture="amd64",
    packages=(),
    python=(),
    node="",
    files=(),
    service=None,
    open=(),
)


@given(TEXTS, TEXTS, TEXTS)
@example(HOSTILE, HOSTILE, HOSTILE)
@example("bookworm", '],"mirror":"http://elsewhere.example/debian"', "arm64")
def test_what_a_server_says_of_its_base_adds_no_key(name: str, suite: str, architecture: str) -> None:
    """Release, suites and architecture are the words of strangers; whether they can be so is for the grammar."""
    source = replace(DEBIAN, suite=f"{name}{suite}")
    recipe = replace(
        BASE, release=Release(distribution="debian", name=name), sources=(source,), architecture=architecture
    )
    base = YAML(typ="safe").load(written(recipe))["images"]["pet"]["base"]
    assert (base.pop("distribution"), base.pop("release")) == ("debian", name)
    assert base.pop("architecture", "amd64") == architecture
    assert list(base) == ["suites"]
    assert all(isinstance(one, str) for one in base["suites"])


PLAINLY = st.text("aN_/.~=<>+:- 0,]}#", min_size=1, max_size=12)
"""What may stand without quotes, and what may not."""


@given(TEXTS | PLAINLY)
@example("/etc/a: b")
def test_a_scalar_is_read_as_its_text(text: str) -> None:
    """In a line of its own, as a key, and within brackets."""
    said = scalar(text)
    assert YAML(typ="safe").load(f"- {said}\n- [{said}, x]\n- {{x: {said}, y: z}}\n- {said}: x\n") == [
        text,
        [text, "x"],
        {"x": text, "y": "z"},
        {text: "x"},
    ]


def test_files_are_grouped_by_their_folders() -> None:
    """A file of a top folder stands alone; what lies deeper comes with its folder."""
    assert mappings(["/etc/motd", "/etc/nginx/nginx.conf", "/etc/nginx/conf.d/a.conf", "/srv/shop/app.py"]) == {
        "files/etc/motd": "/etc/motd",
        "files/etc/nginx/": "/etc/nginx/",
        "files/srv/shop/": "/srv/shop/",
    }
