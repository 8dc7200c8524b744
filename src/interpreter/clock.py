"""A clock that says the same on every run: it starts where the request says, each look at it takes 1 ms, and
time.sleep() takes what it is asked for. time.monotonic() stays real: event loops and locks wait by it.
"""
import datetime
import time

TICK_NS = 1_000_000


def set_clock(start):
    """Makes time and datetime start at `start`, in seconds since 1970."""
    start_ns = int(start * 1000) * 1_000_000
    now_ns = start_ns
    real_sleep = time.sleep
    real_datetime = datetime.datetime
    real_date = datetime.date

    def tick():
        nonlocal now_ns
        said = now_ns
        now_ns += TICK_NS
        return said

    def seconds():
        return tick() / 1e9

    def elapsed():
        return (tick() - start_ns) / 1e9

    def elapsed_ns():
        return tick() - start_ns

    def sleep(duration):
        nonlocal now_ns
        real_sleep(duration)
        now_ns += int(duration * 1e9)

    def at_now(real):
        def said(moment=None):
            return real(seconds() if moment is None else moment)

        said.__name__ = real.__name__
        return said

    real_strftime, real_asctime = time.strftime, time.asctime
    time.localtime, time.gmtime, time.ctime = at_now(time.localtime), at_now(time.gmtime), at_now(time.ctime)
    time.strftime = lambda form, moment=None: real_strftime(form, time.localtime() if moment is None else moment)
    time.asctime = lambda moment=None: real_asctime(time.localtime() if moment is None else moment)
    time.time, time.time_ns, time.sleep = seconds, tick, sleep
    time.perf_counter = time.process_time = elapsed
    time.perf_counter_ns = time.process_time_ns = elapsed_ns

    def stand_in(real, methods):
        # The values are the real class's, so that their text, type tests and pickles are as ever.
        class Meta(type):
            def __instancecheck__(cls, value):
                return isinstance(value, real) if cls is ours else type.__instancecheck__(cls, value)

            def __subclasscheck__(cls, other):
                return issubclass(other, real) if cls is ours else type.__subclasscheck__(cls, other)

        def new(cls, *args, **named):
            return real(*args, **named) if cls is ours else real.__new__(cls, *args, **named)

        ours = Meta(real.__name__, (real,), {"__new__": new, "__module__": "datetime", **methods})
        return ours

    def today(cls):
        return cls.fromtimestamp(seconds())

    datetime.datetime = stand_in(
        real_datetime,
        {
            "now": classmethod(lambda cls, tz=None: cls.fromtimestamp(seconds(), tz)),
            "utcnow": classmethod(
                lambda cls: cls.fromtimestamp(seconds(), datetime.timezone.utc).replace(tzinfo=None)
            ),
            "today": classmethod(today),
        },
    )
    datetime.date = stand_in(real_date, {"today": classmethod(today)})
