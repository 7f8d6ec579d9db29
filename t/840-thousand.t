#!/usr/bin/env python3
"""A group of 1000 respawn processes comes up, survives kill -9 of all at once, and stops; descriptors do not grow.

The original never got there.
"""
import os
import signal
import sys
import time

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, note, ok, same
from world import QUICK, World, wait_for

N = 1000
world = World(QUICK + "".join("big:p%d:run:respawn:sleep 100000\n" % n for n in range(N)) + "small:a:run:once:true\n")
daemon = world.start()


def descriptors():
    return len(os.listdir("/proc/%d/fd" % daemon.pid))


def pids():
    """The pids of those that run."""
    return {int(word[4:]) for line in world.read("clstat").split("\n") if "Process big:" in line and " RUNNING " in line
            for word in line.split() if word.startswith("pid=")}


def timed(what, call):
    began = time.monotonic()
    result = call()
    took = time.monotonic() - began
    note("%s: %.2f s" % (what, took))
    ok(took < 60, "%s: seconds, not minutes" % what)
    return result


before = descriptors()
same(timed("told to DONE", lambda: world.clinit("-w", "big", "run"))[1], "level transition started\nbig run DONE\n", "%d are up" % N)
first = pids()
same(len(first), N, "each has a pid")
same(world.line("big").more["up"], "%d/%d" % (N, N), "as the group's line says")
ok(descriptors() <= before + 1, "the daemon's descriptors have not grown with them")
for pid in first:
    os.kill(pid, signal.SIGKILL)
timed("all killed to all respawned", lambda: wait_for(lambda: len(pids() - first) == N, "all to be respawned"))
ok(True, "all are killed at once: all are respawned")
same(timed("another group meanwhile", lambda: world.clinit("-w", "small", "run"))[0], 0, "others are served")
ok(descriptors() <= before + 1, "the descriptors have not grown")
same(timed("stopped", lambda: world.clinit("-w", "big", "0"))[1], "level transition started\nbig 0 DONE\n", "all are stopped")
same(set(world.processes()) - {daemon.pid}, set(), "nothing is left")
with open("/proc/%d/status" % daemon.pid) as file:
    note(next(line for line in file if line.startswith("VmHWM")).strip())
done()
