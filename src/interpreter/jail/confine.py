"""What shuts a snippet's process in: namespaces of its own, an empty 16 MB /tmp, resource limits, no capabilities and a
system-call filter. Needs nothing but the standard library.
"""
import base64
import ctypes
import os
import resource
import signal

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
MS_NOSUID_NODEV = 2 | 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
CAPABILITY_VERSION_3 = 0x20080522
# What Python maps of its own accord while a snippet runs (arenas, a thread's stack), beyond the snippet's memory.
SLACK_BYTES = 40 << 20

filter_bytes = base64.b64decode(os.environ.pop("CIRLAB_FILTER"))
clone_number = int(os.environ.pop("CIRLAB_CLONE"))
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
python_api = ctypes.PyDLL(None, use_errno=True)
python_api.syscall.restype = ctypes.c_long


class FilterProgram(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


class CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class CapabilityData(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


filter_buffer = ctypes.create_string_buffer(filter_bytes, len(filter_bytes))
filter_program = FilterProgram(len(filter_bytes) // 8, ctypes.addressof(filter_buffer))


def check(returned, what):
    if returned != 0:
        code = ctypes.get_errno()
        raise OSError(code, what + ": " + os.strerror(code))


def mapped_bytes():
    """Address space in use now, to the MiB: there is no /proc to ask, so the limit itself is moved until it binds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    page, private_anonymous, failed = 4096, 0x22, ctypes.c_void_p(-1).value
    low, high = 0, 1 << 17  # MiB
    while high - low > 1:
        middle = (low + high) // 2
        resource.setrlimit(resource.RLIMIT_AS, (middle << 20, hard))
        found = libc.mmap(None, page, 0, private_anonymous, -1, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        if found == failed:
            low = middle
        else:
            libc.munmap(found, page)
            high = middle
    return high << 20


def lock_down(memory_mb, base_bytes, cpu_seconds):
    """Gives this process, a child of clone(), all that it may never get rid of. `cpu_seconds` None: no limit."""
    check(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", MS_NOSUID_NODEV, b"size=16m,nr_inodes=1k,mode=1777"), "mount /tmp")
    os.chdir("/tmp")
    limits = [
        (resource.RLIMIT_AS, base_bytes + SLACK_BYTES + (int(memory_mb) << 20)),
        (resource.RLIMIT_FSIZE, 16 << 20),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, 1024),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ]
    if cpu_seconds is not None:
        limits.append((resource.RLIMIT_CPU, cpu_seconds))
    for name, value in limits:
        resource.setrlimit(name, (value, value))
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = CapabilityHeader(CAPABILITY_VERSION_3, 0)
    check(libc.capset(ctypes.byref(header), (CapabilityData * 2)()), "capset")
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    check(libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(filter_program), 0, 0), "seccomp")


def clone():
    """Forks into a process and mount namespace of the child's own."""
    pid = python_api.syscall(clone_number, CLONE_NEWPID | CLONE_NEWNS | signal.SIGCHLD, 0, 0, 0, 0)
    if pid < 0:
        check(pid, "clone")
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
    return pid
