"""What a machine that goes on from saved memory does before its application starts: it becomes another machine.

Perl, since every Debian has it, it can ask the kernel what no shell can, and it is loaded when the memory is saved.
Sources: random(4) on RNDRESEEDCRNG, which came with Linux 4.17; clock_settime(2); machine-id(5); linux/fs.h.
"""

from repave.bakers.disk.units import NAME
from repave.ports.disk_format import ENVIRONMENT_FILE, SECTOR_BYTES
from repave.ports.identity_format import AWAITING, AWAITING_ARGUMENT, IDENTITY_DISK, IDENTITY_WORD

PLACE = "usr/lib/repave/identity"

IDENTITY_UNIT = f"""\
[Unit]
Description=Who this machine is
ConditionKernelCommandLine={AWAITING_ARGUMENT}
Wants=network-online.target
After=network-online.target
Before={NAME}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/perl /{PLACE}
"""

SCRIPT = f"""\
use strict;
use warnings FATAL => 'all';

use constant {{ BLKFLSBUF => 0x1261, RNDRESEEDCRNG => 0x5207, SYS_CLOCK_SETTIME => 227, CLOCK_REALTIME => 0 }};

sub content {{
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!";
    my $line = readline $file;
    chomp $line if defined $line;
    return $line // '';
}}

sub put {{
    my ($path, $content) = @_;
    open my $file, '>', $path or die "$path: $!";
    syswrite($file, $content) == length $content or die "$path: $!";
    return $file;
}}

my ($place) = grep {{ content("$_/serial") eq '{IDENTITY_DISK}' }} glob '/sys/block/vd*';
defined $place or die 'there is no disk {IDENTITY_DISK}';
open my $disk, '<', '/dev/' . substr $place, length '/sys/block/' or die "$place: $!";
put('/dev/console', "{AWAITING}\\n");

# The disk is another one as soon as this machine goes on. Nothing else happens meanwhile.
my ($head, @told) = '';
until (@told = $head =~ /\\A{IDENTITY_WORD} ([0-9a-f]+) ([A-Za-z0-9-]+) ([0-9]+)\\n/) {{
    select undef, undef, undef, 0.02;
    ioctl $disk, BLKFLSBUF, 0 or die "$place: $!";
    sysseek $disk, 0, 0;
    sysread $disk, $head, {SECTOR_BYTES};
}}
my ($random, $name, $size) = @told;
sysseek $disk, 1 + index($head, "\\n"), 0;
my $variables = '';
while (length $variables < $size) {{
    sysread $disk, $variables, $size - length $variables, length $variables or die "$place: $!";
}}

# First of all: no two machines may draw the same.
my $generator = put('/dev/urandom', pack 'H*', $random);
ioctl $generator, RNDRESEEDCRNG, 0 or die "/dev/urandom: $!";

# The machine's clock has whole seconds, and is read on average in the middle of one.
my $now = pack 'q2', content('/sys/class/rtc/rtc0/since_epoch'), 500_000_000;
syscall(SYS_CLOCK_SETTIME, CLOCK_REALTIME, $now) == 0 or die "the clock: $!";

put('/proc/sys/kernel/hostname', $name);
put('/etc/machine-id', content('/proc/sys/kernel/random/uuid') =~ tr/-//dr . "\\n");
umask 0077;
put('{ENVIRONMENT_FILE}', $variables);
"""
