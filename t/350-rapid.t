#!/usr/bin/env python3
"""Too rapid respawn, on real processes (SPEC 4). Of the settings only the times are not the usual ones."""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, ok, same
from world import QUICK, World, wait_for

world = World(QUICK + """
g:flap:run:respawn:echo x >> WORLD/runs
:::respawn:3 1000 0.5
h:default:run:respawn:echo x >> WORLD/default
h:default::respawn:5 1000 60
""")
world.start()
world.clinit("h", "run")
world.await_state("h:default", "PAUSED")
same(world.read("default"), "x\n" * 6, "what exits at once is started six times, then paused")
like(world.said.split("h:default: ")[-1], "exited 0, respawning too rapidly, paused 60 s", "the log says why")
same(world.clstat("-g", "h"), (1, "run DONE\n", ""), "clstat: the group is DONE, but an entry is paused: 1")
world.clinit("h", "run")
wait_for(lambda: world.read("default") == "x\n" * 12, "six more runs")
world.await_state("h:default", "PAUSED")
ok(True, "told again it begins anew")

world.clinit("g", "run")
wait_for(lambda: len(world.read("runs")) > len("x\n" * 6), "runs after the pauses")
ok(world.said.count("g:flap: pid") > 6 and "paused 0.5 s" in world.said, "after its pause it tries again")
same(world.clinit("-w", "g", "0")[0], 0, "and it can be stopped")
same(world.clinit("-w", "h", "0")[0], 0, "in a pause, too")
done()
