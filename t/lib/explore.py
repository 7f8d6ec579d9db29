"""Every state that the world can bring a small clinit into: all events, in all orders, from its start.

A Miniature is a heart with a kernel that only notes, like fake.FakeKernel, but here nothing happens by itself:
what the kernel reports stands in a queue, as in the daemon, and a step is one thing that may happen next -
the queue's first event is handled; a process exits, quickly or not, well or not, leaving others of its
group, or a respawn one with a session of its own, or none; such a rest ends; a ready command exits, well or not; a timer
runs out; somebody tells, rereads, restarts, halts or waits. explore() walks all steps from all states, and holds the rules after each:

  - nothing is started that may still be alive, nor a tag twice
  - nothing is signalled but what was started and is not known to be gone
  - when all reports are handled, the heart believes alive just what is alive
  - the only timers are the ladder of what is being stopped, the pause of what is paused, and the time that something has
  - whatever the state: if all obey from then on, every group comes to rest, with what it should run running
    and nothing else, and who waits is answered
"""
import io
import os
import pickle
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))

from clinit import cltab, init, machines, rules     # noqa: E402
from fake import Fault, Leftovers                   # noqa: E402


LIMIT = 8000   # states of one clinit


_kept = {}


def _shared(one):
    """How a pickle names what it does not copy."""
    _kept[id(one)] = one
    return _the_same, (id(one),)


def _the_same(number):
    return _kept[number]


