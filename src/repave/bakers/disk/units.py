"""The application as a unit of systemd: its own user, and a view of the machine in which it can change nothing.

Sources: systemd.service(5), systemd.exec(5), systemd.syntax(7).
"""

from collections.abc import Sequence

from repave.bakers.rootfs.ownership import ENVIRONMENT, working_folder
from repave.model.recipe import Image
from repave.ports.baker import BakeRequest
from repave.ports.disk_format import ENVIRONMENT_FILE
from repave.ports.errors import Invalid
from repave.ports.identity_format import AWAITING_ARGUMENT

UNITS = "etc/systemd/system"
NAME = "repave-application.service"
WARM_NAME = "repave-application-warm.service"
"""The same application in a machine whose memory is saved: everything but itself is there before."""

IDENTITY_NAME = "repave-identity.service"
"""What tells a machine that goes on from saved memory who it is; in others it is skipped."""

TARGET = "multi-user.target"
"""What starts by itself is wanted by it."""

WANTS = f"{TARGET}.wants"
"""Where that is linked, below `UNITS`."""

OWN_NAME = "ProtectHostname=yes"
"""It would keep the name that the machine has as it starts. Who has no rights cannot change that without it either."""

SANDBOX = (
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
    "AmbientCapabilities=CAP_NET_BIND_SERVICE",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    OWN_NAME,
    "ProtectProc=invisible",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "SystemCallArchitectures=native",
    "UMask=0077",
)
"""What it may do: serve at any port, below 1024 too, and keep files for as long as it runs in its own /tmp."""

NOBODY = "nobody"

PERL = "/usr/bin/perl"
WAITING_PLACE = "usr/lib/repave/application"
"""The program that waits in the application's place."""


def application_unit(request: BakeRequest) -> str:
    """The unit's file. Raises Invalid for a command that no unit can hold."""
    return _unit(
        request,
        begins=(f"ConditionKernelCommandLine=!{AWAITING_ARGUMENT}",),
        sandbox=SANDBOX,
        start=command(request.image),
        variables=f"EnvironmentFile=-{ENVIRONMENT_FILE}",
    )


def warm_unit(request: BakeRequest) -> str:
    """The unit's file where memory is saved: a program waits in the application's place, and becomes it.

    Raises Invalid for a command that no unit can hold.
    """
    return _unit(
        request,
        begins=(f"ConditionKernelCommandLine={AWAITING_ARGUMENT}", f"Requires={IDENTITY_NAME}"),
        sandbox=[line for line in SANDBOX if line != OWN_NAME],
        start=f"{PERL} /{WAITING_PLACE} {command(request.image)}",
        variables=f"StandardInput=file:{ENVIRONMENT_FILE}",
    )


def _unit(request: BakeRequest, *, begins: Sequence[str], start: str, variables: str, sandbox: Sequence[str]) -> str:
    image = request.image
    lines = [
        "[Unit]",
        f"Description=The application of {image.name}",
        *begins,
        "Wants=network-online.target",
        "After=network-online.target cloud-init.service",
        "",
        "[Service]",
        f"ExecStart=:{start}",
        f"WorkingDirectory={_value(working_folder(request) or '/')}",
        *(f"Environment={_quoted(f'{name}={value}')}" for name, value in ENVIRONMENT.items()),
        variables,
        *_user(image),
        "Restart=on-failure",
        "RestartSec=1",
        # Before whatever else starts with it.
        "StartupCPUWeight=1000",
        # The console is kept by who runs the machine: what the application says last is found there.
        "StandardOutput=journal+console",
        *sandbox,
        *(f"ReadWritePaths={_value(path)}" for path in image.data),
        "",
        "[Install]",
        f"WantedBy={TARGET}",
    ]
    return "\n".join(lines) + "\n"


def command(image: Image) -> str:
    """The command as one line that systemd takes apart into the same arguments. Raises Invalid."""
    if not image.run:
        raise Invalid(f"image {image.name} has no `run`", hint="say what the machine's application is")
    return " ".join(_quoted(argument) for argument in image.run)


def _user(image: Image) -> Sequence[str]:
    user, _, group = image.user.partition(":")
    if user == NOBODY:
        # One of its own, which lives as long as the application does: nobody is shared by whoever needs no rights.
        return ("DynamicUser=yes", "User=application")
    return (f"User={user}", *([f"Group={group}"] if group else []))


def _quoted(argument: str) -> str:
    if "\0" in argument:
        raise Invalid(f"the command's argument {argument!a} holds a NUL", hint="no program can be given one")
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    for character, sequence in (("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        escaped = escaped.replace(character, sequence)
    return f'"{escaped}"'


def _value(path: str) -> str:
    return path.replace("\\", "\\\\").replace("%", "%%").replace(" ", "\\x20")
