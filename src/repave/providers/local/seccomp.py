"""System calls that no server process needs and that have been a way out of containers."""

DENIED = (
    "acct",
    "add_key",
    "adjtimex",
    "bpf",
    "clock_adjtime",
    "clock_settime",
    "delete_module",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "init_module",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "ioperm",
    "iopl",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    "mount",
    "mount_setattr",
    "move_mount",
    "nfsservctl",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "pivot_root",
    "process_vm_writev",
    "quotactl",
    "quotactl_fd",
    "reboot",
    "request_key",
    "setdomainname",
    "sethostname",
    "setns",
    "settimeofday",
    "swapoff",
    "swapon",
    "syslog",
    "umount",
    "umount2",
    "unshare",
    "userfaultfd",
    "vhangup",
)
"""By the deny list that Docker documents for its default profile, and io_uring, which Docker denies since 2023."""

ERROR_NOT_PERMITTED = 1
ERROR_NOT_IMPLEMENTED = 38

NEW_USER_NAMESPACE = 0x10000000
"""CLONE_NEWUSER: in a user namespace of its own a process holds every capability over what it makes there."""


def profile() -> dict[str, object]:
    """The profile as the OCI runtime specification writes it.

    ``clone3`` hides its flags behind a pointer, where a filter cannot look: it answers "not implemented", upon which
    the C library uses ``clone``, whose flags can be judged.
    """
    return {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            {"names": list(DENIED), "action": "SCMP_ACT_ERRNO", "errnoRet": ERROR_NOT_PERMITTED},
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ERROR_NOT_IMPLEMENTED},
            {
                "names": ["clone"],
                "action": "SCMP_ACT_ERRNO",
                "errnoRet": ERROR_NOT_PERMITTED,
                "args": [
                    {
                        "index": 0,
                        "value": NEW_USER_NAMESPACE,
                        "valueTwo": NEW_USER_NAMESPACE,
                        "op": "SCMP_CMP_MASKED_EQ",
                    }
                ],
            },
        ],
    }
