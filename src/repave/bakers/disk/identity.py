"""What a machine that goes on from saved memory does before its application starts: it becomes another machine.

By then a program waits in the application's place, with its user and in its sandbox. It is told the variables through
a pipe that only root may open, and becomes the application: all that systemd has to do for it was done before. Where
it is to serve before the memory is saved, it is told its variables before that; once it has answered it stands still,
until the machine is another one.

Perl, since every Debian has it, it can ask the kernel what no shell can, and it is loaded when the memory is saved.
Sources: random(4) on RNDADDENTROPY and RNDRESEEDCRNG, which came with Linux 4.17; clock_settime(2); sethostname(2);
posix_fadvise(2); machine-id(5); pipe(7); sched(7); https://docs.kernel.org/admin-guide/cgroup-v2.html on cgroup.freeze.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from repave.bakers.disk.units import PERL, WARM_NAME
from repave.bakers.rootfs.installation import first_below
from repave.ports.disk_format import ENVIRONMENT_FILE, SECTOR_BYTES
from repave.ports.identity_format import (
    AWAITING,
    AWAITING_ARGUMENT,
    IDENTITY_DISK,
    IDENTITY_WORD,
    SERVING,
    SERVING_WORD,
    TAKEN,
    TRIED_NAME,
)

PLACE = "usr/lib/repave/identity"

FREEZER = f"/sys/fs/cgroup/system.slice/{WARM_NAME}"
"""The application's control group: frozen, none of its programs does anything."""

STARTING = (
    "etc/systemd/system",
    "etc/systemd/system.attached",
    "etc/systemd/system.control",
    "etc/systemd/system-generators",
    "usr/lib/systemd/system",
    "usr/lib/systemd/system-generators",
    "usr/local/lib/systemd",
    "etc/init.d",
    *(f"etc/rc{level}.d" for level in "2345S"),
    "var/lib/systemd/linger",
    "usr/share/dbus-1/system-services",
    "etc/udev/rules.d",
    "usr/lib/udev/rules.d",
)
"""What lies here starts something, or has something of the base started that is not by itself.

Sources: systemd.unit(5), systemd.generator(7), systemd-sysv-generator(8), loginctl(1), dbus-daemon(1), udev(7).
"""

IDENTITY_UNIT = f"""\
[Unit]
Description=Who this machine is
ConditionKernelCommandLine={AWAITING_ARGUMENT}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={PERL} /{PLACE}
"""


def why_cold(above: Iterable[Path], units: Sequence[str], *, cloud_init: bool) -> str:
    """Why a machine cannot go on from saved memory as another one; "" where it can.

    Whatever runs when the memory is saved would draw the same random numbers in each machine, and keep the keys that it
    made: it may be what the base starts, and nothing else. ``above`` has every layer above the base,
    ``units`` are those that the recipe names.
    """
    if cloud_init:
        return "its image gives each machine more than name and variables at its start (SSH, cloud-init)"
    brought = (first_below(layer, STARTING) for layer in above)
    found = next(chain(units, (f"/{path}" for path in brought if path)), None)
    if found is None:
        return ""
    return f"its image starts more than its application ({found!a}), and what that makes would be the same in each"


WAITING_SCRIPT = """\
use strict;
use warnings FATAL => 'all';

# As systemd looks for a program.
my ($name) = @ARGV;
my ($program) = $name =~ m{/} ? $name : grep { -x } map { "$_/$name" } split /:/, $ENV{PATH};
my $variables = do { local $/; readline STDIN };
while ($variables =~ /\\G\\n*([^=\\n]+)="((?:[^"\\\\]|\\\\.)*)"/gcs) {
    my ($variable, $value) = ($1, $2);
    $ENV{$variable} = $value =~ s/\\\\(.)/$1/grs;
}
$variables =~ /\\G\\n*\\z/ or die 'its variables cannot be read';
open STDIN, '<', '/dev/null' or die "/dev/null: $!";
exec { $program // $name } @ARGV;
"""
"""Waits in the application's place, with its user and in its sandbox, until the variables are told; then becomes it."""