class Miniature(Leftovers):
    """init: the heart; queue: what the kernel has reported; armed: timers; asked: who waits.

    alive: the names of main processes; rest: of what they left in their process group, or apart, in a session of its own.
    """

    def __init__(self, tables):
        self.tables = tables
        self.init = init.Init(tables[0])
        self.queue = []
        self.alive, self.rest, self.apart, self.armed, self.asked = set(), set(), set(), set(), set()
        self.probing = set()        # the names whose ready command runs
        self.awaited = {}
        self.spawns = "started"     # what becomes of the next spawn
        self.over = self.late = False

    def copy(self):
        """Another world just like this; the cltabs, which nothing changes, are shared."""
        buffer = io.BytesIO()
        pickler = pickle.Pickler(buffer, pickle.HIGHEST_PROTOCOL)
        pickler.dispatch_table = dict.fromkeys((cltab.Cltab, cltab.Entry, cltab.Settings), _shared)
        pickler.dump(self)
        return pickle.loads(buffer.getbuffer())

    def key(self):
        """What tells this state from others: all but counters, pids and times."""
        heart = self.init
        groups = tuple(
            (group.name, group.state, group.level, group.want, group.cursor,
             tuple(str(entry) for entry in group.entries), frozenset(process.name for process in group.leaving),
             tuple((process.name, str(process.entry), process.state, process.leaving, process.rung, process.quick,
                    process.after, process.bound, process.ready, process.probe, tuple(heir.name for heir in process.heirs))
                   for process in group.order))
            for group in heart.groups.values())
        return (heart.state, groups, tuple(map(str, self.queue)), frozenset(self.alive), frozenset(self.rest), frozenset(self.apart),
                frozenset(self.awaited.items()), frozenset(self.armed), frozenset(self.probing), frozenset(self.asked), self.tables.index(heart.cltab), self.over, self.late,
                tuple(process.name for process in heart.moving), tuple(heart.waiting))

    # The heart's actions

    def handle(self, *event):
        for action, *facts in self.init.handle(event, self.init.now):
            getattr(self, "do_" + action)(*facts)

    def do_spawn(self, entry, level, previous):
        if level is None or not rules.in_level(entry.levels, level):
            raise Fault("%s started at level %s" % (entry.name, level))
        for name in self.alive | self.rest | self.apart - {entry.name}:
            if name.partition(":")[2] == entry.tag:
                raise Fault("%s started, and %s lives" % (entry.name, name))
        if entry.name in self.apart and entry.mode != "respawn":
            raise Fault("%s started, and not all of it is gone" % entry.name)
        if self.spawns == "started":
            self.alive.add(entry.name)
            self.queue.append(("started", entry.name, {"pid": "1", "start": "1", "run": "r", "uid": "0"}))
        elif self.spawns == "refused":
            self.queue.append(("refused", entry.name, "no room"))
        else:
            self.queue.append(("unstartable", entry.name, 127, "not there"))

    def do_signal(self, name, signal):
        if name not in self.alive | self.rest | self.apart and not any(event[1] == name for event in self.queue):
            raise Fault("%s signalled, and known to be gone" % name)
        if signal not in ("INT", "TERM", "KILL"):
            raise Fault("%s sent" % signal)

    def do_arm(self, name, what, seconds):
        self.armed.add((name, what))

    def do_disarm(self, name, what):
        self.armed.discard((name, what))

    def do_probe(self, entry, level, previous, command):
        if entry.name not in self.alive and not any(event[1] == entry.name for event in self.queue):
            raise Fault("%s is asked whether it is ready, and is gone" % entry.name)
        self.probing.add(entry.name)

    def do_unprobe(self, name):
        self.probing.discard(name)

    def do_answer(self, client, text):
        self.asked.discard(client)

    def do_exit(self):
        if self.over:
            raise Fault("exit twice")
        self.over = True

    def do_status(self):
        pass

    def do_log(self, text):
        pass

    # What may happen

    def steps(self, commands):
        """The steps that may come next: (what, fact, ...)."""
        if self.over:       # what was asked in the same turn is answered still: one command is enough
            return [("handle",)] if self.queue else [] if self.late else [one for one in commands if one[0] != "wait"]
        found = [("handle",)] if self.queue else []
        for name in sorted(self.alive):
            # How long it ran matters to a respawn alone, how it ended to the others
            respawns = self.init.processes[name].entry.mode == "respawn"
            for last, ran in (("exit:0", 0.0), ("exit:0", 10.0) if respawns else ("signal:KILL", 0.0)):
                found += [("exit", name, last, ran, left) for left in ("", "rest", *(["apart"] if respawns else []))]
        found += [("end", name) for name in sorted(self.rest | self.apart)]
        found += [("probe", name, why) for name in sorted(self.probing) for why in ("", "exited 1")]
        found += [("notify", name) for name in sorted(self.alive) if self.init.processes[name].ready == "no"
                  and not self.init.processes[name].readiness[1] and not self.queue]
        found += [("timer", *key) for key in sorted(self.armed)]
        pending = any(event[0] in ("tell", "reread", "halt", "wait", "restart") for event in self.queue)
        return found if pending else found + [command for command in commands if not (command[0] == "wait" and self.asked)]

    def take(self, what, *facts):
        if what == "handle":
            self.handle(*self.queue.pop(0))
        elif what == "exit":
            name, last, ran, left = facts
            self.alive.remove(name)
            if left:
                getattr(self, left).add(name)
            # It ran so long: the clock is moved, since that is all that the heart can see of it
            self.init.now = max(self.init.now, self.init.processes[name].began + ran) if name in self.init.processes \
                else self.init.now
            self.queue.append(("exited", name, last, left == "rest"))
        elif what == "end":
            (self.rest if facts[0] in self.rest else self.apart).remove(facts[0])
            self._report_gone(facts[0])
        elif what == "probe":
            self.probing.remove(facts[0])
            self.queue.append(("probed", *facts))
        elif what == "notify":
            self.queue.append(("notified", facts[0], True, ""))
        elif what == "restart":
            self.ask("restart", None, *facts)
        elif what == "timer":
            self.armed.remove(facts)
            self.handle("timer", *facts)
        elif what == "reread":
            self.ask("reread", None, self.tables[facts[0]])
        elif what == "tell":
            self.ask("tell", None, *facts, self.init.cltab)
        elif what == "wait":
            self.asked.add("w")
            self.ask("wait", "w", *facts)
        else:
            self.ask("halt", None)
        self.check()

    def ask(self, *command):
        """A command does not wait for what has happened."""
        self.late = self.over
        self.queue.insert(0, command)

    # The rules

    def check(self):
        if self.queue or self.over:
            return
        believed = {name: process for name, process in self.init.processes.items() if process.alive}
        stopping = {name for name, process in believed.items() if process.state in machines.BEING_STOPPED}
        there = self.alive | self.rest | self.apart & stopping
        if set(believed) != there:
            raise Fault("alive are %s, believed %s" % (sorted(there), sorted(believed)))
        for name in self.apart:
            if name not in self.init.processes or not self.init.processes[name].stoppable:
                raise Fault("%s is lost: %s" % (name, name in self.init.processes and self.init.processes[name].state))
        purpose = {(name, "ladder") for name, process in believed.items() if process.state in ("STOPPING", "STUCK")}
        purpose |= {(name, "pause") for name, process in self.init.processes.items() if process.state == "PAUSED"}
        purpose |= {(name, "bound") for name, process in self.init.processes.items() if process.bound}
        purpose |= {(name, "probe") for name, process in self.init.processes.items()
                    if process.bound and process.readiness and process.readiness[1] and name not in self.probing}
        if not self.probing <= self.alive:
            raise Fault("asked whether they are ready are %s, alive are %s" % (sorted(self.probing), sorted(self.alive)))
        if self.armed != purpose:
            raise Fault("armed are %s, with a purpose %s" % (sorted(self.armed), sorted(purpose)))
        for group in self.init.groups.values():
            for process in group.order:
                if self.init.processes.get(process.name) is not process or process.group is not group:
                    raise Fault("%s is not where it belongs" % process.name)

    def settle(self):
        """Let all obey from now on: every group must come to rest, and be right."""
        for _ in range(200):
            blocking = [name for name in sorted(self.alive) if self.init.processes[name].blocks] if not self.queue else []
            stopping = [name for name, what in sorted(self.armed) if what == "ladder"]
            if self.queue:
                self.take("handle")
            elif stopping:
                name = stopping[0]
                self.take("exit", name, "signal:KILL", 0.0, "") if name in self.alive else self.take("end", name)
            elif any(step[0] == "notify" for step in self.steps(())):
                self.take(*next(step for step in self.steps(()) if step[0] == "notify"))
            elif self.probing:
                self.take("probe", sorted(self.probing)[0], "")
            elif blocking:
                self.take("exit", blocking[0], "exit:0", 10.0, "")
            elif self.armed:
                self.take("timer", *sorted(self.armed, key=lambda timer: timer[1] == "bound")[0])
            else:
                break
        else:
            raise Fault("it does not come to rest")
        if self.over or self.init.state == "HALTED":
            if self.alive | self.rest | self.apart:
                raise Fault("halted, and %s lives" % sorted(self.alive | self.rest | self.apart))
            return
        if self.init.state != "RUNNING":
            raise Fault("it does not halt")
        if self.asked:
            raise Fault("who waits is not answered")
        for group in self.init.groups.values():
            if group.state not in machines.RESTING:
                raise Fault("group %s does not come to rest: %s" % (group.name, group.state))
            self.check_rest(group)

    def check_rest(self, group):
        wanted = cltab.level_of(group.entries, group.want)
        states = {process.entry.tag: process.state for process in group.order}
        if set(states) != set(wanted):
            raise Fault("%s has %s, not %s" % (group.name, sorted(states), sorted(wanted)))
        if group.level != group.want:
            raise Fault("%s is at %s, not at %s" % (group.name, group.level, group.want))
        good = {"respawn": {"RUNNING"}, "once": {"RUNNING", "DONE"}, "wait": {"DONE"}, "test": {"PASSED"}, "off": {"OFF"}}
        failed = [tag for tag, state in states.items() if state == "FAILED"]
        if bool(failed) != (group.state == "FAILED"):
            raise Fault("%s is %s with %s failed" % (group.name, group.state, failed))
        for tag, entry in wanted.items():
            if tag in failed:
                if entry.mode != "test" and not entry.ready:
                    raise Fault("%s is FAILED" % tag)
                break       # what comes after it may not have been started
            if states[tag] not in good[entry.mode]:
                raise Fault("%s is %s" % (tag, states[tag]))
        counting = [entry.mode for entry in wanted.values() if entry.mode != "off"]
        passed = bool(counting) and set(counting) == {"test"} and not failed
        if group.want is not None and not failed and (group.state == "PASSED") != passed:
            raise Fault("%s is %s" % (group.name, group.state))


