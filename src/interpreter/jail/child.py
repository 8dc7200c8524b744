"""The snippet's process, from clone to end, and the zygote's view of it.

The child knows its output pipes (1, 2), the pipe for its report (3) and, in a session, the pipe that further cells come
through (4); nothing else of the zygote reaches it.
"""
import gc
import json
import math
import os
import resource
import signal
import time

REPORT_LIMIT = 1 << 18
REPORT_LIMIT_WITH_PLOTS = 1 << 24
BLOCK = 1 << 16
# Descriptors of the zygote stay clear of those that a child gets.
FIRST_DESCRIPTOR = 10


def send_all(descriptor, data):
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view):]


def report_of(text):
    """One line: the harness's report and the process's peak memory so far, in KiB."""
    said = execute(text)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    send_all(3, json.dumps({"report": said, "peak": peak}).encode() + b"\n")
    return said


def run_child(text, request, pipes, base_bytes, descriptor_limit):
    """Never returns."""
    try:
        os.setsid()  # a group of its own: os.kill(0, 9) must not reach the zygote
        for to, descriptor in enumerate(pipes, 1):
            os.dup2(descriptor, to)
        os.closerange(len(pipes) + 1, descriptor_limit)
        # Wall time is kept from outside; this is for the case that the one who keeps it is held up.
        cpu_seconds = None if request["session"] else 2 * math.ceil(request["timeoutMs"] / 1000) + 2
        lock_down(request["memoryMb"], base_bytes, cpu_seconds)
        os.write(3, b"k")
    except BaseException as problem:
        os.write(3, b"!" + repr(problem).encode("utf-8", "replace")[:400])
        os._exit(97)
    gc.enable()
    said = report_of(text)
    if request["session"] is None:
        os._exit(json.loads(said)["exitCode"])
    with open(4, "rb", closefd=False) as cells:
        for line in cells:
            report_of(line)
    os._exit(0)


class Child:
    """A snippet's or a session's process as the zygote sees it."""

    def __init__(self, text, request, base_bytes, descriptor_limit):
        self.session = request["session"]
        pairs = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        out, err, report = (read for read, _ in pairs)
        ends = [write for _, write in pairs]
        self.cells = None
        if self.session is not None:
            read, self.cells = os.pipe2(os.O_CLOEXEC)
            ends.append(read)
            os.set_blocking(self.cells, False)
        self.pid = clone()
        if self.pid == 0:
            run_child(text, request, ends, base_bytes, descriptor_limit)
        for descriptor in ends:
            os.close(descriptor)
        self.out, self.err, self.report = out, err, report
        for descriptor in (out, err, report):
            os.set_blocking(descriptor, False)
        self.watch = os.pidfd_open(self.pid)
        self.cpu_clock = ~self.pid << 3 | 2  # clock_getcpuclockid(3)
        self.prepared = False
        self.pending = b""
        self.status = self.usage = None
        self.begin(request)

    def begin(self, request):
        self.request = request
        self.held = {self.out: bytearray(), self.err: bytearray(), self.report: bytearray()}
        self.verdict = None
        self.pace = "quick"
        self.since = time.monotonic()
        self.deadline = self.since + request["timeoutMs"] / 1000
        self.seen_at, self.seen_cpu = self.since, self.cpu_seconds()

    def next_cell(self, text, request):
        """A further cell. The process stands still since the last one: what is in its pipes belongs to nobody."""
        for descriptor in (self.out, self.err, self.report):
            self.drain(descriptor, None)
        self.begin(request)
        self.pending = text + b"\n"
        os.kill(self.pid, signal.SIGCONT)

    def feed(self):
        """Sends what fits of the next cell."""
        try:
            self.pending = self.pending[os.write(self.cells, self.pending):]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self.pending = b""

    def cpu_seconds(self):
        try:
            return time.clock_gettime(self.cpu_clock)
        except OSError:
            return 0.0

    def take(self, descriptor):
        """Reads a block; false at the end."""
        try:
            block = os.read(descriptor, BLOCK)
        except BlockingIOError:
            return True
        self.held[descriptor] += block
        return bool(block)

    def drain(self, descriptor, keep):
        """Reads what is there, into `keep` or to throw it away; false at the end."""
        try:
            while keep is None or not self.too_much():
                block = os.read(descriptor, BLOCK)
                if not block:
                    return False
                if keep is not None:
                    keep += block
        except BlockingIOError:
            pass
        return True

    def too_much(self):
        written = len(self.held[self.out]) + len(self.held[self.err])
        most = REPORT_LIMIT_WITH_PLOTS if self.request["plots"] else REPORT_LIMIT
        return written > self.request["maxOutputBytes"] or len(self.held[self.report]) > most

    @property
    def reported(self):
        return self.held[self.report].endswith(b"\n")

    def freeze(self):
        os.kill(self.pid, signal.SIGSTOP)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def reap(self):
        """Waits for the end, which is near, and lets go of everything."""
        _, self.status, self.usage = os.wait4(self.pid, 0)
        for descriptor, held in self.held.items():
            self.drain(descriptor, held)

    def close(self):
        for descriptor in (self.out, self.err, self.report, self.watch, self.cells):
            if descriptor is not None:
                os.close(descriptor)

    def read_report(self):
        """(report, peak KiB) of the held line; None where there is none that can be read.

        Raises where the process could not even be confined.
        """
        held = bytes(self.held[self.report])
        if not self.prepared:
            if held[:1] == b"!":
                raise RuntimeError("the jail of a snippet could not be set up: " + held[1:].decode("utf-8", "replace"))
            self.prepared = held[:1] == b"k"
            held = held[1:]
        try:
            said = json.loads(held)
            return str(said["report"]), int(said["peak"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
