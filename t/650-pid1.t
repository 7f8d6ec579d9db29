#!/usr/bin/env python3
"""clinitd as PID 1 of a namespace: it reaps what is nobody's, ends gracefully, and says how it went (SPEC 7)."""
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, ok, same, skip_all
from world import QUICK, ROOT, World, lives, wait_for

UNSHARE = ["unshare", *([] if os.getuid() == 0 else ["--user", "--map-root-user"]),
           "--pid", "--fork", "--kill-child", "--mount-proc"]
if not shutil.which("unshare") or subprocess.run(
        [*UNSHARE, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
    skip_all("no pid namespaces here")


class Container(World):
    """A world whose clinitd is PID 1. pid1: its pid outside."""

    def start(self):
        with open(self.path("log"), "a") as log:
            outer = subprocess.Popen([*UNSHARE, *self.program, os.path.join(ROOT, "bin", "clinitd"), *self.options],
                                     env=self.environ, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.daemons.append(outer)
        self.pid1 = int(wait_for(lambda: self.children(outer.pid), "the fork")[0])
        wait_for(lambda: "clinitd: pid 1, " in self.said, "clinitd to run")
        return outer

    @staticmethod
    def children(pid):
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            return file.read().split()

    def states(self):
        """The states of the children of clinitd: Z for a zombie."""
        found = []
        for pid in self.children(self.pid1):
            try:
                with open("/proc/%s/stat" % pid) as file:
                    found.append(file.read().rpartition(")")[2].split()[0])
            except OSError:
                pass
        return found

    def end(self):
        """Not even in a failure is anything left: the end of PID 1 is the end of all of them."""
        if self.daemons[-1].poll() is None:
            os.kill(self.pid1, signal.SIGKILL)
            self.daemons[-1].wait()
        super().end()

    def halt(self, outer):
        """End it by TERM, as a container is; its exit status."""
        os.kill(self.pid1, signal.SIGTERM)
        return outer.wait(30)


# What a once leaves behind: one that obeys TERM, one that does not, and many that die as orphans
LEFT = """
g:i:run:initdefault:
g:r:run:respawn:sleep 1000
g:kind:run:once:setsid sh -c 'trap "echo >> WORLD/termed; exit" TERM; echo > WORLD/kind; while :; do sleep 0.05; done' &
g:deaf:run:once:setsid sh -c 'trap "" TERM; echo > WORLD/deaf; while :; do sleep 0.05; done' &
g:many:run:once:for n in 1 2 3 4 5 6 7 8 9 10; do (sleep 0.01 &) ; done; echo > WORLD/many
"""
world = Container(QUICK + LEFT)
outer = world.start()
world.await_state("g", "DONE")
for name in ("kind", "deaf", "many"):
    world.await_file(name)
same(world.clinit("-w", "g", "run")[0], 0, "PID 1 enters the initdefault, and answers")
wait_for(lambda: "Z" not in world.states() and len(world.states()) == 3, "the orphans to be reaped")
ok(True, "orphans are reaped: what is left are the respawn and what a once has left behind")
same(world.halt(outer), 0, "TERM: it ends with 0, as no group was FAILED")
same(world.read("termed"), "\n", "what was left behind was sent TERM")
like(world.said, "all processes are gone", "the log tells the end")
ok(not lives(world.pid1), "and what does not obey is gone with it")

world = Container(QUICK + "g:i:run:initdefault:\ng:r:run:respawn:sleep 1000\ng:t:run:test:exit 3\n")
outer = world.start()
world.await_state("g", "FAILED")
same(world.halt(outer), 1, "a group was FAILED before the halt: it ends with 1")

world = Container(QUICK + "g:i:run:initdefault:\ng:w:run:wait:echo > WORLD/w; sleep 1000\n")
outer = world.start()
world.await_file("w")
os.kill(world.pid1, signal.SIGTERM)
same(world.halt(outer), 0, "TERM in the middle of a start, twice: a graceful end")

world = Container(QUICK + "g:i:run:initdefault:\ng:r:run:respawn:sleep 1000\n")
outer = world.start()
world.await_state("g", "DONE")
before = world.pid("g:r")
same(world.clinit("-u")[:2], (0, "clinitd is replaced\n"), "PID 1 is replaced by the clinitd on disk")
same((world.pid("g:r"), world.children(outer.pid)), (before, [str(world.pid1)]), "with the same pid, nothing restarted")
same(world.clinit("-k", "-w")[0], 0, "-k")
same(outer.wait(30), 0, "ends it, too")

# The container was killed, its run folder is kept: another pid namespace, another life
world = Container(QUICK + "g:r:run:respawn:sleep 1000\n")
outer = world.start()
same(world.clinit("-w", "g", "run")[0], 0, "told")
os.kill(world.pid1, signal.SIGKILL)
outer.wait(30)
os.unlink(world.path("log"))
outer = world.start()
same(("taking over" in world.said, "not believed" in world.said), (False, False), "started anew, nothing is taken over")
same(world.halt(outer), 0, "it ends")
done()