SCRIPT = f"""\
use strict;
use warnings FATAL => 'all';

use constant {{ FIONREAD => 0x541b, RNDADDENTROPY => 0x40085203, RNDRESEEDCRNG => 0x5207 }};
use constant {{ SYS_SCHED_SETSCHEDULER => 144, SCHED_FIFO => 1 }};
use constant {{ SYS_SYNC => 162, SYS_SETHOSTNAME => 170, SYS_FADVISE => 221, SYS_CLOCK_SETTIME => 227 }};
use constant {{ FADVISE_DONTNEED => 4, CLOCK_REALTIME => 0 }};

sub content {{
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!";
    my $line = readline $file;
    chomp $line if defined $line;
    return $line // '';
}}

sub opened {{
    my ($how, $path) = @_;
    open my $file, $how, $path or die "$path: $!";
    return $file;
}}

# From and to the beginning of a file that is open.
sub text {{
    my ($file) = @_;
    my $text = '';
    sysseek $file, 0, 0;
    sysread $file, $text, {SECTOR_BYTES} or die "what is to be read: $!";
    return $text;
}}

sub put {{
    my ($file, $content) = @_;
    sysseek $file, 0, 0;
    (syswrite($file, $content) // 0) == length $content or die "what is to be written: $!";
}}

sub lines {{
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!";
    return readline $file;
}}

my ($place) = grep {{ content("$_/serial") eq '{IDENTITY_DISK}' }} glob '/sys/block/vd*';
defined $place or die 'there is no disk {IDENTITY_DISK}';
my $disk = opened('<', '/dev/' . substr $place, length '/sys/block/');

# As it is now: it becomes another one.
my $head;
sub first_sector {{
    syscall(SYS_FADVISE, fileno $disk, 0, 0, FADVISE_DONTNEED) == 0 or die "$place: $!";
    return $head = text($disk);
}}

sub content_of_disk {{
    my ($size) = @_;
    my $content = '';
    sysseek $disk, 1 + index($head, "\\n"), 0;
    while (length $content < $size) {{
        sysread $disk, $content, $size - length $content, length $content or die "$place: $!";
    }}
    return $content;
}}

# Whoever waits in the application's place has all it needs but its variables once it has taken a line.
my $variables_to = opened('>', '{ENVIRONMENT_FILE}');
put($variables_to, "\\n");
for (my $left = pack 'i', 1; unpack('i', $left) > 0; select undef, undef, undef, 0.02) {{
    ioctl $variables_to, FIONREAD, $left or die "{ENVIRONMENT_FILE}: $!";
}}

sub inform {{
    my ($variables) = @_;
    print {{$variables_to}} $variables;
    close $variables_to or die "{ENVIRONMENT_FILE}: $!";
}}

# As the load balancer asks.
sub answers {{
    my ($port, $path) = @_;
    require IO::Socket::INET;
    my $answer = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 5) or return 0;
    my $said = eval {{
        local $SIG{{ALRM}} = sub {{ die "too late\\n" }};
        local $SIG{{PIPE}} = 'IGNORE';
        alarm 30;
        print {{$answer}} "GET $path HTTP/1.0\\r\\nHost: 127.0.0.1\\r\\n\\r\\n";
        local $/;
        readline $answer;
    }};
    alarm 0;
    return defined $said && $said =~ m{{\\AHTTP/1\\.[01] [23]}};
}}

# An application that is to serve before the memory is saved.
my $freezer;
my ($port, $path, $size) = first_sector() =~ /\\A{SERVING_WORD} ([0-9]+) ([0-9a-f]+) ([0-9]+)\\n/;
if (defined $port) {{
    inform(content_of_disk($size));
    select undef, undef, undef, 0.2 until answers($port, pack 'H*', $path);
    put($freezer = opened('>', '{FREEZER}/cgroup.freeze'), '1');
    select undef, undef, undef, 0.02 until grep {{ /^frozen 1$/ }} lines('{FREEZER}/cgroup.events');
}}

# Open before the memory is saved, so that nobody has to look it up again while somebody waits for an answer.
my $console = opened('>', '/dev/console');
my $generator = opened('>', '/dev/urandom');
my $clock = opened('<', '/sys/class/rtc/rtc0/since_epoch');
my $uuid = opened('<', '/proc/sys/kernel/random/uuid');
my $identity = opened('+<', '/etc/machine-id');
umask 0077;
my $kept = opened('>', '{ENVIRONMENT_FILE}.told');

# Before all that another name and another time wake. Where the kernel grants no such thing it merely takes longer.
my $priority = pack 'i', 1;
syscall SYS_SCHED_SETSCHEDULER, 0, SCHED_FIFO, $priority;

# What was written is on the disk: nothing of it is under way while the memory is saved.
syscall SYS_SYNC;
put($console, "{AWAITING}\\n");

# The disk is another one as soon as this machine goes on. Nothing else happens meanwhile.
my @told;
until (@told = first_sector() =~ /\\A{IDENTITY_WORD} ([0-9a-f]+) ([A-Za-z0-9-]+) ([0-9]+)\\n/) {{
    select undef, undef, undef, 0.005;
}}
(my ($random, $name), $size) = @told;
my $variables = content_of_disk($size);

# First of all: no two machines may draw the same.
# Counted as random: older kernels are keyed anew by nothing else.
my $drawn = pack 'i2H*', length($random) * 4, length($random) / 2, $random;
ioctl $generator, RNDADDENTROPY, $drawn or die "/dev/urandom: $!";
ioctl $generator, RNDRESEEDCRNG, 0 or die "/dev/urandom: $!";

# The machine's clock has whole seconds, and is read on average in the middle of one.
my $now = pack 'q2', text($clock), 500_000_000;
syscall(SYS_CLOCK_SETTIME, CLOCK_REALTIME, $now) == 0 or die "the clock: $!";

syscall(SYS_SETHOSTNAME, $name, length $name) == 0 or die "the name: $!";
put($identity, text($uuid) =~ tr/-\\n//dr . "\\n");

# Kept for an application that is started anew.
put($kept, $variables);
rename '{ENVIRONMENT_FILE}.told', '{ENVIRONMENT_FILE}' or die "{ENVIRONMENT_FILE}: $!";
if (defined $port) {{
    put($freezer, '0');
}} else {{
    inform($variables);
}}

# systemd has much to do once this ends: after the application's first answer.
if ($name ne '{TRIED_NAME}') {{
    sleep 5;
    exit;
}}
put($console, "{TAKEN}\\n");

# Nobody is to find out later that the application did not bear standing still.
if (defined $port) {{
    select undef, undef, undef, 0.2 until answers($port, pack 'H*', $path);
    put($console, "{SERVING}\\n");
}}
"""
