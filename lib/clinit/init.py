"""The heart: what is to be done. One Init has Groups, which have Processes.

`Init.handle(event, now)` takes what happened and returns the actions that follow; it does no I/O and knows
no pid but to show it. `now` is in seconds of a clock that never steps. The tables in machines.py say what
follows what; the methods here are the actions that the tables name, and the facts that choose the event.

Events, as tuples:
    ("tell", client, group, level, cltab)    a command; answered with an `answer` action
    ("reread", client, cltab)                likewise; the client may be None
    ("wait", client, group, level)           answered when it is at rest; group and level "" for all
    ("halt", client)                         likewise; the client may be None
    ("left", client)                         that client went away
    ("restore", lines, older)                the first event where an earlier clinitd is succeeded: its status lines,
                                             and {group: entries} where a group goes by older ones than the cltab's;
                                             what has ended since is told by `exited` events after it
    ("started", name, facts)                 exec succeeded; facts: {"pid", "start", "run", "uid": ...}
    ("unstartable", name, code, why)         exec failed; code 126 or 127
    ("refused", name, why)                   the system has no room for a process
    ("exited", name, last, rest)             the main process is gone; rest: others of its process group live
    ("gone", name, scope)                    what was awaited is gone
    ("owned", {name: uid})                   as whom the processes run
    ("timer", name, what)                    an armed timer ran out

Actions, as tuples:
    ("spawn", entry, level, previous)        start a process; answered by started, unstartable or refused
    ("signal", name, signal)                 to all its members, or its process group if that is awaited; no SIG
    ("await", name, scope)                   its main process is gone: report when `all` members are, or its `group`
    ("forget", name)                         its main process is gone: what it left is nobody's business
    ("arm", name, what, seconds)  ("disarm", name, what)
    ("status",)                              something that the status file shows has changed
    ("answer", client, text)  ("log", text)  ("exit",)
"""
from __future__ import annotations

from . import cltab as tables
from . import errors, protocol, rules, statusline
from .cltab import Cltab, Entry
from .machines import ALIVE, BEING_STOPPED, DAEMON, GROUP, PROCESS, RESTING, STOPPABLE, step

TYPE_CHECKING = False   # for type checkers it is True; typing itself costs too much to import
if TYPE_CHECKING:
    from typing import Any
    Event = tuple[Any, ...]     # its name, then its facts
    Action = tuple[Any, ...]    # likewise
else:
    Event = Action = tuple


