"""The JSON Schema says what the loader says, as far as a schema can."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from schemas import admits, is_schema

from repave.config.grammar.file import File
from repave.config.positions import read_document
from repave.config.schema import DIALECT, json_schema
from repave.config.structure import check_structure

FOLDER = Path(__file__).parent
EXAMPLES = FOLDER.resolve().parents[1] / "examples"
VALID = (FOLDER / "valid.yaml").read_text(encoding="utf-8")
EVERYTHING = """
project: shop
images:
  web:
    kind: vm
    boot: golden
    base: {distribution: debian, release: bookworm, architecture: arm64, mirror: "https://mirror.example/debian"}
    packages: [python3=3.11.2-1+b1, libstdc++6]
    python: ["flask[async] >=3,<4", 'gunicorn; python_version > "3.8"', "a==1.0.*"]
    files: {app/: /srv/app/, a.py: /a.py}
    node: {lock: app/package-lock.json, into: /srv/app}
    fetch:
      - {url: "https://example.org/tool-1.2.tar.gz", into: /opt/tool/, unpack: true}
      - url: "file:///srv/tool"
        into: /opt/tool
        sha256: abababababababababababababababababababababababababababababababab
        mode: 0o755
    git:
      - {url: "https://example.org/tool.git", commit: abababababababababababababababababababab, into: /opt/a}
      - {url: "ssh://git@example.org/tool.git", tag: v1.2, into: /opt/b, path: src}
      - {url: "file:///srv/tool.git", branch: feature/x, into: /opt/c}
    build: [npm run build, [sh, -c, "make >log"]]
    build_limits: {time: 10m, memory: 2GiB, processes: 512, output: 1GiB}
    run: [python3, -m, gunicorn]
    ephemeral: true
  api:
    kind: container
    base: {image: "docker.io/library/debian:bookworm-slim", architecture: amd64}
    node: app
    files: {app/: /srv/app/}
    run: node app.js
  old:
    kind: container
    base: {distribution: ubuntu, release: noble, keyring: /usr/share/keyrings/ubuntu-archive-keyring.gpg}
    run: sleep 1
fleets:
  web:
    image: web
    port: 8080
    health: {path: "/h?x=1", interval: 500ms, timeout: 1s, healthy: 1, unhealthy: 10, grace: 5m}
    rollout: {strategy: blue-green, surge: 100%, unavailable: 1}
    healing: {limit: 1, window: 10m, flaps: 2}
    budget: {per_hour: 10%, gentle_per_hour: 1, per_zone: 2}
    policy: {max_age: 20d, hard_max_age: 60d, fix_within: {critical: 2d}}
    drain: 30s
    limits: {memory: 1.5GiB, cpus: 2}
    start: warm
    scale:
      cpu: 60%
      memory: 70%
      requests_per_instance: 12.5
      metrics: {open_requests: 20}
      schedule: [{cron: "0 8 * * Mon-Fri", time_zone: Europe/Prague, size: 10}, {cron: "*/5 0 1,15 * *", size: 6}]
      tolerance: 5%
      out_after: 0s
      in_after: 10m
      cool_down: 90s
      window: 2m
environments:
  test: {provider: local, fleets: {web: {size: 0}}, gates: {
    soak: 1m, metrics: {error_rate: 0.5%, latency: 300ms, over: 5m, samples: 50}, checks_last: 2h, checks: [
    checks/a.sh, {run: checks/b.py, files: [checks/data/], image: web, fleet: web, timeout: 2m},
    {http: /healthz, status: 204, contains: ok, fleet: web, timeout: 1s}]}}
  prod:
    provider: aws
    zones: [eu-central-1a, "1"]
    fleets: {web: {size: 6..20, listen: "0.0.0.0:80"}}
    config: {A: info, B: {secret: "file:/run/secrets/b"}, C: 1.10, D: true}
    gates: {approvals: 2, window: "Mon-Fri 09:00-16:00 Europe/Prague", soak: 15m}
policy: {max_age: 30d, hard_max_age: 90d, fix_within: {critical: 7d, high: 30d}}
advisories:
  sources: [osv: {folder: advisories}, osv: {api: "https://api.osv.dev"}, debian_tracker: {file: /var/lib/tracker.json}]
  kev: {url: "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"}
  epss: {file: epss.csv.gz}
  vex: [vex/, /srv/vex/vendor.json]
  max_age: 3d
