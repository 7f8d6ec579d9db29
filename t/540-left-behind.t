#!/usr/bin/env python3
"""What a wait, once or test leaves behind on purpose is left alone; what a respawn has grown into is its own (SPEC 4, 5)."""
import os
import shutil
import signal
import sys

sys.path.insert(0, sys.path[0] + "/lib")
import trees
from audit import TreeWorld, environ, gone
from tap import cleanup, done, ok, same, skip
from world import wait_for

LADDER = ":::kill:TERM 0.5 KILL\n"
MODES = "wait", "once", "test"


def alive(some, when):
    """Whether all of SOME, {tree: (pid, start time)}, live, as a test."""
    same({tree.name: tree.describe(one for one in kept if not trees.lives(*one)) for tree, kept in some.items()},
         {tree.name: "" for tree in some}, "what was left behind lives %s" % when)


# What is left behind: a daemon in its own session, and a child in the old one, the group of its dead leader
world = TreeWorld()
some = [world.plant("leaving", name=mode) for mode in MODES]
rest = "".join("%s:stay%s:run,other:respawn:sleep 100000\n" % (mode, mode) for mode in MODES)
world.write(LADDER + rest + "".join(tree.line(mode=tree.name) for tree in some))
clinitd = world.start()
kept = {}
for tree in some:
    same(world.clinit("-w", tree.name, "run")[0], 0, "%s: has run" % tree.name)
    world.await_state(tree.job, "PASSED" if tree.name == "test" else "DONE")
    tree.ready()
    kept[tree] = tree.made("background") + tree.made("daemon")
    same(len(kept[tree]), 3, "%s: left three behind" % tree.name)
    main, = tree.made("main")
    same([os.getsid(pid) == main[0] for pid, _ in kept[tree]], [True, False, True], "two of them in its session")
alive(kept, "after the exit of who started it")
stays = {mode: world.pid("%s:stay%s" % (mode, mode)) for mode in MODES}
for tree in some:
    same(world.clinit("-w", "-t", "30", tree.name, "other")[0], 0, "%s: another level" % tree.name)
alive(kept, "after a change of level")
same({mode: world.pid("%s:stay%s" % (mode, mode)) for mode in MODES}, stays, "what is in both levels has stayed")
for tree in some:
    same(world.clinit("-w", "-t", "30", tree.name, "run")[0], 0, "%s: and back" % tree.name)
    tree.ready(times=2)
    same(sum(what.startswith("met ") for _, _, what in trees.records(tree.folder)), 3, "%s: runs again, and meets what it left" % tree.name)
    kept[tree] = tree.made("background") + tree.made("daemon")
alive(kept, "when it was started again")
world.write(LADDER + rest)
same(world.clinit("-w", "-t", "30")[0], 0, "their entries are removed")
alive(kept, "after a reread")
for tree in some:
    same(world.clinit("-w", "-t", "30", tree.name, "0")[0], 0, "%s: a level without entries" % tree.name)
alive(kept, "after a stop of all else")
world.write(LADDER + rest + "".join(tree.line(mode=tree.name, levels="last") for tree in some))
for tree in some:
    same(world.clinit("-w", "-t", "30", tree.name, "last")[0], 0, "%s: has run once more" % tree.name)
    tree.ready(times=3)
    kept[tree] = tree.made("background") + tree.made("daemon")
same(world.clinit("-k", "-w", "-t", "30"), (0, "all groups halting\n", ""), "a halt")
same((clinitd.wait(30), "sending" in world.said), (0, False), "does not wait for what was left behind, nor sends it anything")
alive(kept, "after -k")
for tree in some:
    tree.clear()

