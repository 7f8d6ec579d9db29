#!/usr/bin/env python3
"""How clinitd starts: initdefault, `clinit -d`, its title, its log in words and, with -v, event by event (SPEC 1, 7, 8)."""
import os
import signal
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, ok, same
from world import QUICK, World, wait_for

CLTAB = QUICK + """
web:a:run:respawn:sleep 1000
web:b:run:respawn:sleep 1001
web:d:run:initdefault:
db:c:run:respawn:sleep 1002
"""
world = World(CLTAB)
daemon = world.start()
world.await_state("web", "DONE")
same((world.line("web").level, world.line("db")), ("run", None), "initdefault: its group enters its level, others wait until they are told")


def title():
    with open("/proc/%d/cmdline" % daemon.pid) as file:
        return file.read().strip("\0")


wait_for(lambda: title() == "clinitd: 2 groups, 2 processes", "the title: it is %s" % title())
ok(True, "its title counts groups and processes")
same(world.clinit("-w", "web", "0")[0], 0, "told another level")
wait_for(lambda: title() == "clinitd: 2 groups, 0 processes", "the title to follow")
world.write(CLTAB + "new:e:1:once:true\nnew:f:1:initdefault:\n")
same(world.clinit(), (0, "nothing to do\n", ""), "an initdefault does nothing at a reread")
same((world.clstat()[1], world.line("new")), ("web 0 DONE\n", None), "neither for the group that was told, nor for a new one")
same(world.stop(), 0, "halted")

daemon = world.popen("clinit", *world.options, "-d", stderr=open(world.path("log"), "a"))
world.daemons.append(daemon)
wait_for(lambda: world.line("clinitd"), "clinit -d to become clinitd")
same(world.line("clinitd").more["pid"], str(daemon.pid), "clinit -d becomes clinitd, with the same options")
world.await_state("web", "DONE")
same(world.clinit("-k", "-w")[0], 0, "and obeys")
same(daemon.wait(30), 0, "to its end")

daemon = world.start("-v")
world.await_state("web", "DONE")
like(world.said, "clinitd: event started web:a ", "-v logs events")
like(world.said, "clinitd: action spawn web:a:run:respawn:sleep 1000 run ", "and actions")
daemon.send_signal(signal.SIGHUP)
world.await_said("clinitd: SIGHUP received")
ok(True, "signals are logged")
line = world.line("clinitd")
same((line.more["cltab"], line.more["host"], line.state), (world.cltab, os.uname().nodename, "RUNNING"), "the daemon's line in the status")
same(len({"pid", "start", "boot", "pidns", "host", "cltab", "sum", "seq", "time"} - set(line.more)), 0, "with all that it is to have")
first = int(line.more["seq"])
same(world.clinit("web", "run")[0], 0, "a command")
ok(int(world.line("clinitd").more["seq"]) > first, "is in the status before it is answered")
same(world.stop(), 0, "halted")
# The file that execvp(3) would take, also where posix_spawn(3) is not used for it
world = World(QUICK + "g:a:run:respawn:prog\n")
for folder, mode in (("one", 0o4755), ("two", 0o755)):
    os.mkdir(world.path(folder))
    with open(world.path(folder + "/prog"), "w") as file:
        file.write("#!/bin/sh\necho %s > %s\nexec sleep 1000\n" % (folder, world.path("ran")))
    os.chmod(world.path(folder + "/prog"), mode)
world.environ["PATH"] = "%s:%s:%s" % (world.path("one"), world.path("two"), os.environ["PATH"])
world.start()
world.clinit("g", "run")
same(world.await_file("ran", "\n"), "one\n", "the first of PATH, a setuid program, too")
world.end()
done()