signing: {key: "file:keys/cosign.key", passphrase: "env:SIGNING_PASSPHRASE", verify: [keys/cosign.pub]}
"""


def data_of(text: str) -> dict[str, Any]:
    """As an editor reads it."""
    return cast("dict[str, Any]", read_document(text, filename="repave.yaml").data)


def accepted_by_both(text: str) -> tuple[bool, bool]:
    """What the schema says, and what the grammar says."""
    document = read_document(text, filename="repave.yaml")
    return admits(json_schema(), document.data), check_structure(document)[0] is not None and not document.problems


def test_the_schema_is_one() -> None:
    """Of the draft it names."""
    schema = json_schema()
    assert schema["$schema"] == DIALECT
    assert is_schema(schema)


def test_every_key_is_described() -> None:
    """What an editor shows beside a key."""
    schema = json_schema()
    for section in (schema, *schema["$defs"].values()):
        assert section["description"]
        for key, value in section["properties"].items():
            described = value.get("description")
            if not described and "$ref" in value:
                described = schema["$defs"][value["$ref"].rsplit("/", 1)[1]]["description"]
            assert described, f"{key} is not described"


@pytest.mark.parametrize("text", [VALID, EVERYTHING])
def test_schema_and_loader_accept_the_same(text: str) -> None:
    """The whole format, also what this version cannot act on yet."""
    assert accepted_by_both(text) == (True, True)


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*/repave.yaml")), ids=lambda file: file.parent.name)
def test_the_schema_accepts_every_example(file: Path) -> None:
    """What people copy shows no error in their editor."""
    assert accepted_by_both(file.read_text(encoding="utf-8")) == (True, True)


NOT_STRUCTURE = {
    "a duration of nothing", "a port beyond the last", "a command with an open quote", "two commands",
    "a command that needs a shell", "too little memory", "a range the wrong way round", "latest for a package",
    "an impossible time zone", "an impossible day", "an impossible hour", "a host name to listen on",
    "a star to listen on", "an empty command",
    "a command of build that counts on a shell", "a schedule of an hour that is none",
    "a schedule of a day that never comes", "a schedule in a zone that is none",
    "a service whose port no machine has", "a freeze on a day that never comes", "a freeze that ends before it begins",
    "a duplicate key", "a key that is a number", "a merge key", "a tag",
}  # fmt: skip
"""What a pattern cannot say, and what is gone once YAML was read."""


def wrong_texts() -> tuple[tuple[str, str], ...]:
    """The wrong files that are YAML all the same, by what is wrong with them."""
    found = []
    for part in (FOLDER / "wrong_files.txt").read_text(encoding="utf-8").split("\n## ")[1:]:
        name, *lines = part.split("\n")
        old = "\n".join(line[1:] for line in lines if line.startswith("-"))
        new = "\n".join(line[1:] for line in lines if line.startswith("+"))
        syntax = "no YAML" in part or "a tab" in part or "never closed" in part
        if name not in NOT_STRUCTURE and not syntax:
            found.append((name, VALID.replace(old, new)))
    return tuple(found)


@pytest.mark.parametrize(("name", "text"), wrong_texts(), ids=lambda value: value[:40].split("\n")[0])
def test_the_schema_refuses_what_the_loader_refuses_by_shape(name: str, text: str) -> None:
    """An editor underlines it while it is written, and nothing that is wrong for another reason."""
    by_schema, by_loader = accepted_by_both(text)
    assert by_schema is by_loader, name


def mutations() -> tuple[tuple[str, Callable[[dict[str, Any]], object]], ...]:
    """Some more, made on the data."""
    return (
        ("a number for a text", lambda data: data.update(project=1)),
        ("null for a section", lambda data: data["fleets"]["web"].update(health=None)),
        ("an empty pipeline", lambda data: data.update(pipeline=[])),
        ("no images", lambda data: data.update(images={})),
        ("a boolean for a port", lambda data: data["fleets"]["web"].update(port=True)),
        ("a fraction for a size", lambda data: data["environments"]["test"]["fleets"]["web"].update(size=1.5)),
        ("a list of numbers", lambda data: data["images"]["web"].update(packages=[1])),
    )


@pytest.mark.parametrize(("name", "change"), mutations(), ids=[name for name, _ in mutations()])
def test_wrong_data_is_refused_by_both(name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """The two never disagree about types."""
    data = data_of(VALID)
    change(data)
    assert not admits(json_schema(), data), name
    with pytest.raises(ValueError, match="validation error"):
        File.model_validate(data)