class Init:
    """The daemon's machine.

    groups: {name: Group}, in the order of the cltab. epoch: the seconds to add to `now` to get the wall
    clock, for what people read.
    """

    def __init__(self, cltab: Cltab, epoch: float = 0.0) -> None:
        self.state = "RUNNING"
        self.cltab = cltab
        self.epoch = epoch
        self.now = 0.0
        self.groups: dict[str, Group] = {}
        self.processes: dict[str, Process] = {}     # by name, of all groups
        self.moving: list[Process] = []             # those whose tag the last new cltab gave to another group
        self.waiting: list[tuple[object, str, str]] = []
        self.refused: set[str] = set()              # those whose last start the system had no room for
        self.actions: list[Action] = []     # what this event has led to so far
        self._make_groups(cltab)

    def handle(self, event: Event, now: float) -> list[Action]:
        """What follows from EVENT at NOW: the actions, to be performed in their order.

        Raises Unexpected for what the tables do not know.
        """
        self.now = now
        self.actions = []
        getattr(self, "on_" + event[0])(*event[1:])
        return self.actions

    def act(self, *action: object) -> None:
        self.actions.append(action)

    def log(self, text: str) -> None:
        self.act("log", text)

    def answer(self, client: object, text: str) -> None:
        if client is not None:
            self.act("answer", client, text)

    def wall(self) -> int:
        """Now as seconds since 1970, for people."""
        return int(self.now + self.epoch)

    # Commands ------------------------------------------------------------------------------------

    def on_tell(self, client: object, group: str, level: str, cltab: Cltab) -> None:
        self._step("tell", client, group, level, cltab)

    def on_reread(self, client: object, cltab: Cltab) -> None:
        self._step("reread", client, cltab)

    def on_halt(self, client: object) -> None:
        self._step("halt")
        self.answer(client, protocol.ok("all groups halting"))

    def on_wait(self, client: object, group: str, level: str) -> None:
        self.waiting.append((client, group, level))
        self._answer_waiting()

    def on_left(self, client: object) -> None:
        self.waiting = [wait for wait in self.waiting if wait[0] is not client]

    def on_restore(self, lines: list[statusline.Line], older: dict[str, list[Entry]]) -> None:
        for line in (line for line in lines if line.kind == statusline.GROUP):
            group = self.groups.setdefault(line.name, Group(self, line.name, []))
            group.entries = older.get(line.name, group.entries)
            group.restore(line)
        for line in lines:
            of = statusline.of_group(line)
            if line.kind == statusline.PROCESS and of in self.groups and self.groups[of].told:
                self.groups[of].revive(line)
        self._find_moving()
        halting = any(line.kind == statusline.DAEMON and line.state in ("HALTING", "HALTED") for line in lines)
        for group in list(self.groups.values()):
            if group.told:
                group.resume(halting)
        if halting:
            self._step("halt")

    def _step(self, event: str, *facts: object) -> None:
        self.state, *actions = step(DAEMON, self.state, event)
        for action in actions:
            getattr(self, action)(*facts)

    def refuse(self, client: object, *_: object) -> None:
        self.answer(client, protocol.error(errors.TAKEN_OVER, "all groups are halting"))

    def tell_group(self, client: object, name: str, level: str, cltab: Cltab) -> None:
        self._adopt(cltab, name)
        group = self.groups.get(name) if name in cltab.groups else None
        if group is None:
            self.answer(client, protocol.error(errors.NO_GROUP, "no such group: " + name))
            return
        group.tell(level)
        self.answer(client, protocol.ok("level transition started"))

    def adopt_all(self, client: object, cltab: Cltab) -> None:
        plan = self._adopt(cltab)
        for line in plan:
            self.log("reread: " + line)
        self.answer(client, "\n".join([*plan, protocol.ok("" if plan else "nothing to do")]))

    def halt_groups(self) -> None:
        self.log("all groups halting")
        for group in list(self.groups.values()):
            group.handle("halt")
        self._check_halted()

    def leave(self) -> None:
        self.log("all groups halted")
        self.act("exit")

    # A new cltab -----------------------------------------------------------------------------------

    def _adopt(self, cltab: Cltab, only: str | None = None) -> list[str]:
        """Let all groups, or ONLY one and those that are gone, go by CLTAB; returns what that starts and stops.

        A tag may have moved from one group to another. It leaves its old group in any case, else it would
        run twice; and its new group starts it only when the process of the old one is gone (Group.clear
        waits for it). So all groups get their entries first, then those act whose level has changed.
        """
        changed, self.cltab = cltab is not self.cltab, cltab
        if changed:
            self._find_moving()
        self._make_groups(cltab)
        plan: list[str] = []
        for group in list(self.groups.values()):
            if group.name not in cltab.groups:
                plan += group.adopt([])
                group.handle("halt")
            elif only in (None, group.name):
                plan += group.adopt(cltab.groups[group.name])
            else:
                plan += group.adopt([entry for entry in group.entries
                                     if cltab.owner.get(entry.tag, group.name) == group.name])
        for group in list(self.groups.values()):
            if group.replan and group.name != only:     # which is about to be told where to go
                group.handle("tell")
        return plan

    def _find_moving(self) -> None:
        self.moving = [process for group in self.groups.values() for process in group.processes.values()
                       if self.cltab.owner.get(process.entry.tag, group.name) != group.name]

    def _make_groups(self, cltab: Cltab) -> None:
        for name, entries in cltab.groups.items():
            if name not in self.groups:
                self.groups[name] = Group(self, name, entries)

    def moving_to(self, group: Group) -> list[Process]:
        """What is alive in other groups under a tag that is GROUP's now."""
        return [process for process in self.moving
                if process.stoppable and self.cltab.owner.get(process.entry.tag) == group.name]

    def report(self) -> list[str]:
        """The lines of the status file: the groups that were told, each with its processes."""
        return [text for group in self.groups.values() if group.told for text in group.report()]

    # What groups report ----------------------------------------------------------------------------

    def changed(self, group: Group) -> None:
        """GROUP has another state or another level to go to."""
        self.act("status")
        if self.waiting:
            self._answer_waiting()

    def retired(self, group: Group) -> None:
        """GROUP has no process any more, as it was told by a halt, or because it is gone from the cltab."""
        if group.name not in self.cltab.groups:
            del self.groups[group.name]
        self._check_halted()

    def _check_halted(self) -> None:
        if self.state == "HALTING" and all(group.state == "CONFIGURED" for group in self.groups.values()):
            self._step("halted")

    def _answer_waiting(self) -> None:
        waiting, self.waiting = self.waiting, []
        for client, group, level in waiting:
            text = self._verdict(group, level)
            if text is None:
                self.waiting.append((client, group, level))
            else:
                self.answer(client, text)

    def _verdict(self, name: str, level: str) -> str | None:
        """The answer to who waits for group NAME (all: "") to be at rest at LEVEL; None while it is not."""
        if self.state != "RUNNING":
            return protocol.error(errors.TAKEN_OVER, "all groups are halting")
        if name and name not in self.groups:
            return protocol.error(errors.NO_GROUP, "no such group: " + name)
        groups = [self.groups[name]] if name else [
            group for group in self.groups.values() if group.state != "CONFIGURED"]
        if name and groups[0].want != level:
            return protocol.error(*(
                (errors.TAKEN_OVER, "another command took over: %s goes to %s" % (name, groups[0].want))
                if groups[0].want is not None else (errors.NO_GROUP, "%s has not been told its level" % name)))
        stuck = any(group.stuck for group in groups)
        if not stuck and not all(group.state in RESTING for group in groups):
            return None
        lines = [line for group in groups for line in group.lines()]
        code, why = statusline.verdict(lines)
        text = " ".join(filter(None, [", ".join(statusline.words(lines)) + (":" if why else ""), why]))
        return protocol.error(code, text) if code else protocol.ok(text)

    # What the kernel reports -----------------------------------------------------------------------

    def begun(self, name: str, facts: dict[str, str]) -> None:
        """NAME has a process: for the status, which may be written before its `started` is handled."""
        self.processes[name].identify(facts)

    def on_started(self, name: str, facts: dict[str, str]) -> None:
        self.refused.discard(name)
        self.processes[name].started(facts)

    def on_unstartable(self, name: str, code: int, why: str) -> None:
        self.log("%s: %s" % (name, why))
        self.processes[name].unstartable(code)

    def on_refused(self, name: str, why: str) -> None:
        if name not in self.refused:    # it is tried again each second; once is enough
            self.log("%s: %s" % (name, why))
        self.refused.add(name)
        self.processes[name].refused()

    def on_exited(self, name: str, last: str, rest: bool) -> None:
        self.processes[name].exited(last, rest)

    def on_owned(self, owners: dict[str, str]) -> None:
        for name, uid in owners.items():
            process = self.processes.get(name)
            if process is not None and process.uid != uid:
                process.uid, process.text = uid, ""

    def on_gone(self, name: str, scope: str) -> None:
        self.processes[name].gone(scope)

    def on_timer(self, name: str, what: str) -> None:
        getattr(self.processes[name], what + "_over")()


