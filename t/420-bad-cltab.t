#!/usr/bin/env python3
"""A bad cltab: refused whole, every error said, running groups untouched; tells and halts are carried out (SPEC 1).

In the original a missing or malformed cltab killed the daemon at the first command, and a duplicate tag hung it.
"""
import os
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, ok, same
from world import QUICK, World

GOOD = QUICK + "g:a:run:respawn:sleep 1000\ng:b:maint:respawn:sleep 1001\n"
BAD = "g:a:run\ng:b:run:once:x\nh:b:run:dance:y\n"
world = World(BAD)
daemon = world.start(ready=False)
same(daemon.wait(30), 6, "a bad cltab at the start: exit status 6")
same(world.said.count("\n"), 2, "each error in a line")
like(world.said, "clinitd: %s:1: 3 fields, not the five of" % world.cltab, "as FILE:LINE: what is wrong")
like(world.said, "clinitd: %s:3: unknown mode: dance" % world.cltab, "all of them")
world.write("g:a:run:once:x\nh:a:run:once:y\n")
same(world.start(ready=False).wait(30), 6, "a duplicate tag at the start: it does not start, and does not hang")
same(world.run("clinitd", "-t", "-c", world.cltab),
     (6, "", "clinitd: %s:2: duplicate tag: a (also in line 1)\n" % world.cltab), "clinitd -t, a duplicate tag: 6")
same(world.run("clinitd", "-t", "-c", world.path("none")),
     (6, "", "clinitd: %s: cannot be read: No such file or directory\n" % world.path("none")), "a cltab that is not there: 6")
same(world.run("clinitd", "-t", "-c", world.dir)[2], "clinitd: %s: cannot be read: Is a directory\n" % world.dir, "a folder")
os.mkfifo(world.path("pipe"))
same(world.run("clinitd", "-t", "-c", world.path("pipe"))[2], "clinitd: %s: not a regular file\n" % world.path("pipe"), "a pipe")
world.write(GOOD)
same(world.run("clinitd", "-t", "-c", world.cltab), (0, "", ""), "a good one: 0, and not a word")
if os.getuid() == 0:
    os.chmod(world.cltab, 0o664)
    like(world.run("clinitd", "-t", "-c", world.cltab)[2], "refused: writable by others", "root's may not be writable by others")
    os.chmod(world.cltab, 0o644)
    os.chown(world.cltab, 65534, -1)
    like(world.run("clinitd", "-t", "-c", world.cltab)[2], "refused: owned by uid 65534", "nor be another's")
    os.chown(world.cltab, 0, -1)

daemon = world.start()
same(world.clinit("-w", "g", "run")[0], 0, "a good one is up")
pid = world.pid("g:a")
for name, ruin in (("malformed", lambda: world.write(BAD)), ("gone", lambda: os.unlink(world.cltab)),
                   ("a folder", lambda: os.mkdir(world.cltab))):
    ruin()
    code, out, err = world.clinit()
    same((code, out), (6, ""), "%s: clinit fails, with 6" % name)
    like(err, "clinit: %s is not taken, the one before is kept\n" % world.cltab, "... and says that the old one is kept")
    like(err, "clinit: %s:3: unknown mode" % world.cltab if name == "malformed" else "clinit: " + world.cltab + ": ", "... and why")
    same(world.pid("g:a"), pid, "... nothing is touched")
    code, out, err = world.clinit("g", "run")
    same((code, out), (0, "level transition started\n"), "... a tell is carried out by the kept table")
    like(err, "clinit: %s" % world.cltab, "... with a warning")
    same(world.pid("g:a"), pid, "... which touches nothing")
    same(daemon.poll(), None, "... and the daemon lives")
code, out, err = world.clinit("-w", "g", "maint")
same((code, world.state("g:b")), (0, "RUNNING"), "another level, by the kept table")
like(err, "clinit: %s" % world.cltab, "with -w, too, there is a warning")
code, out, err = world.clinit("new", "run")
like(err, "clinit: %s" % world.cltab, "and for a group that the bad file may have brought")
like(err, "clinit: no such group: new\n", "which is not there")
code, out, err = world.clinit("-k", "-w")
same((code, out, daemon.poll()), (0, "all groups halting\n", 0), "a halt is carried out")
like(err, world.cltab, "with a warning")
ok("Traceback" not in world.said, "and nobody saw a traceback")
done()
