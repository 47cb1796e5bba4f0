"""Python and Node applications have the pins that they really have."""

from repave.operations.adopting.applications import environments, node_applications


def test_each_place_of_python_has_its_own_pins() -> None:
    """A virtual environment and the system's are two; tools are none, and what came from a folder is in no index."""
    site, system = "/opt/a/venv/lib/python3.11/site-packages", "/usr/local/lib/python3.11/dist-packages"
    texts = {
        f"{site}/own-1.0.dist-info/direct_url.json": '{"url": "file:///home/x/own", "dir_info": {}}',
        f"{site}/wheel_house-3.dist-info/direct_url.json": '{"url": "https://x/y.whl", "archive_info": {}}',
    }
    paths = [
        "/opt/a/venv/pyvenv.cfg",
        f"{site}/Flask-3.0.3.dist-info/METADATA",
        f"{site}/pip-23.0.dist-info/METADATA",
        f"{site}/own-1.0.dist-info/METADATA",
        f"{site}/wheel_house-3.dist-info/METADATA",
        f"{system}/zope.interface-6.0.dist-info/METADATA",
        *texts,
    ]
    virtual, whole = environments(paths, texts)
    assert (virtual.folder, virtual.virtual) == ("/opt/a/venv", True)
    assert (virtual.pins, virtual.local) == (("flask == 3.0.3", "wheel-house == 3"), ("own",))
    assert (whole.folder, whole.virtual, whole.pins) == (system, False, ("zope-interface == 6.0",))


def test_a_node_application_is_a_manifest_of_its_own() -> None:
    """What lies in ``node_modules`` is another's; its lock has the pins, and a broken one has none."""
    texts = {
        "/opt/n/package.json": '{"name": "n", "scripts": {"start": "node server.js"}}',
        "/opt/n/package-lock.json": '{"packages": {"": {"version": "1"}, "node_modules/@a/b": {"version": "2.0.0"}}}',
        "/opt/n/node_modules/@a/b/package.json": "{}",
        "/opt/m/package.json": "{",
    }
    broken, whole = node_applications(texts)
    assert (broken.folder, broken.name, broken.locked, broken.pins) == ("/opt/m", "m", False, ())
    assert (whole.name, whole.start, whole.locked, whole.pins) == ("n", "node server.js", True, ("@a/b@2.0.0",))
