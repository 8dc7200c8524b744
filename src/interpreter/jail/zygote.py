"""Fork server inside the jail: a warm Python that starts each snippet in a child of its own, many at once.

Stands last in one program, after the harness, confine.py and child.py. Reads one JSON request a line on descriptor 0 and
answers in JSON lines on descriptor 1, in the order in which snippets end. What became of a child is told from outside
(exit, signal, time), so a snippet cannot forge its end. A session is a child that stays; between two cells it is
stopped, so that nothing of it runs.
"""
import base64
import gc
import json
import os
import platform
import resource
import select
import signal
import sys
import time

# Where a snippet has run this long, the driver is told whether it computes or waits.
SLOW_AFTER = 0.1
# Less of a core than this is waiting. So little, because on a crowded machine a busy process gets little too.
IDLE_SHARE = 0.02
# From Linux's headers; a huge page of x86-64, and of arm64 with pages of 4 KiB.
MADV_COLLAPSE = 25
HUGE_PAGE_BITS = 21

# Where the jail shows the offered packages.
PACKAGES = "/packages"

replies = -1
poller = None
by_descriptor = {}
running = set()
sessions = {}
# Sessions whose process went while nobody looked.
ended = set()
base_bytes = 0
base_peak = 0
descriptor_limit = 0


def answer(reply):
    send_all(replies, (json.dumps(reply) + "\n").encode())


def watch(child):
    for descriptor in (child.out, child.err, child.report, child.watch):
        by_descriptor[descriptor] = child
        poller.register(descriptor, select.EPOLLIN)
    if child.cells is not None:
        by_descriptor[child.cells] = child


def forget(child):
    running.discard(child)
    if sessions.get(child.session) is child:
        del sessions[child.session]
    for descriptor in (child.out, child.err, child.report, child.watch, child.cells):
        if by_descriptor.pop(descriptor, None) is not None:
            try:
                poller.unregister(descriptor)
            except (OSError, ValueError):
                pass  # it was at its end
    child.close()


def start(text, request):
    child = sessions.get(request["session"]) if request["session"] is not None else None
    if request["session"] in ended:
        answer({"id": request["id"], "done": "crash", "reusable": True, "sessionLost": True})
        return
    if child is None:
        child = Child(text, request, base_bytes, descriptor_limit)
        watch(child)
        if child.session is not None:
            sessions[child.session] = child
    else:
        child.next_cell(text, request)
        poller.register(child.cells, select.EPOLLOUT)
    running.add(child)


def finish(child, verdict):
    """Ends the cell with a verdict; None: judge by how the process ended."""
    alive = child.session is not None and verdict == "report"
    if alive:
        child.freeze()
        for descriptor, held in child.held.items():
            child.drain(descriptor, held)
        found = child.read_report()
        if child.too_much() or not found:
            alive, verdict = False, "outputLimit" if child.too_much() else "crash"
    if not alive:
        if verdict is not None:
            child.kill()
        child.reap()
        found = child.read_report()
    exit_code = None
    peak = found[1] if found else 0
    if not alive:
        # A signal ends a process with no exit code.
        killed_by = os.WTERMSIG(child.status) if os.WIFSIGNALED(child.status) else None
        exit_code = None if killed_by else os.WEXITSTATUS(child.status)
        peak = child.usage.ru_maxrss
        if verdict is None:
            verdict = judge(child, found, killed_by)
    request = child.request
    limit = request["maxOutputBytes"]
    room = max(0, limit - len(child.held[child.out]))
    for name, descriptor, most in (("out", child.out, limit), ("err", child.err, room)):
        if child.held[descriptor]:
            answer({"id": request["id"], name: base64.b64encode(child.held[descriptor][:most]).decode()})
    running.discard(child)
    if not alive:
        forget(child)
    answer(
        {
            "id": request["id"],
            "done": verdict,
            "report": found[0] if found and verdict == "report" else None,
            "exitCode": exit_code,
            "peakMemoryMb": max(0, peak - base_peak) / 1024,
            "reusable": True,
            "sessionLost": child.session is not None and not alive,
        }
    )


def judge(child, found, killed_by):
    if child.too_much():
        return "outputLimit"
    if killed_by in (signal.SIGXCPU, signal.SIGKILL):
        spent = child.usage.ru_utime + child.usage.ru_stime
        # Nobody but a limit of time and the kernel's memory killer does this.
        return "timeout" if spent >= child.request["timeoutMs"] / 1000 else "memory"
    return "report" if found and killed_by is None and child.session is None else "crash"