# While it runs, all of it is its own
world = TreeWorld()
some = [world.plant("several", name=mode) for mode in MODES]
world.write(LADDER + "".join(tree.line(mode=tree.name) for tree in some))
world.start()
for times in 1, 2:
    for tree in some:
        same(world.clinit(tree.name, "run")[0], 0, "%s: told" % tree.name)
        tree.ready(times)
        ok(len([one for one in tree.known if trees.lives(*one)]) >= 8, "%s: runs, with sessions of its own" % tree.name)
        if times == 1:
            same(world.clinit("-w", "-t", "30", tree.name, "0")[0], 0, "%s: is stopped while it runs" % tree.name)
            gone(tree, "none of it lives")
    if times == 2:
        same(world.clinit("-k", "-w", "-t", "30")[0], 0, "a halt while they run")
    for tree in some:
        gone(tree, "nothing is left")
        tree.clear()

# A respawn: its old process group goes first, its sessions stay, and end with the entry
world = TreeWorld()
tree = world.plant("heir")
world.write(LADDER + tree.line())
world.start()
same(world.clinit("-w", tree.name, "run")[0], 0, "a respawn with a child that bears TERM, and one in a session of its own")
tree.ready()
session, = tree.made("session")
for times in 2, 3:
    old = tree.made("main")[-1], tree.made("background")[-1]
    os.kill(old[0][0], signal.SIGKILL)
    tree.ready(times)
    met = [(pid, start) for pid, start, what in trees.records(tree.folder) if what.startswith("met ")]
    same([one for one in old if one in met or trees.lives(*one)], [], "respawned: the old group was gone before the new process started")
    same((met.count(session), trees.lives(*session)), (times - 1, True), "which has met the session that stays, the same one")
same((len(tree.made("session")), len(tree.made("background"))), (1, 3), "there is one session, and a child of each run")
world.await_state(tree.job, "RUNNING")
ok(environ(session[0])["CLINIT_RUN"] != world.line(tree.job).more["run"], "the session has the mark of the first run")
same(world.clinit("-w", "-t", "30", tree.name, "0")[0], 0, "stopped")
gone(tree, "with the session of a run long gone")
tree.clear()

# Paused, it has nothing but what its runs have left
world = TreeWorld()
tree = world.plant("leaving")
world.write(LADDER + tree.job + "::respawn:2 60 1000\n" + tree.line())
world.start()
for stop in ("-t", "30", tree.name, "0"), ("-k", "-t", "30"):
    same(world.clinit(tree.name, "run")[0], 0, "a respawn that leaves a daemon behind, and exits")
    world.await_state(tree.job, "PAUSED")
    left = tree.left()
    sessions = {os.getsid(pid) for pid, _ in left}
    same((len(left), len(sessions), sessions & {pid for pid, _ in tree.made("main")}), (3, 3, set()),
         "paused after three runs: there is a daemon of each, in a session of its own, and no more")
    same(world.clinit("-w", *stop)[0], 0, "stopped while it is paused")
    gone(tree, "the daemons are gone")
    tree.clear()

# Let go on purpose
if not shutil.which("setsid"):
    skip("what a once lets go", "no setsid(1)")
else:
    world = TreeWorld(LADDER + "g:go:run:once:env -u CLINIT_RUN setsid sleep 100000 & echo $! > WORLD/free\n"
                      "g:main:run:respawn:sleep 100000\n")
    world.start()
    same(world.clinit("-w", "g", "run")[0], 0, "a once that lets a process go")
    free = int(world.await_file("free", "\n"))
    free = free, trees.stat(free)[2]

    def end():
        """It is none of clinitd's, so the world's end must not meet it."""
        if trees.lives(*free):
            os.kill(free[0], signal.SIGKILL)
        wait_for(lambda: not trees.lives(*free), "its end")

    cleanup(end)
    wait_for(lambda: os.getsid(free[0]) == free[0] and "PATH" in environ(free[0]), "its session")
    ok("CLINIT_RUN" not in environ(free[0]), "which carries no mark")
    same(world.clinit("-w", "-t", "30", "g", "0")[0], 0, "another level")
    ok(trees.lives(*free), "it lives")
    same(world.clinit("-k", "-w", "-t", "30")[0], 0, "a halt")
    ok(trees.lives(*free), "it lives on")
done()
