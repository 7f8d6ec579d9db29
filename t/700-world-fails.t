#!/usr/bin/env python3
"""What the world refuses harms one file or one entry, and not the daemon (SPEC 5): folders that are gone, a full log."""
import os
import shutil
import signal
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, ok, same
from world import QUICK, World, wait_for

world = World(QUICK + "g:a:run:respawn:sleep 1000\ng:b:run:once:echo said\ng:b::output:WORLD/blocked/logs\n")
world.status = "status/clstat"
world.options[-1] = world.path(world.status)
world.write("in the way", "blocked")
daemon = world.start(ready=False)
wait_for(lambda: os.path.exists(world.path("status/clstat")), "the status file, in a folder that was made")
same(os.stat(world.path("status")).st_mode & 0o777, 0o755, "which others may read")
same(world.clinit("-w", "g", "run"), (0, "level transition started\ng run DONE\n", ""), "an output file that cannot be had ...")
like(world.said, "clinitd: g:b: cannot open %s/blocked/logs" % world.dir, "... is said")
world.await_said("said\n")
ok(True, "... and the process runs, with the output of clinitd")

shutil.rmtree(world.path("status"))
same(world.clinit("-w", "g", "run")[0], 0, "the folder of the status file is removed")
ok(os.path.exists(world.path("status/clstat")), "it is made anew")
shutil.rmtree(world.path("status"))
world.write("in the way", "status")
for _ in range(5):
    same(world.clinit("-w", "g", "run")[:2], (0, "level transition started\ng run DONE\n"), "commands are answered while it cannot be written")
same(world.said.count("cannot write"), 1, "the log says so once")
os.unlink(world.path("status"))
wait_for(lambda: os.path.exists(world.path("status/clstat")), "the status file, as soon as there is room again")
ok(True, "and it is tried again by itself")
world.options[-1] = world.path("status/clstat")
same(world.stop(), 0, "halted")

# Nobody reads what the daemon logs, and its terminal is gone
reader, writer = os.pipe()
daemon = world.popen("clinitd", *world.options, stdin=None, stdout=writer, stderr=writer)
world.daemons.append(daemon)
os.close(writer)
os.close(reader)
wait_for(lambda: os.path.exists(world.path("status/clstat")), "clinitd to start")
same(world.clinit("-w", "g", "run")[0], 0, "a log that nobody reads does not stop it")
daemon.send_signal(signal.SIGPIPE)
same(world.clinit("g", "run")[0], 0, "nor does SIGPIPE")
same(world.stop(daemon), 0, "halted")

closed = world.popen("clinitd", *world.options, preexec_fn=lambda: [os.close(fd) for fd in (0, 1, 2)])
world.daemons.append(closed)
wait_for(lambda: os.path.exists(world.path("status/clstat")), "clinitd to start")
same(world.clinit("-w", "g", "run")[0], 0, "started without stdin, stdout and stderr it works")
for pid in (closed.pid, world.pid("g:a")):
    same([os.readlink("/proc/%d/fd/%d" % (pid, fd)) for fd in (0, 1, 2)], ["/dev/null"] * 3, "... on /dev/null, its processes too")
same(world.stop(closed), 0, "halted")
done()
