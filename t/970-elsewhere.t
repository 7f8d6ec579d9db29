#!/usr/bin/env python3
"""Where Linux's own calls are missing: nothing fails for it; what is promised without them holds (clinitd(8))."""
import os
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, note, ok, same
from world import QUICK, ROOT, World, wait_for

HERE = os.path.join(ROOT, "t")
# Tests of programs, of each of their sides, that want nothing of Linux
SUITE = ["200-clients", "300-modes", "341-level-is-no-pattern", "430-moves", "600-one-at-a-time",
         "800-usage", "820-api"]
mask = {"PYTHONPATH": os.pathsep.join(filter(None, [os.path.join(HERE, "lib", "elsewhere"), os.environ.get("PYTHONPATH")]))}

world = World(QUICK + "g:i:run:initdefault:\ng:r:run:respawn:sleep 1000\ng:tree:run:respawn:sleep 1000 & sleep 1000; wait\n", mask)
# It must have the name of a program to be masked
script = world.write("""
import importlib, os, sys
sys.path.insert(0, "%s/lib")
assert not hasattr(os, "pidfd_open") and not os.path.exists("/proc")
for name in sorted(os.listdir("%s/lib/clinit")):
    if name.endswith(".py"):
        importlib.import_module("clinit." + name[:-3])
print("all")
""" % (ROOT, ROOT), "clinitd")
call = subprocess.run([sys.executable, script], env=world.environ, capture_output=True, text=True)
same((call.returncode, call.stdout, call.stderr), (0, "all\n", ""), "every file of lib/clinit can be imported")

daemon = world.start()
world.await_state("g", "DONE")
before = world.kill("g:r")
wait_for(lambda: world.pid("g:r") not in (0, before), "the respawn")
same(world.clstat("-g", "g", "-l", "run"), (0, "DONE\n", ""), "clinitd runs, respawns, and clstat reads its file")
like(world.clinit("-u")[2], "without /proc the new one could not tell what lives", "what needs /proc is refused, and says why")
same(world.clinit("g", "0")[0], 0, "a level that nothing is in")
world.await_state("g", "DONE")
wait_for(lambda: not [pid for pid in world.processes() if pid != daemon.pid], "its process groups to be gone")
same(world.clinit("-w", "g", "run")[0], 0, "it stops whole process groups, and starts again")
same(world.clinit("-k", "-w")[0], 0, "and halts")
same(daemon.wait(30), 0, "... gracefully")

for name in SUITE:
    call = subprocess.run([sys.executable, os.path.join(HERE, name + ".t")], env={**os.environ, **mask},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    ok(call.returncode == 0, "%s.t passes" % name) or note(call.stdout + call.stderr)
done()
