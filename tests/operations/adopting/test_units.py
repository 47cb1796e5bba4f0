"""Which units are enabled, what they start, and on which ports what they start will wait."""

from repave.operations.adopting.listening import declared
from repave.operations.adopting.units import enabled

WANTS = "/etc/systemd/system/multi-user.target.wants"


def test_an_enabled_unit_is_what_hides_the_others_with_its_drop_ins() -> None:
    """The administrator's file hides the package's, a drop-in adds to it, an empty value takes back; no masked one."""
    files = {
        "/usr/lib/systemd/system/web.service": "[Service]\nExecStart=/usr/bin/old\n",
        "/etc/systemd/system/web.service": "[Service]\nExecStart=-/usr/bin/web \\\n  --port 80\n"
        "Environment=A=1 'B=2 3' 9=no\n",
        "/etc/systemd/system/web.service.d/more.conf": "[Service]\nExecStart=\nExecStart=/usr/bin/web --port 81\n",
        "/etc/systemd/system/off.service": "[Service]\nExecStart=/bin/off\n",
    }
    (unit,) = enabled([f"{WANTS}/web.service", f"{WANTS}/off.service"], files, {"off.service"})
    assert (unit.file, unit.command) == ("/etc/systemd/system/web.service", ("/usr/bin/web", "--port", "81"))
    assert unit.environment == {"A": "1", "B": "2 3"}
    assert unit.drop_ins == ("/etc/systemd/system/web.service.d/more.conf",)


def test_an_instance_of_a_template_knows_its_name() -> None:
    """``%i`` is the instance."""
    files = {
        "/etc/systemd/system/shop@.service": "[Service]\nExecStart=/srv/%i/serve --rate 5%%\n",
        "/etc/systemd/system/shop@.service.d/a.conf": "[Service]\nUser=%p\n",
    }
    (unit,) = enabled([f"{WANTS}/shop@10.0.0.1.service"], files)
    assert unit.command == ("/srv/10.0.0.1/serve", "--rate", "5%")
    assert unit.expanded(unit.last("User")) == "shop"


def test_a_unit_knows_what_it_needs() -> None:
    """By its name, or by what it says."""
    files = {
        "/etc/systemd/system/a.timer": "[Timer]\nOnCalendar=daily\n",
        "/etc/systemd/system/b.path": "[Path]\nUnit=c.service\n",
        "/etc/systemd/system/d.socket": "[Socket]\nAccept=yes\n",
        "/etc/systemd/system/e.service": "[Unit]\nRequires=f.service g.service\nWants=h.service\n"
        "[Service]\nExecStart=/bin/true\n",
    }
    found = enabled([f"{WANTS}/{path.rpartition('/')[2]}" for path in files], files)
    assert [unit.needs for unit in found] == [
        ("a.service",),
        ("c.service",),
        ("d@.service",),
        ("f.service", "g.service"),
    ]
    assert [unit.wishes for unit in found] == [(), (), (), ("h.service",)]


def test_a_unit_whose_file_is_gone_or_broken_starts_nothing() -> None:
    """It is told, and nothing is guessed."""
    files = {"/etc/systemd/system/b.service": "[Service]\nExecStart=/bin/sh -c 'open\n"}
    lost, broken = enabled([f"{WANTS}/a.service", f"{WANTS}/b.service"], files)
    assert (lost.file, lost.command, broken.command) == ("", (), ())


def test_ports_stand_in_commands_scripts_and_settings() -> None:
    """A port is found where programs have it, and nothing that is only available counts."""
    texts = {
        "/etc/systemd/system/a.service": "[Service]\nExecStart=/opt/a/bin/gunicorn -b 127.0.0.1:8001 a:a\n",
        "/etc/systemd/system/b.service": "[Service]\nExecStart=/usr/bin/node /opt/b.js\n",
        "/etc/systemd/system/c.socket": "[Socket]\nListenStream=0.0.0.0:8003\nListenStream=/run/c.sock\n",
        "/opt/b.js": "http.createServer(f).listen(8002)\n",
        "/etc/nginx/sites-enabled/x": "server {\n  listen 8080 default_server;\n  listen [::]:8081;\n  #listen 9;\n}\n",
        "/etc/nginx/sites-available/y": "listen 8099;\n",
        "/etc/haproxy/haproxy.cfg": "frontend f\n  bind *:8090\n",
    }
    units = enabled([f"{WANTS}/{name}" for name in ("a.service", "b.service", "c.socket")], texts)
    found = {port.number: (port.unit, port.local) for port in declared(units, texts)}
    assert found == {
        8001: ("a.service", True),
        8002: ("b.service", False),
        8003: ("c.socket", False),
        8080: ("nginx.service", False),
        8081: ("nginx.service", False),
        8090: ("haproxy.service", False),
    }
