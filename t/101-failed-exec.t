#!/usr/bin/env python3
"""A command that cannot be executed: said why, counted as an exit, and nothing of the daemon's runs in its child.

In the original the failed child ran the daemon's clean-up, and killed its siblings.
"""
import os
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, ok, same
from world import QUICK, World

world = World(QUICK + """
web:before:run:respawn:sleep 1000
web:gone:run:wait:/no/such/program
web:dir:run:wait:WORLD
web:deny:run:wait:WORLD/plain
web:word:run:wait:no-such-word-in-path
web:once:run:once:/no/such/program
web:again:run:respawn:/no/such/program
web:after:run:respawn:sleep 1000
fail:test:run:test:/no/such/program
fail:never:run:once:touch WORLD/never
""")
world.write("no program", "plain")
world.start()
code, out, err = world.clinit("-w", "web", "run")
same(code, 1, "clinit -w: an entry is paused")
like(err, "web:again is paused: cannot execute /no/such/program: No such file or directory (exited 127)",
     "it names the entry, why, and its status")
same(world.state("web"), "DONE", "the group has gone on")
for tag, last in {"gone": "exit:127", "dir": "exit:126", "deny": "exit:126", "word": "exit:127", "once": "exit:127"}.items():
    line = world.line("web:" + tag)
    same((line.state, line.more["last"]), ("DONE", last), "%s counts as %s" % (tag, last))
same(world.state("web:again"), "PAUSED", "a respawn is paused at once")
same(world.said.count("web:again: cannot execute"), 1, "... and tried but once")
like(world.said, "clinitd: web:gone: cannot execute /no/such/program: No such file or directory\n", "the log says which and why")
like(world.said, "clinitd: web:deny: cannot execute %s: Permission denied\n" % world.path("plain"), "also where it is no permission")
ok(world.pid("web:before") and os.kill(world.pid("web:before"), 0) is None, "its sibling lives")
same(world.state("web:after"), "RUNNING", "and so does the next")

code, out, err = world.clinit("-w", "fail", "run")
same((code, err), (1, "clinit: fail run FAILED: fail:test: cannot execute /no/such/program: No such file or directory (exited 127)\n"), "as a test it fails")
same(world.read("never"), "", "what comes after it is not started")
same(sorted(set(world.processes()) - {world.daemons[0].pid}),
     sorted([world.pid("web:before"), world.pid("web:after")]), "no copy of clinitd is left")
same(world.stop(), 0, "halted")
done()
