"""Whatever a server is called and holds, the file that is written is one that repave reads."""

from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from repave.config.project import parse_project
from repave.operations.adopting.findings import Area, Fate, Found
from repave.operations.adopting.listening import Port
from repave.operations.adopting.recipe import Recipe, mappings, written
from repave.operations.adopting.serving import Service
from repave.operations.adopting.sources import Release, Source
from repave.operations.scalars import label_of

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


def test_files_are_grouped_by_their_folders() -> None:
    """A file of a top folder stands alone; what lies deeper comes with its folder."""
    assert mappings(["/etc/motd", "/etc/nginx/nginx.conf", "/etc/nginx/conf.d/a.conf", "/srv/shop/app.py"]) == {
        "files/etc/motd": "/etc/motd",
        "files/etc/nginx/": "/etc/nginx/",
        "files/srv/shop/": "/srv/shop/",
    }
