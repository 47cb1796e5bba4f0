"""The fixed choices of this provider, each with its reason."""

MIB = 1024 * 1024

COMMAND_SECONDS = 30.0
"""For one short program (ip, mount, runc delete): a hundred times what a busy machine needs."""

FLUSH_SECONDS = 600.0
"""For this machine's disk to have what was unpacked, and all that others write to it meanwhile: it takes seconds."""

START_SECONDS = 60
"""For runc to start a process: it has 0.05 s to do; a minute means a hung disk, and the launch is uncertain."""

STOP_PATIENCE_SECONDS = 5.0
"""From SIGTERM to SIGKILL. Requests were drained before; this is for flushing what the application holds."""

CONSOLE_BYTES = 8 * MIB
"""Disk one console may take before its oldest part is given back."""

CONSOLE_KEPT_BYTES = 4 * MIB
"""What stays then: half, so that it happens rarely."""

CONSOLES_KEPT = 20
"""Ended instances per fleet whose output stays readable: some roll-outs of a small fleet."""

PROCESSES_MOST = 4096
"""Processes and threads of one instance: far above a web server's need, far below the machine's."""

TEMPORARY_BYTES = 256 * MIB
"""Of each writable folder (memory): an instance cannot fill the machine's memory by its temporary files."""

SUBNETS = (10, 64, 192)
"""Project networks are 10.64.x.0/24 to 10.191.x.0/24: clear of the low and high ends others like to use."""

FOLLOW_SECONDS = 0.2
"""How often a followed console looks for more."""

MACHINE_MEMORY_BYTES = 512 * MIB
"""Of a virtual machine whose fleet sets no limit: a slim Debian takes 200 MiB of it."""

MACHINE_CPUS = 2
"""Processors of a virtual machine whose fleet sets no limit, if this machine has as many: it starts a third sooner."""

EMULATOR_BYTES = 512 * MIB
"""What QEMU itself may take beside its guest's memory: translated code, buffers of disks and network."""

TRANSLATED_MIB = 256
"""Of that, translated code; QEMU's own choice would be up to 1 GiB."""

POWER_DOWN_SECONDS = 20.0
"""From the power button to the end of QEMU: an emulated systemd takes 5 to 10 s to end its services."""

MONITOR_SECONDS = 2.0
"""For QEMU to answer: it takes milliseconds; one that takes this long hangs, or this machine does."""

TRIAL_SECONDS = 3.0
"""For a boot sector to be reached: 0.1 s emulated; far longer where virtualisation is itself badly emulated."""

AWAITING_SECONDS = 300.0
"""For a machine whose memory is to be saved to be ready: 15 s emulated, a minute beside others."""

AWAITING_LOOK_SECONDS = 0.1
"""How often its console is looked at."""

SAVE_SECONDS = 60.0
"""For memory to be written to a file: it takes 0.2 s."""

LOAD_SECONDS = 30.0
"""For QEMU to read saved memory back: it takes 0.3 s; starting anew is quicker than waiting longer."""

PROVE_SECONDS = 60.0
"""For a machine that goes on from saved memory to say that it has its identity: it takes 1 s emulated."""

SAVE_TRIES = 3
"""How often memory is saved until a machine goes on from it: what was under way as it was saved may be lost."""

LOAD_LOOK_SECONDS = 0.02
"""How often QEMU is asked meanwhile."""
