#!/usr/bin/env python3
"""Where the cltab says that socket, status file and log are; moved at a reread, rotated, to syslog (SPEC 1, 7)."""
import os
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, ok, same
from world import QUICK, World, wait_for

CLTAB = QUICK + "g:a:run:respawn:sleep 1000\n:::socket:WORLD/%s/s\n:::clstat:WORLD/%s/stat\n:::log:WORLD/%s.log\n"
world = World(CLTAB % ("one", "one", "one"))
daemon = world.start(ready=False)
wait_for(lambda: "pid=%d " % daemon.pid in world.read("one/stat"), "the daemon to write its status where the cltab says")
ok(not os.path.exists(world.socket) and not os.path.exists(world.path("clstat")), "the cltab overrides the options")
same(world.clinit("-w", "g", "run")[0], 0, "clients find the socket by the cltab")
same(world.run("clstat", "-c", world.cltab)[1], "g run DONE\n", "and the status")
same(world.clinit("-v", "g", "run")[1], "level transition started\ng run DONE\n", "clinit -v too")
world.await_file("one.log", "g: run DONE")
like(world.read("one.log").split("\n")[0], "clinitd: pid %d, cltab" % daemon.pid, "the log is where the cltab says")
same(world.said, "", "and not on stderr")
pid = [word for word in world.read("one/stat").split() if word.startswith("pid=")][1]

os.rename(world.path("one.log"), world.path("rotated.log"))
same(world.clinit("g", "run")[0], 0, "a command")
world.await_file("one.log", "tell g run")
ok(True, "a log that was rotated is opened again")

world.write(CLTAB % ("two", "two", "two"))
code, out, err = world.run("clinit", "-c", world.cltab, "-s", world.path("one/s"))
same((code, out), (0, "nothing to do\n"), "all are changed: who does not find the new socket tries that of -s")
same(world.clinit("-w", "g", "run")[0], 0, "the daemon is at the new one now")
same(world.read("two/stat").count(pid), 1, "and its status; its process goes on")
world.await_file("two.log", "tell g run")
same((os.path.exists(world.path("one/s")), os.path.exists(world.path("one/stat"))), (False, False), "the old ones are gone")
world.write(CLTAB.replace("WORLD/%s.log", "syslog") % ("two", "two"))
same(world.clinit()[0], 0, "log:syslog is taken")
size = len(world.read("two.log"))
same(world.clinit("g", "run")[0], 0, "a command")
same(len(world.read("two.log")), size, "nothing more goes to the file")

blocked = CLTAB % ("three", "two", "two")
world.write("in the way", "three")
world.write(blocked)
same(world.run("clinit", "-c", world.cltab, "-s", world.path("two/s"))[0], 0, "a socket that cannot be made")
world.await_file("two.log", "cannot listen at %s/three/s" % world.dir)
same(world.run("clinit", "-c", world.cltab, "-s", world.path("two/s"), "g", "run")[0], 0, "... is said, and the old one kept")
same(world.stop(), 0, "halted")
same((os.path.exists(world.path("two/s")), os.path.exists(world.path("two/stat"))), (False, False), "nothing is left at the end")
done()