class Group:
    """A resource group.

    level: where it is, or was last, None at first; want: where it is to be, None when it was not told.
    entries: what the cltab says of it; processes: {tag: Process}, those of its level in file order.
    """

    def __init__(self, init: Init, name: str, entries: list[Entry]) -> None:
        self.init = init
        self.name = name
        self.entries = entries
        self.state = "CONFIGURED"
        self.level: str | None = None
        self.previous = ""
        self.want: str | None = None
        self.told = False
        self.since = init.wall()
        self.processes: dict[str, Process] = {}
        self.order: list[Process] = []      # the same, for the start to walk along
        self.cursor = 0
        self.leaving: set[Process] = set()  # what must be gone before the next step
        self.replan = False

    def handle(self, event: str) -> None:
        before = self.state
        self.state, *actions = step(GROUP, before, event)
        if self.state != before:
            self.since = self.init.wall()
            if self.state in ("DONE", "PASSED", "FAILED"):
                self.init.log("%s: %s %s" % (self.name, self.level, self.state))
            self.init.changed(self)
        for action in actions:
            getattr(self, action)()

    def restore(self, line: statusline.Line) -> None:
        """Be where LINE says, as the successor of who wrote it; resume() goes on from there.

        Until then the state may be UNKNOWN, which only recover.py says: not all of what it did is known.
        """
        self.state, self.told = line.state, True
        self.level = None if line.level == "-" else line.level
        self.previous = line.more.get("prev", "")
        self.want = line.more.get("want", "-")
        if self.want == "-":
            self.want = None
        self.since = statusline.number(line.more, "since", self.init.wall())

    def revive(self, line: statusline.Line) -> None:
        """Have the process of LINE, by the entry that it was started by; a changed one is no entry of ours any more."""
        tag = line.name.partition(":")[2]
        mode = line.more.get("mode")
        entry = next((entry for entry in self.entries if entry.tag == tag), None)
        if entry is None or mode is not None and (entry.mode, entry.sum) != (mode, line.more.get("sum")):
            entry = Entry(self.name, tag, line.level, "once", "")
            entry.settings = self.init.cltab.settings_of(self.name, tag)
        process = self.processes[tag] = self.init.processes[line.name] = Process(self, entry)
        process.restore(line)

    def resume(self, halting: bool) -> None:
        """Go on from what was restored; what rests, and is as the cltab wants it, is left alone.

        HALTING: all are about to be halted, so nothing is started.
        """
        self.order = list(self.processes.values())
        wanted = self.wanted()
        if self.state == "UNKNOWN":
            self._take_stock(wanted)
        elif halting or self.want is None or self.state == "HALTING" or self.name not in self.init.cltab.groups:
            if self.state != "CONFIGURED" or self.order:
                self.state = "STARTING"
                self.handle("halt")
        elif (self.state not in RESTING or any(process.state == "IDLE" for process in self.order)
              or tables.differ({tag: process.entry for tag, process in self.processes.items()}, wanted)):
            self.state = "STARTING"
            self.handle("tell")
        self.init.changed(self)

    def _take_stock(self, wanted: dict[str, Entry]) -> None:
        """Nothing is known but what runs: the group rests there, and what is missing is not run until it is told."""
        for tag, entry in wanted.items():
            if tag not in self.processes:
                self.processes[tag] = self.init.processes[entry.name] = Process(self, entry)
        self.order = list(self.processes.values())
        missing = [process.name for process in self.order if process.state == "IDLE"]
        self.state = "FAILED" if missing else "DONE"
        if missing:
            self.init.log("%s: nothing is known of %s: not started until told" % (self.name, ", ".join(missing)))

    def tell(self, level: str) -> None:
        """Go to LEVEL. Failed tests and pauses begin anew, and at a change of level passed tests too."""
        self.want, self.told = level, True
        wanted = self.wanted()
        for tag, process in self.processes.items():
            if not process.entry.same(wanted.get(tag)):
                continue
            if process.state in ("PAUSED", "FAILED") or (process.state == "PASSED" and level != self.level):
                process.handle("reset")
            elif process.after == "too_rapid":      # its pause is to begin when the rest of it is gone
                process.after, process.quick = "again", 0
        self.handle("tell")
        self.init.changed(self)

    def adopt(self, entries: list[Entry]) -> list[str]:
        """Go by ENTRIES from now on; returns the plan, if that changes anything at the level that is wanted.

        What changes sets `replan`: the caller lets the group act when all groups have their entries, for
        a tag may have moved from one to another.
        """
        before, after = (tables.level_of(of, self.want) for of in (self.entries, entries))
        self.entries = entries
        self.replan = tables.differ(before, after)
        for tag, process in self.processes.items():
            if process.entry.same(after.get(tag)):
                process.entry = after[tag]      # its settings hold from the next start
        return self.plan() if self.replan else []

    def plan(self) -> list[str]:
        """What must happen for the group to be where it is wanted: a line for each process that is concerned."""
        wanted = self.wanted()
        lines = []
        for tag, process in self.processes.items():
            if process.state not in STOPPABLE or process.entry.same(wanted.get(tag)):
                continue
            again = tag in wanted and wanted[tag].mode != "off"
            pid = " pid " + process.pid if process.alive else ""
            lines.append("%s %s%s" % ("restart" if again else "stop", process.name, pid))
        for tag, entry in wanted.items():
            old = self.processes.get(tag)
            if old is not None and old.state == "FAILED" and old.entry.same(entry):
                break       # the start ends there
            if entry.mode != "off" and (old is None or not (
                    old.entry.same(entry) or old.state in STOPPABLE)):
                lines.append("start " + entry.name)
        return lines

    def wanted(self) -> dict[str, Entry]:
        return tables.level_of(self.entries, self.want)

    # Actions of the table ---------------------------------------------------------------------------

    def clear(self) -> None:
        """Stop what is not wanted; go on at once when that is nothing."""
        self.replan = False
        wanted = {} if self.state == "HALTING" else self.wanted()
        for process in self.init.moving_to(self):
            process.heirs += (self,)
            self.leaving.add(process)
        for tag, process in self.processes.items():
            if not process.entry.same(wanted.get(tag)):
                process.leaving = process.stoppable
            if process.leaving and process.stoppable:
                self.leaving.add(process)
                process.handle("stop")
        if not self.leaving:
            self.handle("cleared")

    def left(self, process: Process) -> None:
        """PROCESS, for which this group may wait, is gone."""
        self.leaving.discard(process)
        if not self.leaving and self.state in ("STOPPING", "HALTING"):
            self.handle("cleared")

    def dump(self) -> None:
        """Forget what is gone; put the entries of the level that is wanted in its place."""
        if self.level != self.want:
            self.previous, self.level = self.level or "", self.want
        self._replace(self.wanted())
        self.handle("dumped")

    def retire(self) -> None:
        self._replace({})
        self.level = self.want = None
        self.init.retired(self)

    def _replace(self, wanted: dict[str, Entry]) -> None:
        old, self.processes = self.processes, {}
        for tag, entry in wanted.items():
            process = old.get(tag)
            if process is None or process.leaving or not process.entry.same(entry):
                process = Process(self, entry)
            process.text = ""
            self.processes[tag] = process
        for process in old.values():
            del self.init.processes[process.name]
        for process in self.processes.values():
            self.init.processes[process.name] = process
        self.order = list(self.processes.values())
        self.cursor = 0

    def advance(self) -> None:
        """Start the next entry, if those before it allow it: it is called again when one of them moved."""
        while self.cursor < len(self.order):
            process = self.order[self.cursor]
            if process.state == "IDLE":
                process.handle("start")
                return
            if process.state == "FAILED":
                self.handle("failed")
                return
            if process.state == "STARTING" or (process.alive or process.state == "PAUSED") and process.blocks:
                return
            self.cursor += 1
        self.handle("complete")

    def check(self) -> None:
        """All are started: is it PASSED, nothing but tests, or DONE?"""
        counting = [process for process in self.order if process.state != "OFF"]
        passed = counting and all(process.state == "PASSED" for process in counting)
        self.handle("passed" if passed else "done")

    # What is shown ----------------------------------------------------------------------------------

    @property
    def stuck(self) -> bool:
        return self.state in ("STOPPING", "HALTING") and any(
            process.state == "STUCK" for process in self.leaving)

    def line(self) -> statusline.Line:
        counting = [process.state for process in self.order if process.state != "OFF"]
        up = sum(state in ("RUNNING", "DONE", "PASSED") for state in counting)
        return statusline.Line(statusline.GROUP, self.name, self.level or "-", self.state, {
            "want": "-" if self.want is None or self.state == "HALTING" else self.want, "prev": self.previous,
            "up": "%d/%d" % (up, len(counting)), "since": str(self.since)})

    def lines(self) -> list[statusline.Line]:
        return [self.line(), *(process.line() for process in self.order)]

    def report(self) -> list[str]:
        for process in self.order:
            process.text = process.text or str(process.line())
        return [str(self.line()), *(process.text for process in self.order)]


