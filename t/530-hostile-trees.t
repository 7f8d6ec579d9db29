#!/usr/bin/env python3
"""A stop is true: whatever a process has grown into, none of it lives when the answer comes, and strangers do (SPEC 5).

In the original what had left the process group, or only lost its parent, survived the stop.
"""
import os
import sys
import time

sys.path.insert(0, sys.path[0] + "/lib")
import trees
from audit import TreeWorld, environ, gone, processes
from tap import done, limit, ok, same, skip
from world import World, lives

LADDER = ":::kill:TERM 0.5 KILL\n"
SEEDS = range(1, 5)     # of the mixes
limit(300)


def count(tree):
    """How many of each kind TREE has made."""
    found = [what for _, _, what in trees.records(tree.folder)]
    return {what: found.count(what) for what in found}


# All of them side by side, so that each is a bystander of the stops of the others
world = TreeWorld()
plain = [world.plant(kind) for kind in trees.ALL if kind != "mix"]
mixes = [world.plant("mix", seed, name="mix%d" % seed) for seed in SEEDS]
world.write(LADDER + "".join(tree.line() for tree in plain + mixes))
clinitd = world.start()
for tree in plain + mixes:
    same(world.clinit("-w", tree.name, "run")[0], 0, "%s is up" % tree.name)
before = {tree: set(tree.ready()) for tree in plain + mixes}

# They are what they are said to be
made = {tree.name: count(tree) for tree in plain}
same({name: {what: number for what, number in found.items() if what not in ("main", "ready")} for name, found in made.items()}, {
    "background": {"background": 3}, "session": {"background": 1, "session": 1}, "daemon": {"daemon": 2, "gone": 2},
    "deaf": {"deaf": 2}, "group": {"group": 2}, "cleared": {"cleared": 1}, "titled": {"titled": 1}, "stopped": {"stopped": 2},
    "storm": {"storm": 2}, "hop": {"hop": 1}}, "the trees stand as they are meant")
trees_of = {tree.name: tree for tree in plain}
for kind in "cleared", "titled":
    (pid, start), = trees_of[kind].made(kind)
    ok(trees.lives(pid, start) and not {"CLINIT_RUN", "WORLD"} & environ(pid).keys(), "%s: carries no mark" % kind)
ok(all(os.getsid(pid) == pid for kind in ("session", "cleared", "titled") for pid, _ in trees_of[kind].made(kind)),
   "and has a session of its own")
same([trees.stat(pid)[0] for pid, _ in trees_of["stopped"].made("stopped")], ["T", "T"], "who has stopped himself is stopped")
daemons = [pid for pid, _ in trees_of["daemon"].made("daemon")]
ok(all(trees.stat(pid)[1] not in [of for of, _ in trees_of["daemon"].made("gone")] for pid in daemons), "orphans are")
same("CLINIT_RUN" in environ(daemons[0]), True, "who carry the mark")

nobody = world.stranger()
alike = {tree: world.stranger(like=tree.job) for tree in plain + mixes}
same({environ(other.pid).get("CLINIT_RUN") for other in alike.values()}, {world.line(tree.job).more["run"] for tree in alike},
     "outside of clinitd's subtree there are strangers with the same marks")

waiting = plain + mixes
while waiting:
    tree = waiting.pop(0)
    same(world.clinit("-w", "-t", "30", tree.name, "0"), (0, "level transition started\n%s 0 DONE\n" % tree.name, ""),
         "%s: is stopped" % tree.name)
    gone(tree, "none of its %d processes lives" % len(tree.known))
    same(alike[tree].poll(), None, "%s: a stranger with its mark does" % tree.name)
    same([other.name for other in waiting for pid, start in before[other] if not trees.lives(pid, start)
          and (pid, start) not in other.made("gone")], [], "%s: and all other trees" % tree.name)