def serve(text):
    request = json.loads(text)
    if "cancel" in request:
        for child in [child for child in running if child.request["id"] == request["cancel"]]:
            finish(child, "crash")
    elif request.get("closeSession"):
        child = sessions.get(request["session"])
        if child in running:
            finish(child, "crash")
        elif child is not None:
            child.kill()
            child.reap()
            forget(child)
        ended.discard(request["session"])
        answer({"id": request["id"], "done": "closed", "reusable": True})
    else:
        start(text, request)


def see(descriptor, event):
    """Something of a child can be read, written, or is over."""
    child = by_descriptor.get(descriptor)
    if child is None:
        return  # ended by an event before this one
    if descriptor == child.cells:
        child.feed()
        if not child.pending:
            poller.unregister(descriptor)
    elif descriptor == child.watch:
        if child in running:
            finish(child, None)
        else:  # a session that ended while nothing of it ran
            ended.add(child.session)
            child.reap()
            forget(child)
    elif child in running:
        if not child.take(descriptor):
            poller.unregister(descriptor)
        if child.too_much():
            finish(child, "outputLimit")
        elif descriptor == child.report and child.session is not None and child.reported:
            finish(child, "report")
    elif not child.drain(descriptor, None):
        poller.unregister(descriptor)


def look_after(now):
    """Ends what is over time, and says how the slow ones go along."""
    for child in [child for child in running if child.deadline <= now]:
        finish(child, "timeout")
    for child in running:
        if now - max(child.seen_at, child.since) < SLOW_AFTER:
            continue
        spent = child.cpu_seconds()
        pace = "idle" if spent - child.seen_cpu < IDLE_SHARE * (now - child.seen_at) else "slow"
        child.seen_at, child.seen_cpu = now, spent
        if pace != child.pace:
            child.pace = pace
            answer({"id": child.request["id"], "pace": pace})


def preload():
    """The standard library and the offered packages can be imported, nothing else of the distribution."""
    sys.path[:] = [entry for entry in sys.path if entry and "-packages" not in entry]
    program = os.environ.pop("CIRLAB_PRELOAD")
    if os.path.isdir(PACKAGES):
        sys.path.append(PACKAGES)
    exec(program, {"__name__": "preload"})


def gather_pages():
    """Puts the warm objects into huge pages: a fork then copies a few hundred page table entries, not tens of thousands.

    A kernel without MADV_COLLAPSE (before Linux 6.1) refuses, and forks take as long as ever.
    """
    objects = gc.get_objects()
    objects += [value for module in list(sys.modules.values()) for value in vars(module).values()]
    for place in {id(thing) >> HUGE_PAGE_BITS for thing in objects}:
        libc.madvise(ctypes.c_void_p(place << HUGE_PAGE_BITS), ctypes.c_size_t(1 << HUGE_PAGE_BITS), MADV_COLLAPSE)


def calibrate():
    """What an empty snippet takes: the measure for the peak memory of others."""
    request = {
        "id": 0, "code": "", "seed": 0, "clock": None, "timeoutMs": 30_000, "memoryMb": 64, "maxOutputBytes": 4096,
        "lastExpression": False, "plots": False, "session": None,
    }
    child = Child(json.dumps(request), request, base_bytes, descriptor_limit)
    child.reap()
    if child.read_report() is None:
        raise RuntimeError("an empty snippet gave " + repr(bytes(child.held[child.err]))[:400])
    child.close()
    return child.usage.ru_maxrss


def main():
    global poller, replies, base_bytes, base_peak, descriptor_limit
    descriptor_limit = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 1 << 16)
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptor_limit, descriptor_limit))
    os.closerange(3, descriptor_limit)  # whatever a launcher left open
    nothing = os.open("/dev/null", os.O_RDWR)
    for descriptor in range(nothing + 1, FIRST_DESCRIPTOR):
        os.dup2(nothing, descriptor)
    requests, replies = os.dup(0), os.dup(1)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    poller = select.epoll()
    preload()
    gc.collect()
    gather_pages()
    gc.freeze()
    gc.disable()
    base_bytes = mapped_bytes()
    base_peak = calibrate()
    answer({"ready": True, "version": platform.python_version()})
    poller.register(requests, select.EPOLLIN)
    pending = b""
    while True:
        now = time.monotonic()
        wait = -1
        if running:
            marks = [min(child.deadline, max(child.seen_at, child.since) + SLOW_AFTER) for child in running]
            wait = max(0, min(marks) - now) + 0.0005
        for descriptor, event in poller.poll(wait):
            if descriptor != requests:
                see(descriptor, event)
                continue
            block = os.read(requests, 1 << 20)
            if not block:
                return
            *lines, pending = (pending + block).split(b"\n")
            for line in lines:
                serve(line)
        look_after(time.monotonic())


main()
