#!/usr/bin/env python3
"""A stray, of which nothing tells whose it is, is shown, reaped when it exits, and never signalled (SPEC 5).

With control groups there would be none.
"""
import os
import signal
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import cleanup, done, like, ok, same
from world import QUICK, World, lives, wait_for, without_cgroups

# A session of its own, no parent, no environment, before anybody has looked
HIDE = """import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open(sys.argv[1], "w") as file:
            file.write("%d\\n" % os.getpid())
        os.execve("/bin/sleep", ["sleep", "1000"], {})
    os._exit(0)
os.wait()
os.execvp("sleep", ["sleep", "1001"])
"""
world = World(QUICK + "g:r:run:respawn:%s WORLD/hide.py WORLD/pid\n" % sys.executable, program=without_cgroups())
world.write(HIDE, "hide.py")
daemon = world.start()
same(world.clinit("-w", "g", "run")[0], 0, "up")
stray = int(world.await_file("pid", "\n"))


@cleanup
def end():
    if lives(stray):
        os.kill(stray, signal.SIGKILL)


wait_for(lambda: str(stray) in world.line("clinitd").more.get("strays", "").split(","), "the status to show it")
code, out, err = world.clstat("-p")
like(out.splitlines()[-1].split("  ")[0], "(a stray)", "clstat -p shows it, after the processes")
same((code, out.splitlines()[-1].split()[3]), (0, str(stray)), "by its pid, and nothing is wrong")
same(world.clstat("-p", "-g", "g")[1].count("stray"), 0, "not among a group's")
same(world.clinit("-w", "-t", "30", "g", "0")[0], 0, "the stop of who has started it does not wait for it")
ok(lives(stray), "nor signal it")
os.kill(stray, signal.SIGKILL)
wait_for(lambda: not os.path.exists("/proc/%d" % stray), "it to be reaped")
same(world.clinit("-w", "g", "run")[0], 0, "it is reaped when it ends")
second = int(wait_for(lambda: world.read("pid").strip() not in ("", str(stray)) and world.read("pid"), "another"))
same(world.stop(daemon), 0, "a halt does not wait for strays")
ok(lives(second), "nor end them")
stray = second
done()
