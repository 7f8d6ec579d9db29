#!/usr/bin/env python3
"""A process group's rest goes before a respawn; a stop ends the whole group, whoever has left first (SPEC 3, 4).

In the original grandchildren survived a stop.
"""
import os
import signal
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, ok, same
from world import World, lives, wait_for

# The shell leaves a child in its group that ends by TERM only, and says when each is ready
world = World(""":::kill:INT 0.3 TERM 5 KILL
g:tree:run:respawn:sh -c 'trap "" INT; echo $$ >> WORLD/kids; exec sleep 1000' & echo $$ >> WORLD/mains; wait
g:stubborn:2:respawn:trap "" INT TERM; (trap "" INT TERM; sleep 1001) & echo ready > WORLD/stubborn; wait; sleep 1002
g:left:3:once:sleep 1003 & echo $! > WORLD/left
g:stopped:4:respawn:trap "echo > WORLD/obeyed; exit" TERM; echo $$ > WORLD/stopped; while :; do sleep 0.05; done
g:stopped::kill:TERM 20 KILL
""")
world.start()
same(world.clinit("-w", "g", "run")[0], 0, "a process with a child in its group")
kid = int(world.await_file("kids", "\n"))
main = int(world.await_file("mains", "\n"))
same(main, world.pid("g:tree"), "up")
os.kill(main, signal.SIGKILL)
wait_for(lambda: world.read("mains").count("\n") == 2, "the next start")
ok(not lives(kid), "the old child was gone before the new process started")
like(world.said, "g:tree: others of its process group are left, they go first", "as the log says")
wait_for(lambda: world.read("kids").count("\n") == 2, "the new child")
kid = int(world.read("kids").split()[1])
same(world.clinit("-w", "g", "2")[0], 0, "another level")
ok(not lives(kid), "a stop ends the children, too")

world.await_file("stubborn")
pids = [pid for pid in world.processes() if pid != world.daemons[0].pid]
ok(len(pids) >= 2, "a tree that bears INT and TERM")
world.write(":::kill:INT 0.1 TERM 0.1 KILL\n" + world.read("cltab").split("\n", 1)[1])
world.kill("g:stubborn", signal.SIGSTOP)
same(world.clinit("-w", "g", "3")[0], 0, "KILL ends it, stopped or not")
same([pid for pid in pids if lives(pid)], [], "whole")

world.await_state("g:left", "DONE")
left = int(world.await_file("left", "\n"))
same(world.clinit("-w", "g", "4")[0], 0, "another level")
ok(lives(left), "what a once has left behind on purpose is not stopped")
os.kill(left, signal.SIGKILL)
world.await_file("stopped", "\n")
world.kill("g:stopped", signal.SIGSTOP)
same(world.clinit("-w", "g", "0")[0], 0, "a process that was stopped is continued, so that it can obey")
world.await_file("obeyed")
ok(True, "and does")
done()
