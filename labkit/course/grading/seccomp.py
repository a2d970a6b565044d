"""A filter on system calls for the sandbox: no new process, no memory that belongs to no process, no debugging.

It is a program for the kernel's packet filter (BPF): load the number of the call, compare it with each forbidden one,
answer with an error. A process that cannot fork is bounded by its own limits, and a fork bomb is one error message.
"""

import platform
import struct

LOAD, EQUAL, AT_LEAST, HAS_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # BPF: ld abs, jeq, jge, jset, ret
ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000  # what the filter answers; an error's number is added
EPERM, ENOSYS = 1, 38
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data, little endian
CLONE_THREAD = 0x10000
X32 = 0x40000000  # a second numbering of the same calls on x86_64

# per machine: the kernel's name of it, `clone`, and what is forbidden
MACHINES = {
    "x86_64": (
        0xC000003E,
        56,
        {
            "fork": 57, "vfork": 58, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311,
            "memfd_create": 319, "memfd_secret": 447, "io_uring_setup": 425, "userfaultfd": 323,
            "perf_event_open": 298, "bpf": 321, "add_key": 248, "request_key": 249, "keyctl": 250, "shmget": 29,
            "msgget": 68, "semget": 64, "mq_open": 240, "unshare": 272, "setns": 308, "mount": 165, "pivot_root": 155,
        },
    ),
    "aarch64": (
        0xC00000B7,
        220,
        {
            "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "memfd_create": 279,
            "memfd_secret": 447, "io_uring_setup": 425, "userfaultfd": 282, "perf_event_open": 241, "bpf": 280,
            "add_key": 217, "request_key": 218, "keyctl": 219, "shmget": 194, "msgget": 186, "semget": 190,
            "mq_open": 180, "unshare": 97, "setns": 268, "mount": 40, "pivot_root": 41,
        },
    ),
}  # fmt: skip
CLONE3 = 435  # its flags lie in memory, where no filter sees them; told it does not exist, the C library takes clone


def seccomp_filter(machine: str | None = None) -> bytes:
    """The filter for this kind of machine, as `bwrap --seccomp` reads it; empty for a kind that is not in the table."""
    if (machine := machine or platform.machine()) not in MACHINES:
        return b""
    architecture, clone, forbidden = MACHINES[machine]
    steps = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL), (LOAD, 0, 0, NUMBER)]
    steps += [(AT_LEAST, 0, 1, X32), (RETURN, 0, 0, KILL), (EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, ERROR | ENOSYS)]
    for number in forbidden.values():
        steps += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ERROR | EPERM)]
    steps += [(EQUAL, 1, 0, clone), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, FIRST_ARGUMENT)]
    steps += [(HAS_BIT, 1, 0, CLONE_THREAD), (RETURN, 0, 0, ERROR | EPERM), (RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)
