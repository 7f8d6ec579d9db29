#!/usr/bin/env python3
"""The loop's parts: timers in order, disarmed ones silent, a signal wakes the select (DESIGN)."""
import os
import signal
import sys
import threading

sys.path.insert(0, sys.path[0] + "/lib")
import fake     # noqa: F401  finds the library
from clinit.loop import WAITING_LIMIT, Loop
from tap import done, same

loop = Loop()


def due(now):
    found = []
    while True:
        key = loop.due(now)
        if key is None:
            return found
        found.append(key)


same(loop.timeout(5.0), WAITING_LIMIT, "no timer: it may sleep long")
loop.arm("b", 20.0)
loop.arm("a", 10.0)
loop.arm("c", 30.0)
loop.arm(("tuple", 1), 10.0)
same(loop.timeout(4.0), 6.0, "the timeout is the time to the next")
same(loop.timeout(11.0), 0.0, "and none for one that is over")
same(due(9.9), [], "none is due before its time")
same(due(20.0), ["a", ("tuple", 1), "b"], "the due ones come in their order, once")
same(due(20.0), [], "and not again")
loop.arm("c", 50.0)
same(due(40.0), [], "armed again: the earlier deadline is forgotten")
loop.disarm("c")
loop.disarm("never armed")
same(due(99.0), [], "disarmed: nothing")
for number in range(10000):
    loop.arm("same", 100.0 + number)
loop.disarm("same")
loop.timeout(0.0)
same(len(loop._heap), 0, "forgotten deadlines do not pile up")

loop.catch([signal.SIGCHLD], [signal.SIGUSR1])
threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
same(loop.wait(20.0), [], "a signal ends the wait")
same(loop.take_flags(), {signal.SIGUSR1}, "and is flagged")
same(loop.take_flags(), set(), "once")
for _ in range(200000 // 1000):
    for _ in range(1000):
        os.kill(os.getpid(), signal.SIGCHLD)
os.kill(os.getpid(), signal.SIGUSR1)
loop.wait(0)
same(loop.take_flags(), {signal.SIGUSR1}, "a full self-pipe loses no flag")
reader, writer = os.pipe()
loop.readers[reader] = "read"
os.write(writer, b"x")
same(loop.wait(20.0), ["read"], "a descriptor that can be read is reported by its function")
os.read(reader, 1)
same(loop.wait(0), [], "and when it is read there is nothing more, in the self-pipe neither")
done()
