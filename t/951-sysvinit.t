#!/usr/bin/env python3
"""Real sysvinit as PID 1 of namespaces keeps clinitd, by the lines of etc/inittab.example."""
import os
import sys

sys.path.insert(0, sys.path[0] + "/lib")
import machine
from tap import done, like, limit, ok, same, skip_all
from world import ROOT, wait_for

# Unpacked, never installed: see .ci/run
SYSV = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "clinit-test", "sysvinit")
BOOT = r"""
mount -t overlay -o "lowerdir=$DIR/etc:/etc" overlay /etc
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DIR="$DIR" %s/sbin/init
""" % SYSV
CLTAB = """:::kill:INT 1 TERM 30 KILL
g:i:run:initdefault:
g:r:run:respawn:sleep 1000
g:deaf:run:respawn:trap "" INT; trap "end=1" TERM; echo > WORLD/deaf; until [ "$end" ] && [ -e WORLD/may-end ]; do sleep 0.1; done; echo >> WORLD/good-end
"""
GONE = "all processes are gone, exiting"

why = machine.why_not() or (not os.access(SYSV + "/sbin/init", os.X_OK) and "no sysvinit-core unpacked at %s" % SYSV)
if why:
    skip_all(why)
limit(120)
world = machine.Machine(CLTAB)
# Its line may not be longer than 127 bytes, and it gives no environment
world.write("".join("export %s='%s'\n" % pair for pair in world.variables.items()), "variables")
script = world.write("#!/bin/sh\n. WORLD/variables\nexec %s/clinitd \"$@\" 2>>WORLD/log\n" % world.bin, "d")
os.chmod(script, 0o755)
with open(os.path.join(ROOT, "etc", "inittab.example")) as file:
    lines = file.read().replace("/usr/local/bin/clinitd", script)
os.mkdir(world.path("etc"))
world.write("id:3:initdefault:\n" + lines, "etc/inittab")
world.boot(BOOT)


def telinit(*args):
    world.inside(SYSV + "/sbin/telinit", *args)


def pids():
    return world.pid("g:r"), world.pid("g:deaf")


def clinitds():
    """The pids of all clinitd there are."""
    return world.inside("pgrep", "-f", "^clinitd: |bin/clinitd")[1].split()


world.await_state("g", "DONE")
world.await_file("deaf")
before, first = pids(), world.daemon()
ok(first, "init has started clinitd")
world.inside("kill", "-KILL", str(first))
wait_for(lambda: world.daemon() not in (0, first), "the next clinitd")
wait_for(lambda: "taking over: 1 group, 2 processes" in world.said, "it to take over")
same((pids(), world.state("g")), (before, "DONE"), "kill -9: init respawns it, it takes over, nothing was restarted")
same(world.clinit("-u")[0], 0, "clinit -u")
same(pids(), before, "... restarts nothing either")

world.write("", "may-end")
telinit("-t", "20", "1")
wait_for(lambda: world.said.count(GONE) >= 2 and not clinitds(), "the halt; then clinitd -x, which finds nothing")
same(world.read("good-end"), "\n", "telinit -t 20 1: the ladder has its time")
same(world.inside("pgrep", "sleep")[0], 1, "nothing is left")
like(world.said, "SIGTERM received\n", "clinitd was asked by TERM")

os.unlink(world.path("deaf"))
os.unlink(world.path("may-end"))
telinit("3")
world.await_state("g", "DONE")
world.await_file("deaf")
ok(world.daemon(), "telinit 3: it is started again")
telinit("-t", "1", "1")
wait_for(lambda: world.said.count("taking over: ") == 2, "clinitd -x")
ok(world.pid("g:deaf"), "telinit -t 1 1, too soon: init has killed clinitd, clinitd -x goes on")
before = world.said.count(GONE)
world.write("", "may-end")
wait_for(lambda: world.said.count(GONE) > before and not clinitds(), "the end of clinitd -x")
same(world.read("good-end"), "\n\n", "... by the same ladder")
same(world.inside("pgrep", "sleep")[0], 1, "nothing is left")

# Started and stopped by a script, as those of /etc/init.d are
stop = world.write("#!/bin/sh\n. WORLD/variables\n%s/clinit -k -w && echo >> WORLD/halted\n%s -x && echo >> WORLD/ended\n" % (world.bin, script), "stop")
os.chmod(stop, 0o755)
world.write("id:3:initdefault:\nr3:3:wait:/bin/sh -c 'exec setsid %s &'\nr1:1:wait:%s\n" % (script, stop), "etc/inittab")
telinit("q")
os.unlink(world.path("deaf"))
telinit("3")
world.await_state("g", "DONE")
world.await_file("deaf")
telinit("1")
world.await_file("halted", "\n")
world.await_file("ended", "\n")
same((world.read("good-end"), world.inside("pgrep", "sleep")[0]), ("\n" * 3, 1), "a script with clinit -k -w: the same")
done()