same({tree.name: tree.describe(tree.risen()) for tree in plain + mixes if tree.risen()}, {}, "nor has anything begun since")
ok(len(trees_of["storm"].made("storm")) > 4, "there was a storm")
ok(len(trees_of["hop"].made("hop")) > 2, "there was one who ran")
for tree in plain + mixes:
    tree.clear()
same([pid for pid, (parent, *_) in processes().items() if parent == clinitd.pid], [], "clinitd has no child left")
same(world.stop(), 0, "halted")
same((nobody.poll(), {stranger.poll() for stranger in alike.values()}), (None, {None}), "no stranger was harmed")


# The other ways to stop

def remove(world):
    world.write(LADDER + OTHER)
    return world.clinit("-w", "-t", "30")[0]


def halt(world):
    return world.clinit("-k", "-w", "-t", "30")[0]


OTHER = "other:other:run:respawn:sleep 100000\n"
KINDS = "session", "daemon", "titled", "stopped"
for stop, what in (remove, "its entry is removed"), (halt, "a halt"), (World.stop, "TERM to clinitd"):
    world = TreeWorld()
    some = [world.plant(kind) for kind in KINDS] + [world.plant("mix", 2)]
    world.write(LADDER + OTHER + "".join(tree.line() for tree in some))
    world.start()
    for tree in some:
        same(world.clinit("-w", tree.name, "run")[0], 0, "%s is up" % tree.name)
    for tree in some:
        tree.ready()
    strangers = [world.stranger(), *(world.stranger(like=tree.job) for tree in some)]
    same(stop(world), 0, what)
    for tree in some:
        gone(tree, "%s: nothing of it lives" % what)
    same({stranger.poll() for stranger in strangers}, {None}, "%s: strangers do" % what)
    for tree in some:
        tree.clear()

# Another command: the old process stops, whole, then the new one starts, which writes down who of the old it meets
world = TreeWorld()
some = [world.plant(kind) for kind in KINDS]
world.write(LADDER + "".join(tree.line() for tree in some))
world.start()
for tree in some:
    same(world.clinit("-w", tree.name, "run")[0], 0, "%s is up" % tree.name)
before = {tree: set(tree.ready()) for tree in some}
world.write(LADDER + "".join(tree.line().replace(sys.executable, sys.executable + " -u") for tree in some))
same(world.clinit("-w", "-t", "30")[0], 0, "another command")
for tree in some:
    tree.ready(times=2)
    same([what for _, _, what in trees.records(tree.folder) if what.startswith("met ")], [],
         "%s: the new one meets nothing of the old one" % tree.name)
    left = [one for one in before[tree] if trees.lives(*one)]
    same(tree.describe(left), "", "%s: of which nothing lives" % tree.name)
same(world.clinit("-k", "-w", "-t", "30")[0], 0, "halted")
for tree in some:
    gone(tree, "nor of the new one")

# Many at once: their members are looked for in common
world = TreeWorld()
world.write(LADDER + OTHER + "".join("g%d:%d:run:respawn:sleep 100000 & sleep 100001\n" % (n // 5, n) for n in range(40)))
clinitd = world.start()


def reads():
    """How often clinitd has read from a file."""
    with open("/proc/%d/io" % clinitd.pid) as file:
        return int(file.read().split("syscr: ")[1].split()[0])


for n in range(8):
    same(world.clinit("-w", "g%d" % n, "run")[0], 0, "group %d is up" % n)
pids = [pid for pid in world.processes() if pid != clinitd.pid]
try:
    before, number, began = reads(), len(processes()), time.monotonic()
    same(remove(world), 0, "40 processes with their children are stopped at once")
    took = time.monotonic() - began
    # A look is allowed up to 4 reads for each process there is, and there may be 20 looks a second
    looks = (reads() - before) / 4 / number
    ok(looks < 6 + 20 * took, "by few looks at /proc: %.1f in %.2f s" % (looks, took))
except OSError as error:
    skip("by few looks at /proc", str(error))
same([pid for pid in pids if lives(pid)], [], "none of them lives")
done()
