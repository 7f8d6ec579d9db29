#!/usr/bin/env python3
"""A level is a word, not a pattern: in the original `clinit g '('` killed the daemon."""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, ok, same
from world import QUICK, World

world = World(QUICK + "g:a:run:respawn:sleep 1000\n")
daemon = world.start()
for level in ("(", "[", "*", "run|x", "a" * 65, "", " ", "\u00e9", "-x"):
    code, out, err = world.clinit("--", "g", level)
    same((code, out), (2, ""), "clinit g %r is wrong usage" % level[:8])
    like(err, "clinit: ", "... and says so in one line")
    same(err.count("\n"), 1, "... one")
same(world.clinit("-w", "g", "r.n")[1], "level transition started\ng r.n DONE\n", "r.n is a good level, and not run")
same(world.line("g:a"), None, "so nothing runs there")
same(world.clinit("-w", "g", "run")[0], 0, "the daemon goes on")
same((world.state("g:a"), daemon.poll()), ("RUNNING", None), "and does its work")
ok("internal" not in world.said, "without a fault")
done()