class Process:
    """What became of one entry.

    leaving: its group has begun to stop it. heirs: other groups that wait for its end, as its tag is theirs
    now. quick: its quick exits in a row. rung: how far up the kill ladder it is. after: the event that follows
    once its old process group is gone, while that is awaited. owns: it may have members. The settings are
    those of its start. pid, start, run, uid and until, the end of its pause, are for the status alone.
    """
    __slots__ = ("group", "entry", "name", "state", "since", "settings", "leaving", "heirs", "rung", "after", "owns",
                 "began", "quick", "restarts", "last", "pid", "start", "run", "uid", "until", "text")

    def __init__(self, group: Group, entry: Entry) -> None:
        self.group = group
        self.entry = entry
        self.name = entry.name
        self.state = "OFF" if entry.mode == "off" else "IDLE"
        self.since = group.init.wall()
        self.settings = entry.settings
        self.leaving = False
        self.heirs: tuple[Group, ...] = ()
        self.rung = 0
        self.after = ""
        self.owns = False
        self.began = 0.0
        self.quick = 0
        self.restarts = -1
        self.last = ""
        self.pid = self.start = self.run = self.uid = ""
        self.until = 0
        self.text = ""      # its line in the status file, made when it is asked for

    @property
    def alive(self) -> bool:
        return self.state in ALIVE

    @property
    def stoppable(self) -> bool:
        return self.state in STOPPABLE or self.owns

    @property
    def blocks(self) -> bool:
        return self.entry.mode in rules.BLOCKING

    def handle(self, event: str) -> None:
        before = self.state
        self.state, *actions = step(PROCESS, before, event)
        self.text = ""
        if self.state != before:
            self.since = self.group.init.wall()
            self.group.init.act("status")
        for action in actions:
            getattr(self, action)()

    def log(self, text: str, *values: object) -> None:
        self.group.init.log("%s: %s" % (self.name, text % values))

    def restore(self, line: statusline.Line) -> None:
        """Be as LINE says. What was alive is taken to run: its end, if that was meanwhile, is told later."""
        more = line.more
        self.pid, self.start, self.run, self.uid = (more.get(key, "") for key in ("pid", "start", "run", "uid"))
        self.last = more.get("last", "")
        self.restarts = statusline.number(more, "restarts") if self.run else -1
        quick = statusline.number(more, "quick") - ("after" in more)     # whose exit is counted once more
        self.quick = max(0, min(quick, self.settings.respawn[0]))
        self.since = statusline.number(more, "since", self.since)
        self.began = self.group.init.now - max(0, self.group.init.wall() - self.since)
        if line.state in ALIVE:
            self.state = "RUNNING" if self.pid else "IDLE"
            self.leaving = line.state in BEING_STOPPED and "after" not in more
        elif line.state == "PAUSED":
            self.state = "PAUSED"
            pause = self.settings.respawn[2]
            self.pause(min(pause, max(0, statusline.number(more, "until") - self.group.init.wall())))
        elif self.state != "OFF" and line.state in ("IDLE", "DONE", "PASSED", "FAILED"):
            self.state = line.state
        self.owns = self.alive or self.entry.mode == "respawn" and self.run != ""

    # What happens to it -----------------------------------------------------------------------------

    def identify(self, facts: dict[str, str]) -> None:
        self.pid, self.start, self.run, self.uid = (facts[key] for key in ("pid", "start", "run", "uid"))
        self.text = ""

    def started(self, facts: dict[str, str]) -> None:
        self.identify(facts)
        self.began = self.group.init.now
        self.restarts += 1
        self.owns = True
        self.log("pid %s started", self.pid)
        self.handle("started")

    def unstartable(self, code: int) -> None:
        """It could not be executed. That counts as an exit; a respawn is paused at once (SPEC 3)."""
        self.last = "exit:%d" % code
        if self.state in BEING_STOPPED:
            self.await_end()
        elif self.entry.mode == "respawn":
            self.quick = self.settings.respawn[0]
            self.log("cannot be started, paused %s s", rules.seconds(self.settings.respawn[2]))
            self.handle("too_rapid")
        else:
            self.handle(rules.outcome(self.entry.mode, self.last))

    def refused(self) -> None:
        if self.state in BEING_STOPPED:
            self.await_end()
        else:
            self.handle("refused")

    def exited(self, last: str, rest: bool) -> None:
        """Its main process is gone. What `wait`, `once` and `test` leave behind is theirs (SPEC 5)."""
        self.last = last
        if self.state in BEING_STOPPED:
            self.log("pid %s %s, stopped", self.pid, rules.describe(last))
            self.await_end()
            return
        event = self._outcome(last)
        self.log("pid %s %s%s", self.pid, rules.describe(last), {
            "again": ", respawning",
            "too_rapid": ", respawning too rapidly, paused %s s" % rules.seconds(self.settings.respawn[2]),
        }.get(event, ""))
        if self.entry.mode != "respawn":
            self.group.init.act("forget", self.name)
            self.owns = False
        elif rest:
            self.after = event
            self.log("others of its process group are left, they go first")
            self.group.init.act("await", self.name, "group")
            self.handle("sweep")
            return
        self.handle(event)

    def _outcome(self, last: str) -> str:
        if self.entry.mode != "respawn":
            return rules.outcome(self.entry.mode, last)
        self.quick, event = rules.pace(
            self.quick, self.group.init.now - self.began, self.settings.respawn)
        return event

    def gone(self, scope: str) -> None:
        """What was awaited is gone: `all` its members, or before a new start its process `group`."""
        if scope == "group":
            if self.after:      # else it is to be stopped by now, and all is awaited
                event, self.after = self.after, ""
                self.handle(event)
        else:
            self.owns = False
            self.handle("gone")

    def ladder_over(self) -> None:
        """A rung of the ladder has had its time."""
        if self.rung < len(self.settings.kill):
            self.log("still there, sending %s", self.settings.kill[self.rung][0])
            self.handle("escalate")
        else:
            if self.state != "STUCK":
                self.log("pid %s would not die", self.pid)
            self.handle("survived")

    def pause_over(self) -> None:
        self.handle("resume")

    # Actions of the table ---------------------------------------------------------------------------

    def spawn(self) -> None:
        self.pid = self.start = ""
        self.settings = self.entry.settings
        self.group.init.act("spawn", self.entry, self.group.level, self.group.previous)

    def climb(self) -> None:
        """The next rung of the kill ladder."""
        name, seconds = self.settings.kill[self.rung]
        self.rung += 1
        self.group.init.act("signal", self.name, name)
        self.group.init.act("arm", self.name, "ladder", seconds)

    def widen(self) -> None:
        """It is to be stopped while its process group is cleared away for a new start: now all its members go."""
        if self.after:
            self.after = ""
            self.await_end()
            if self.state == "STOPPING":
                self.rung = 0
                self.climb()

    def await_end(self) -> None:
        self.group.init.act("await", self.name, "all")

    def insist(self) -> None:
        self.group.init.act("signal", self.name, "KILL")
        self.group.init.act("arm", self.name, "ladder", rules.KILL_PATIENCE)
        self.group.init.changed(self.group)     # who waits for it is told that it is stuck

    def calm(self) -> None:
        self.rung = 0
        self.group.init.act("disarm", self.name, "ladder")

    def pause(self, seconds: float | None = None) -> None:
        if seconds is None:
            seconds = self.settings.respawn[2]
        self.until = self.group.init.wall() + int(seconds)
        self.group.init.act("arm", self.name, "pause", seconds)

    def retry(self) -> None:
        self.pause(rules.RETRY)

    def unpause(self) -> None:
        self.quick = 0
        self.group.init.act("disarm", self.name, "pause")

    def tell_moved(self) -> None:
        self.group.handle("moved")

    def tell_left(self) -> None:
        for group in (self.group, *self.heirs):
            group.left(self)

    def line(self) -> statusline.Line:
        alive = self.alive
        return statusline.Line(statusline.PROCESS, self.name, self.group.level or "-", self.state, {
            "pid": self.pid if alive else "", "start": self.start if alive else "", "run": self.run,
            "uid": self.uid if alive else "", "mode": self.entry.mode, "sum": self.entry.sum,
            "restarts": str(max(0, self.restarts)), "quick": str(self.quick or ""), "since": str(self.since),
            "last": self.last, "after": self.after,
            "until": str(self.until) if self.state == "PAUSED" else ""})
