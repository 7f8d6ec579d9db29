#!/usr/bin/env python3
"""Edits are seen, whatever the clock of the file says; removed entries are stopped gracefully (SPEC 1, 2).

The original saw no edit within a second of the last, and killed what was changed or removed without warning.
"""
import os
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, ok, same
from world import QUICK, World, wait_for

TEXT = QUICK + "g:a:run:respawn:trap 'echo $$ >> WORLD/graceful; exit' TERM; echo $$ >> WORLD/ready; while :; do sleep 0.02; done # %d\n"
world = World(TEXT % 0)
world.start()
same(world.clinit("-w", "g", "run")[0], 0, "up")
times = os.stat(world.cltab)
for number in range(1, 6):
    wait_for(lambda: world.read("ready").count("\n") == number, "the process to be ready")
    pid = world.pid("g:a")
    world.write(TEXT % number)
    os.utime(world.cltab, ns=(times.st_atime_ns, times.st_mtime_ns))
    same(world.clinit("-w", "g", "run")[0] if number % 2 else world.clinit()[1].strip(),
         0 if number % 2 else "restart g:a pid %d" % pid, "edit %d, of the same size and time, is seen" % number)
    wait_for(lambda: world.pid("g:a") not in (0, pid), "the restart")
    world.await_file("graceful", "%d\n" % pid)
wait_for(lambda: world.read("ready").count("\n") == 6, "the process to be ready")
pid = world.pid("g:a")
world.write(QUICK + "g:b:run:once:true\n")
same(world.clinit(), (0, "stop g:a pid %d\nstart g:b\n" % pid, ""), "a removed entry")
world.await_file("graceful", "%d\n" % pid)
same(world.read("graceful").count("\n"), 6, "each was stopped gracefully")
os.unlink(world.cltab)
world.write("g:b:run:once:true\n", "other")
os.rename(world.path("other"), world.cltab)
same(world.clinit(), (0, "nothing to do\n", ""), "a file put in its place by rename is read")
world.write("g:c:run:once:touch WORLD/hup\n")
os.kill(world.daemons[0].pid, 1)
world.await_file("graceful")
wait_for(lambda: os.path.exists(world.path("hup")), "HUP to reread the cltab")
ok(True, "HUP rereads")
done()