def explore(texts, commands, limit=LIMIT):
    """Walk the states of the cltab TEXTS[0], with COMMANDS and rereads to the other texts; returns how many there are.

    Those nearest to the start come first; of more than LIMIT the rest is left out.
    Raises Fault, naming the steps that led to it.
    """
    world = Miniature([cltab.parse(text.encode(), "cltab") for text in texts])
    seen = {world.key()}
    level = [(world, ())]
    while level and len(seen) <= limit:
        following = []
        for world, path in level:
            for step in world.steps(commands):
                for spawns in ("started", "refused", "unstartable"):
                    after = world.copy()
                    after.spawns = spawns
                    spawned = len(after.queue)
                    try:
                        after.take(*step)
                        key = after.key()
                        if key not in seen:
                            seen.add(key)
                            following.append((after, path + (step,)))
                            trial = after.copy()
                            trial.spawns = "started"
                            trial.settle()
                    except (Fault, machines.Unexpected, LookupError, AttributeError, TypeError, RecursionError) as error:
                        raise Fault("%s: %s, after %s" % (type(error).__name__, error, path + (step, spawns))) from error
                    if not any(event[0] in ("started", "refused", "unstartable") for event in after.queue[spawned - 1:]):
                        break       # it has spawned nothing: the other outcomes are the same
        level = following
    return len(seen)


