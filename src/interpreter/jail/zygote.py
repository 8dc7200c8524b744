"""Fork server inside the jail: a warm Python that starts each snippet in a child of its own.

Follows harness.py and preload.py in one program. Reads one JSON request a line on descriptor 0 and answers one JSON
line on descriptor 1. A child gets its own process and mount namespace, an empty 16 MB /tmp, resource limits, no
capabilities and a system-call filter; it knows three pipes and nothing else. What became of it is told from outside
(exit, signal, time), so a snippet cannot forge its end.
"""
import base64
import ctypes
import gc
import json
import os
import platform
import resource
import select
import signal
import sys
import time

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
MS_NOSUID_NODEV = 2 | 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
CAPABILITY_VERSION_3 = 0x20080522
REPORT_LIMIT = 1 << 18
# What a bare Python maps before the snippet asks for anything.
BASE_BYTES = 64 << 20

filter_bytes = base64.b64decode(os.environ.pop("CIRLAB_FILTER"))
clone_number = int(os.environ.pop("CIRLAB_CLONE"))
libc = ctypes.CDLL(None, use_errno=True)
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


def lock_down(request):
    check(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", MS_NOSUID_NODEV, b"size=16m,nr_inodes=1k,mode=1777"), "mount /tmp")
    os.chdir("/tmp")
    limits = (
        (resource.RLIMIT_AS, BASE_BYTES + (int(request["memoryMb"]) << 20)),
        (resource.RLIMIT_CPU, int(request["timeoutMs"] / 1000) + 2),
        (resource.RLIMIT_FSIZE, 16 << 20),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, 1024),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    )
    for name, value in limits:
        resource.setrlimit(name, (value, value))
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = CapabilityHeader(CAPABILITY_VERSION_3, 0)
    check(libc.capset(ctypes.byref(header), (CapabilityData * 2)()), "capset")
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    check(libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(filter_program), 0, 0), "seccomp")


def child(request, out, err, report, setup):
    """The snippet's process, from clone to end."""
    try:
        os.setsid()  # a group of its own: os.kill(0, 9) must not reach the zygote
        report, setup = (os.dup2(fd, to) for fd, to in ((report, 60), (setup, 61)))
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.dup2(report, 3)
        os.closerange(4, 61)
        os.closerange(62, 256)
        lock_down(request)
        os.write(setup, b"k")
        os.close(setup)
    except BaseException as problem:
        os.write(setup, repr(problem).encode("utf-8", "replace"))
        os._exit(97)
    gc.enable()
    said = execute(json.dumps(request))
    text = said.encode()
    while text:
        text = text[os.write(3, text):]
    os._exit(json.loads(said)["exitCode"])


def clone():
    pid = python_api.syscall(clone_number, CLONE_NEWPID | CLONE_NEWNS | signal.SIGCHLD, 0, 0, 0, 0)
    if pid < 0:
        check(pid, "clone")
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
    return pid


def serve(request):
    deadline = time.monotonic() + request["timeoutMs"] / 1000
    pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(4)]
    pid = clone()
    if pid == 0:
        child(request, *(write for _, write in pipes))
    for _, write in pipes:
        os.close(write)
    out, err, report, setup = (read for read, _ in pipes)
    held = {out: bytearray(), err: bytearray(), report: bytearray()}
    watch = os.pidfd_open(pid)
    poll = select.poll()
    for descriptor in (*held, watch):
        poll.register(descriptor, select.POLLIN)

    def take(descriptor):
        block = os.read(descriptor, 65536)
        held[descriptor] += block
        return len(block)

    def too_much():
        return len(held[out]) + len(held[err]) > request["maxOutputBytes"] or len(held[report]) > REPORT_LIMIT

    verdict = None
    ended = False
    while not ended and verdict is None:
        left = deadline - time.monotonic()
        if left <= 0:
            verdict = "timeout"
            break
        for descriptor, _ in poll.poll(left * 1000):
            if descriptor == watch:
                ended = True
            elif not take(descriptor):
                poll.unregister(descriptor)
        if too_much():
            verdict = "outputLimit"
    if not ended:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    for descriptor in held:  # what was still in the pipes
        os.set_blocking(descriptor, False)
        while not too_much():
            try:
                if not take(descriptor):
                    break
            except BlockingIOError:
                break
    if verdict is None and too_much():
        verdict = "outputLimit"
    prepared = os.read(setup, 400)
    for descriptor in (out, err, report, setup, watch):
        os.close(descriptor)
    if prepared != b"k":
        raise RuntimeError("the jail of a snippet could not be set up: " + prepared.decode("utf-8", "replace"))
    killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    if verdict is None:
        if killed_by == signal.SIGXCPU:
            verdict = "timeout"
        elif killed_by == signal.SIGKILL:
            verdict = "memory"  # nobody but the kernel's memory killer (or a CPU limit) does this
        else:
            verdict = "report" if held[report] and killed_by is None else "crash"
    limit = request["maxOutputBytes"]
    room = max(0, limit - len(held[out]))
    for name, descriptor, most in (("out", out, limit), ("err", err, room)):
        if held[descriptor]:
            answer({"id": request["id"], name: base64.b64encode(held[descriptor][:most]).decode()})
    answer(
        {
            "id": request["id"],
            "done": verdict,
            "report": held[report].decode("utf-8", "replace") if verdict == "report" else None,
            "exitCode": None if killed_by else os.WEXITSTATUS(status),
            "reusable": True,
        }
    )


def answer(reply):
    text = (json.dumps(reply) + "\n").encode()
    while text:
        text = text[os.write(replies, text):]


# The packages of the distribution are not part of what is offered: both engines have the standard library alone.
sys.path[:] = [entry for entry in sys.path if entry and "-packages" not in entry]
requests = os.fdopen(os.dup(0), "rb")
replies = os.dup(1)
os.closerange(max(requests.fileno(), replies) + 1, 65536)
nothing = os.open("/dev/null", os.O_RDWR)
os.dup2(nothing, 0)
os.dup2(nothing, 1)
gc.collect()
gc.freeze()
gc.disable()
answer({"ready": True, "version": platform.python_version()})
for line in requests:
    serve(json.loads(line))
