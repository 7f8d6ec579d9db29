#!/usr/bin/env python3
"""Halts: -k, TERM and INT stop everything, at once and whole, and nothing is left (SPEC 7, 8).

In the original TERM left every child running, and after -k the daemon stayed 5 s though all was gone.
"""
import os
import signal
import sys
import time

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, ok, same
from world import World, lives, wait_for

CLTAB = "".join("g%d:a%d:run:respawn:sleep 1000\ng%d:b%d:run:respawn:sleep 1000 & wait\n" % (n, n, n, n) for n in range(5))
for number in (signal.SIGTERM, signal.SIGINT):
    world = World(":::kill:TERM 60 KILL\n" + CLTAB)
    daemon = world.start()
    for n in range(5):
        same(world.clinit("-w", "g%d" % n, "run")[0], 0, "group %d is up" % n)
    pids = [pid for pid in world.processes() if pid != daemon.pid]
    ok(len(pids) >= 15, "processes with children run")
    began = time.monotonic()
    same(world.stop(number=number), 0, "%s: clinitd exits with 0" % number.name)
    ok(time.monotonic() - began < 4.9, "as soon as all are gone")
    same([pid for pid in pids if lives(pid)], [], "all are")
    same(sorted(name for name in os.listdir(world.dir)), ["clinit.s.lock", "cltab", "log"],
         "the socket and the status file are removed, the lock is not")

world = World(":::kill:TERM 20 KILL\ng:slow:run:respawn:trap 'while test ! -e WORLD/go; do sleep 0.02; done; exit' TERM;"
              " echo > WORLD/ready; while :; do sleep 0.02; done\n")
daemon = world.start()
same(world.clinit("-w", "g", "run")[0], 0, "a process that takes its time to end")
world.await_file("ready", "\n")
same(world.clinit("-k"), (0, "all groups halting\n", ""), "clinit -k returns at once")
same((world.state("g"), world.read("clstat").split()[3]), ("HALTING", "HALTING"), "the group is HALTING, the daemon too")
same(world.clstat("-g", "g")[0], 3, "clstat: 3, in transition")
same(world.clinit("g", "run"), (5, "", "clinit: all groups are halting\n"), "tells are refused meanwhile: 5")
same(world.clinit(), (5, "", "clinit: all groups are halting\n"), "and rereads")
code, out, err = world.clinit("-k", "-t", "0.2")
same((code, err), (3, "clinit: not yet: the time given is over\n"), "clinit -k -t: not yet, 3")
daemon.send_signal(signal.SIGTERM)
daemon.send_signal(signal.SIGTERM)
same((daemon.poll(), lives(world.pid("g:slow"))), (None, True), "a second TERM does not cut the first short")
waiter = world.popen("clinit", *world.options, "-k", "-w")
wait_for(lambda: world.said.count("clinitd: halt (") == 3, "the waiting client to be heard")
world.write("", "go")
same((waiter.wait(30), daemon.wait(30)), (0, 0), "clinit -k -w returns when clinitd is gone")
done()
