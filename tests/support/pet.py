"""A server as somebody made it by hand over the years: a real Debian in a folder, with fifteen oddities."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uv

NGINX_PORT, METRICS_PORT, SHOP_PORT = 18080, 19100, 18000
PAGE = "<h1>The pet's own page</h1>\n"
HELD, FOREIGN = "curl", "widget-agent"

INCLUDED = "nginx-light,python3,ca-certificates,cron,systemd,redis-server,curl,usr-is-merged"
"""No Node: as on many a pet it came from elsewhere, and the recipe takes the distribution's. No Perl, which usrmerge
would bring all of."""

AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
"""What gives up root before a command."""

SITE = f"""server {{
    listen {NGINX_PORT};
    root /srv/site;
    index index.html;
}}
"""

METRICS = f"""#!/usr/bin/python3
from http.server import BaseHTTPRequestHandler, HTTPServer
HTTPServer(("0.0.0.0", {METRICS_PORT}), BaseHTTPRequestHandler).serve_forever()
"""

METRICS_UNIT = """[Unit]
Description=Metrics
[Service]
ExecStart=/usr/bin/python3 /usr/local/lib/metrics.py
Environment=LEVEL=info
[Install]
WantedBy=multi-user.target
"""

SHOP_UNIT = f"""[Service]
User=shop
WorkingDirectory=/opt/shop
ExecStart=/opt/shop/venv/bin/gunicorn --bind 127.0.0.1:{SHOP_PORT} app:app
[Install]
WantedBy=multi-user.target
"""

FOREIGN_LIST = f"""Package: {FOREIGN}
Version: 4.2
Architecture: all

