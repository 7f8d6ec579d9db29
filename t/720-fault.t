#!/usr/bin/env python3
"""A fault of clinitd's own: said in one line, the client answered, the groups kept, and a halt still a halt (SPEC 5)."""
import os
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, ok, same
from world import QUICK, ROOT, World, wait_for

# A clinitd that lacks two rows of its tables, and one action
SCRIPT = """
import sys
sys.path.insert(0, %r)
from clinit import clinitd, init, kernel
del init.GROUP["DONE", "tell"]
real = kernel.Kernel.spawn
def spawn(self, entry, level, previous):
    if entry.tag == "odd":
        raise ZeroDivisionError("odd")
    return real(self, entry, level, previous)
kernel.Kernel.spawn = spawn
clinitd.main()
""" % os.path.join(ROOT, "lib")
world = World(QUICK + "g:a:run:respawn:sleep 1000\nh:b:run:respawn:sleep 1001\no:odd:run:once:true\n")
with open(world.path("log"), "w") as log:
    daemon = subprocess.Popen([sys.executable, "-c", SCRIPT, *world.options], env=world.environ, stderr=log, stdin=subprocess.DEVNULL)
world.daemons.append(daemon)
wait_for(lambda: world.line("clinitd"), "clinitd to start")
same(world.clinit("-w", "g", "run")[0], 0, "a group is up")
same(world.clinit("g", "run"), (1, "", "clinit: internal error, see the log of clinitd\n"), "a fault: the client is answered, with 1")
like(world.said, "clinitd: internal error: Unexpected: tell in state DONE, at tell ", "the log says it in one line")
same(world.clinit("o", "run")[0], 0, "a fault in an action ...")
like(world.said, "clinitd: internal error: ZeroDivisionError: odd, at spawn o:odd:run:once:true", "... is said likewise")
ok("Traceback" not in world.said, "no traceback")
same((world.state("g:a"), daemon.poll()), ("RUNNING", None), "the group is kept")
same(world.clinit("-w", "h", "run")[0], 0, "others are served")
same(world.state("o:odd"), "PAUSED", "what could not be started is paused, and tried again")
same(world.stop(), 0, "and TERM is obeyed to the end")
world.write("the faults were meant\n", "log")
done()
