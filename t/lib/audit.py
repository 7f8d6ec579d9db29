"""The auditor of stops: what a tree of trees.py consists of, and what of it is alive.

A TreeWorld is a World that runs such trees. What belongs to a Tree is found in three ways, and once found it is
kept with its start time: what it wrote down itself, what carries the world and the tag in its environment, and
what descends from any of these. A zombie is dead.
"""
import os
import signal
import subprocess
import sys
import time

import tap
import trees
from world import HERE, World, wait_for


def processes():
    """{pid: (parent, start time, (world, tag))} of all that lives; the last two as its environment has them."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        facts = trees.stat(int(name))
        if facts and facts[0] not in "ZX":
            told = environ(int(name))
            found[int(name)] = (*facts[1:], (told.get("WORLD"), told.get("CLINIT_TAG")))
    return found


def environ(pid):
    """The environment of PID as the kernel has it now, {name: value}; {} where it cannot be read."""
    try:
        with open("/proc/%d/environ" % pid, "rb") as file:
            words = os.fsdecode(file.read()).split("\0")
    except OSError:
        return {}
    return dict(word.split("=", 1) for word in words if "=" in word)


class Tree:
    """A hostile process tree, run by the entry `name:name`.

    known: the (pid, start time) of all that was ever seen of it; answered: how much it had written down when it
    was first looked at after its stop.
    """

    def __init__(self, world, kind, seed=None, name=None):
        self.world = world
        self.name = name or kind
        self.folder = world.path(self.name)
        # No character in it that would bring a shell between clinitd and the tree
        self.command = " ".join([sys.executable, os.path.join(HERE, "trees.py"), self.folder, kind,
                                 *([] if seed is None else [str(seed)])])
        self.known = set()
        self.answered = 0
        world.trees.append(self)

    def line(self, mode="respawn", levels="run"):
        """Its line in a cltab."""
        return "%s:%s:%s:%s:%s\n" % (self.name, self.name, levels, mode, self.command)

    @property
    def job(self):
        """The name of its entry."""
        return "%s:%s" % (self.name, self.name)

    def made(self, what):
        """The (pid, start time) of those it wrote down as WHAT, in their order."""
        return [(pid, start) for pid, start, of in trees.records(self.folder) if of == what]

    def ready(self, times=1, seen=None):
        """Wait until it stands, for the so manieth time; returns what look(SEEN) does."""
        wait_for(lambda: len(self.made("ready")) >= times, "%s to be ready" % self.name)
        return self.look(seen)

    def look(self, seen=None):
        """Note what it consists of; returns all that is known. SEEN: processes(), where that is at hand."""
        seen = processes() if seen is None else seen
        self.known.update((pid, start) for pid, start, _ in trees.records(self.folder))
        self.known.update((pid, start) for pid, (_, start, told) in seen.items() if told == (self.world.dir, self.name))
        grown = True
        while grown:
            grown = {(pid, start) for pid, (parent, start, _) in seen.items()
                     if parent in seen and (parent, seen[parent][1]) in self.known} - self.known
            self.known |= grown
        return self.known

    def left(self, seen=None):
        """What of it is alive, as (pid, start time)."""
        self.answered = self.answered or len(trees.records(self.folder))
        return sorted(one for one in self.look(seen) if trees.lives(*one))

    def risen(self):
        """What has begun since left() was asked first: who runs fast enough is in no look, but in the records."""
        return [(pid, start) for pid, start, _ in trees.records(self.folder)[self.answered:]]

    def describe(self, left):
        """Who LEFT are, for people."""
        names = {(pid, start): what for pid, start, what in trees.records(self.folder)
                 if not what.startswith(("met ", "ready"))}
        return ", ".join("%s: pid %d, %s" % (self.name, pid, names.get((pid, start), "not in its records"))
                         for pid, start in left)

    def clear(self):
        """End all of it, however it multiplies."""
        end = time.monotonic() + 2 * trees.LIFE
        left = self.left()
        while left and time.monotonic() < end:
            for pid, _ in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            left = self.left()


def gone(tree, what):
    """Whether nothing of TREE lives, as a test."""
    left = tree.left()
    tap.ok(not left, "%s: %s" % (tree.name, what))
    if left:
        tap.note(tree.describe(left))


class TreeWorld(World):
    """trees: those that were planted in it."""

    def __init__(self, *args, **more):
        self.trees = []
        super().__init__(*args, **more)

    def plant(self, *args, **more):
        return Tree(self, *args, **more)

    def stranger(self, like=None):
        """A process that is none of clinitd's, ended with the test; with the mark, group and tag of the job LIKE."""
        more = {}
        if like:
            group, tag = like.split(":")
            more = {"CLINIT_RUN": self.line(like).more["run"], "CLINIT_GROUP": group, "CLINIT_TAG": tag}
        stranger = subprocess.Popen(["sleep", "100000"], start_new_session=True, env={**os.environ, **more})
        tap.cleanup(stranger.wait)
        tap.cleanup(stranger.kill)
        wait_for(lambda: {"PATH", *more} <= environ(stranger.pid).keys(), "the exec of a stranger")
        return stranger

    def end(self):
        """First the daemons, which would start the trees again; then what is left of the trees; then all else."""
        for tree in self.trees:
            tree.look()
        self.end_daemons()
        for tree in self.trees:
            tree.clear()
        super().end()