"""

FOREIGN_STATUS = f"""
Package: {FOREIGN}
Status: install ok installed
Priority: optional
Section: utils
Architecture: all
Version: 4.2
Description: from an archive that is not Debian's
"""

NODE_LOCK = """{
  "name": "printer", "version": "1.0.0", "lockfileVersion": 3, "requires": true,
  "packages": {
    "": {"name": "printer", "version": "1.0.0", "dependencies": {"ms": "2.1.3"}},
    "node_modules/ms": {
      "version": "2.1.3",
      "resolved": "https://registry.npmjs.org/ms/-/ms-2.1.3.tgz",
      "integrity": "sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA=="
    }
  }
}
"""


def put(root: Path, path: str, text: str, *, mode: int = 0o644) -> None:
    """One file of the pet."""
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    place.chmod(mode)


def distribution(folder: Path) -> Path:
    """A plain Debian with a web server, by mmdebstrap."""
    root = folder / "root"
    subprocess.run(
        ["mmdebstrap", "--variant=minbase", "--format=directory", f"--include={INCLUDED}", "bookworm", root],
        check=True,
        capture_output=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
    )
    return root


def lived_in(root: Path) -> None:
    """Fifteen things that somebody did to it by hand."""
    _nginx(root)
    _programs(root)
    _python(root)
    _node(root)
    _packages(root)
    _settings(root)
    _data(root)


@contextmanager
def alive(root: Path) -> Iterator[tuple[str, ...]]:
    """The pet running, with processes and a network of its own; answers what puts a command into it."""
    starts = "nginx; python3 /usr/local/lib/metrics.py & echo started; exec sleep infinity"
    own = ["--pid", "--net", "--mount", "--fork", "--kill-child", f"--root={root}", "--mount-proc", "--wd=/"]
    with subprocess.Popen(["unshare", *own, "sh", "-c", starts], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"started\n"
            (first,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
            into = ("nsenter", f"--target={first}", "--pid", "--net", "--mount", "--root", "--wd=/")
            subprocess.run(["nsenter", f"--target={first}", "--net", "ip", "link", "set", "lo", "up"], check=True)
            waiting = f"until curl -s -o /dev/null http://127.0.0.1:{METRICS_PORT}/; do sleep 0.1; done"
            subprocess.run([*into, "sh", "-c", waiting], check=True, timeout=30)
            yield into
        finally:
            process.kill()


def page_of(into: tuple[str, ...]) -> str:
    """What the living pet serves."""
    asked = [*into, "curl", "-sf", f"http://127.0.0.1:{NGINX_PORT}/"]
    return subprocess.run(asked, check=True, capture_output=True, text=True, timeout=30).stdout


def _nginx(root: Path) -> None:
    conf = root / "etc/nginx/nginx.conf"
    conf.write_text(conf.read_text(encoding="utf-8").replace("worker_connections 768", "worker_connections 512"))
    (root / "etc/nginx/sites-enabled/default").unlink()
    put(root, "/etc/nginx/sites-available/site", SITE)
    (root / "etc/nginx/sites-enabled/site").symlink_to("/etc/nginx/sites-available/site")
    put(root, "/srv/site/index.html", PAGE)


def _programs(root: Path) -> None:
    shutil.copy(root / "usr/bin/true", root / "usr/local/bin/resize")
    put(root, "/usr/local/lib/metrics.py", METRICS, mode=0o755)
    put(root, "/etc/systemd/system/metrics.service", METRICS_UNIT)
    _enable(root, "metrics.service")


def _python(root: Path) -> None:
    _pip(root / "usr/local/lib/python3.11/dist-packages", "itsdangerous==2.2.0")
    venv = root / "opt/shop/venv"
    (venv / "bin").mkdir(parents=True)
    put(venv, "pyvenv.cfg", "home = /usr/bin\nversion = 3.11.2\n")
    (venv / "bin/python3").symlink_to("/usr/bin/python3")
    put(venv, "bin/gunicorn", "#!/opt/shop/venv/bin/python3\n", mode=0o755)
    _pip(venv / "lib/python3.11/site-packages", "gunicorn==23.0.0")
    put(root, "/opt/shop/app.py", "def app(environment, start):\n    start('200 OK', [])\n    return [b'shop']\n")
    put(root, "/etc/systemd/system/shop.service", SHOP_UNIT)
    _enable(root, "shop.service")


def _node(root: Path) -> None:
    put(root, "/opt/printer/package.json", '{"name": "printer", "version": "1.0.0", "dependencies": {"ms": "2.1.3"}}\n')
    put(root, "/opt/printer/package-lock.json", NODE_LOCK)
    put(root, "/opt/printer/index.js", "console.log(require('ms')('2 days'))\n")
    put(root, "/opt/printer/node_modules/ms/package.json", '{"name": "ms", "version": "2.1.3"}\n')
    put(root, "/opt/printer/node_modules/ms/index.js", "module.exports = String\n")


def _packages(root: Path) -> None:
    status = root / "var/lib/dpkg/status"
    text = status.read_text(encoding="utf-8")
    held = text.replace(f"Package: {HELD}\nStatus: install ok", f"Package: {HELD}\nStatus: hold ok")
    status.write_text(held.rstrip("\n") + "\n" + FOREIGN_STATUS, encoding="utf-8")
    put(root, f"/var/lib/dpkg/info/{FOREIGN}.list", "/.\n")
    source = "deb [signed-by=/usr/share/keyrings/widgets.gpg] https://apt.widgets.example/debian stable main\n"
    put(root, "/etc/apt/sources.list.d/widgets.list", source)
    put(root, "/usr/share/keyrings/widgets.gpg", "not a real key\n")
    put(root, "/var/lib/apt/lists/apt.widgets.example_debian_dists_stable_main_binary-amd64_Packages", FOREIGN_LIST)


def _settings(root: Path) -> None:
    put(root, "/etc/hostname", "pet\n")
    put(root, "/etc/sysctl.d/60-tuned.conf", "net.core.somaxconn = 4096\n")
    put(root, "/etc/cron.d/report", "30 2 * * * root /usr/local/bin/resize --nightly\n")
    bashrc = root / "etc/bash.bashrc"
    bashrc.write_text(bashrc.read_text(encoding="utf-8") + "alias ll='ls -l'\n", encoding="utf-8")
    with (root / "etc/passwd").open("a", encoding="utf-8") as passwd:
        passwd.write("shop:x:1001:1001:The shop:/home/shop:/bin/bash\n")


def _data(root: Path) -> None:
    put(root, "/var/lib/redis/dump.rdb", "R" * 5000)
    put(root, "/srv/site/uploads/cat.txt", "c" * 3000)
    key = ["openssl", "genpkey", "-algorithm", "ed25519"]
    put(root, "/opt/shop/signing.pem", subprocess.run(key, check=True, capture_output=True, text=True).stdout)
    put(root, "/opt/shop/.env", "DATABASE_PASSWORD=correct-horse-battery\n")


def _enable(root: Path, unit: str) -> None:
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / unit).symlink_to(f"/etc/systemd/system/{unit}")


def _pip(target: Path, requirement: str) -> None:
    command = [uv.find_uv_bin(), "pip", "install", "-q", "--no-deps", "--python-version", "3.11"]
    subprocess.run([*command, "--target", str(target), requirement], check=True, capture_output=True)