class Recorder(dict):
    """A table that notes which of its rows were used."""

    def __init__(self, table):
        super().__init__(table)
        self.used = set()

    def __getitem__(self, row):
        self.used.add(row)
        return super().__getitem__(row)


#: The small clinits that together use every row: their texts, and the commands that are given
SCOPES = {
    "a respawn": (["g:r:1:respawn:x\n:::respawn:1 1 60\n"],
                  [("tell", "g", "1"), ("tell", "g", "0"), ("halt",)]),
    "a wait": (["g:w:1,2:wait:x\n"],
               [("tell", "g", "1"), ("tell", "g", "2"), ("tell", "g", "0"), ("halt",), ("wait", "g", "1")]),
    "a once": (["g:o:1:once:x\n"], [("tell", "g", "1"), ("tell", "g", "0"), ("reread", 0), ("halt",)]),
    "a test": (["g:t:1,2:test:x\n"],
               [("tell", "g", "1"), ("tell", "g", "2"), ("tell", "g", "0"), ("halt",), ("wait", "g", "1")]),
    "two levels": (["g:w:1:wait:x\ng:r:1,2:respawn:y\n:::kill:KILL\n:::respawn:0 1 60\n"],
                   [("tell", "g", "1"), ("tell", "g", "2"), ("tell", "g", "0")]),
    "a gate": (["g:t:1:test:x\ng:r:1:respawn:y\n:::kill:KILL\n:::respawn:0 1 60\n"],
               [("tell", "g", "1"), ("tell", "g", "0"), ("wait", "", "")]),
    "before a gate": (["g:r:1:respawn:x\ng:t:1:test:y\n:::kill:KILL\n:::respawn:0 1 60\n"],
                      [("tell", "g", "1"), ("halt",)]),
    "an edit": (["g:r:1:respawn:x\n:::respawn:0 1 60\n:::kill:KILL\n", "g:r:1:respawn:y\n:::respawn:0 1 60\n:::kill:KILL\n",
                 "g:r:1:off:x\n", "h:z:1:once:x\n"],
                [("tell", "g", "1"), ("tell", "g", "0"), *(("reread", number) for number in range(4))]),
    "getting ready": (["g:r:1:respawn:x\ng:o:1:once:y\n:::ready:c\n:::respawn:1 1 60\n:::kill:KILL\n"],
                      [("tell", "g", "1"), ("tell", "g", "0"), ("restart", "g:r"), ("wait", "g", "1")]),
    "a limit": (["g:w:1:wait:x\ng:t:1:test:y\n:::limit:1\n:::kill:KILL\n"],
                [("tell", "g", "1"), ("tell", "g", "0"), ("halt",), ("restart", "g:t")]),
    "in reverse": (["g:r:1:respawn:x\ng:s:1:respawn:y\n:::stop:reverse\ng:r::ready:notify\n:::kill:KILL\n"],
                   [("tell", "g", "1"), ("tell", "g", "0"), ("halt",)]),
    "a restart": (["g:r:1:respawn:x\ng:t:1:test:y\n:::respawn:0 1 60\n"],
                  [("tell", "g", "1"), ("restart", "g:r"), ("restart", "g:t"), ("halt",)]),
    "a tag that moves": (["g:r:1:once:x\nh:z:0:once:z\n:::kill:KILL\n", "g:z:0:once:z\nh:r:1:once:x\n:::kill:KILL\n"],
                         [("tell", "g", "1"), ("tell", "h", "1"), ("reread", 0), ("reread", 1)]),
}
