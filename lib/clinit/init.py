"""The heart: what is to be done. One Init has Groups, which have Processes.

`Init.handle(event, now)` takes what happened and returns the actions that follow; it does no I/O and knows
no pid but to show it. `now` is in seconds of a clock that never steps. The tables in machines.py say what
follows what; the methods here are the actions that the tables name, and the facts that choose the event.

Events, as tuples:
    ("tell", client, group, level, cltab)    a command; answered with an `answer` action
    ("reread", client, cltab)                likewise; the client may be None
    ("wait", client, group, level)           answered when it is at rest, at LEVEL or wherever: ""; group "" for all
    ("halt", client)                         likewise; the client may be None
    ("plan", client, command, group, level, cltab)   what `tell`, `reread` or `halt` would do; changes nothing
    ("restart", client, name)                one process is stopped, and started again
    ("pass", client, signal, name)           the main process of NAME, or those of a group, get a signal
    ("left", client)                         that client went away
    ("restore", lines, older)                the first event where an earlier clinitd is succeeded: its status lines,
                                             and {group: entries} where a group goes by older ones than the cltab's;
                                             what has ended since is told by `exited` events after it
    ("started", name, facts)                 exec succeeded; facts: {"pid", "start", "run", "uid": ...}
    ("unstartable", name, code, why)         exec failed; code 126 or 127
    ("refused", name, why)                   the system has no room for a process
    ("probed", name, why)                    its ready command exited; WHY that was not 0, "" if it was
    ("notified", name, ready, text)          it says that it is ready, or how it is, by sd_notify(3); text may be ""
    ("exited", name, last, rest)             the main process is gone; rest: others of its process group live
    ("gone", name, scope)                    what was awaited is gone
    ("owned", {name: uid})                   as whom the processes run
    ("timer", name, what)                    an armed timer ran out

Actions, as tuples:
    ("spawn", entry, level, previous)        start a process; answered by started, unstartable or refused
    ("signal", name, signal)                 to all its members, or its process group if that is awaited; no SIG
    ("await", name, scope)                   its main process is gone: report when `all` members are, or its `group`
    ("signal_main", name, signal)            to its main process alone
    ("probe", entry, level, previous, command)   run its ready command, once; answered by probed
    ("unprobe", name)                        end that, if it runs
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

    def on_plan(self, client: object, command: str, group: str, level: str, cltab: Cltab) -> None:
        if self.state != "RUNNING" and command != "halt":
            self.refuse(client)
        elif command == "tell" and group not in cltab.groups:
            self.answer(client, no_group(group))
        else:
            plan = self._plan(command, group, level, cltab)
            self.answer(client, "\n".join([*plan, protocol.ok("" if plan else "nothing to do")]))

    def on_restart(self, client: object, name: str) -> None:
        process = self.processes.get(name)
        if self.state != "RUNNING":
            self.refuse(client)
        elif process is None:
            self.answer(client, protocol.error(errors.NO_GROUP, "no such process at the level of its group: " + name))
        elif process.state not in STOPPABLE or process.leaving:
            self.answer(client, protocol.error(errors.FAILED, "%s is %s: nothing to restart" % (name, process.state)))
        else:
            process.restart()
            self.answer(client, protocol.ok("restart started"))

    def on_pass(self, client: object, signal: str, name: str) -> None:
        if name.partition(":")[0] not in self.groups:
            self.answer(client, no_group(name))
            return
        mains = [process.name for process in self.processes.values()
                 if name in (process.name, process.group.name) and process.state in ALIVE and process.pid]
        for main in mains:
            self.act("signal_main", main, signal)
        if mains:
            self.answer(client, protocol.ok("%s sent to %s" % (signal, ", ".join(mains))))
        else:
            self.answer(client, protocol.error(errors.FAILED, "no process of %s runs" % name))

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
            self.answer(client, no_group(name))
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
            plan += group.adopt(self._entries_of(group, cltab, only))
            if group.name not in cltab.groups:
                group.handle("halt")
        for group in list(self.groups.values()):
            if group.replan and group.name != only:     # which is about to be told where to go
                group.handle("tell")
        return plan

    def _entries_of(self, group: Group, cltab: Cltab, only: str | None) -> list[Entry]:
        """What GROUP goes by once all groups, or ONLY one and those that are gone, go by CLTAB."""
        if only in (None, group.name) or group.name not in cltab.groups:
            return cltab.groups.get(group.name, [])
        return [entry for entry in group.entries if cltab.owner.get(entry.tag, group.name) == group.name]

    def _plan(self, command: str, name: str, level: str, cltab: Cltab) -> list[str]:
        """What COMMAND, by CLTAB, would do with each process: a line each."""
        plan: list[str] = []
        groups = self.groups
        if name not in groups and name in cltab.groups:
            groups = {**groups, name: Group(self, name, [])}
        for group in groups.values():
            if command == "halt":
                plan += group.plan([], None)
            elif group.name == name:
                plan += group.plan(self._entries_of(group, cltab, name), level, anew=True)
            else:
                lines = group.plan(self._entries_of(group, cltab, name or None), group.want)
                plan += [line for line in lines if command == "reread" or not is_kept(line)]
        return plan

    def _find_moving(self) -> None:
        """What is there under a tag that another group has now, by the cltab, or by older entries that it goes by."""
        owner = {entry.tag: group.name for group in self.groups.values() for entry in group.entries}
        owner.update(self.cltab.owner)
        self.moving = [process for group in self.groups.values() for process in group.processes.values()
                       if owner.get(process.entry.tag, group.name) != group.name]

    def _make_groups(self, cltab: Cltab) -> None:
        for name, entries in cltab.groups.items():
            if name not in self.groups:
                self.groups[name] = Group(self, name, entries)

    def moving_to(self, group: Group) -> list[Process]:
        """What is alive in other groups under a tag that is GROUP's now."""
        tags = {entry.tag for entry in group.entries} if self.moving else set()
        return [process for process in self.moving if process.stoppable and process.group is not group
                and process.entry.tag in tags]

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
            return no_group(name)
        groups = [self.groups[name]] if name else [
            group for group in self.groups.values() if group.state != "CONFIGURED"]
        if name and groups[0].want is None:
            return protocol.error(errors.NO_GROUP, "%s has not been told its level" % name)
        if level and groups[0].want != level:
            return protocol.error(
                errors.TAKEN_OVER, "another command took over: %s goes to %s" % (name, groups[0].want))
        stuck = any(group.stuck for group in groups)
        if not stuck and not all(group.state in RESTING or group.held for group in groups):
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
        self.refused.discard(name)
        self.processes[name].unstartable(code, why)

    def on_refused(self, name: str, why: str) -> None:
        if name not in self.refused:    # it is tried again each second; once is enough
            self.log("%s: %s" % (name, why))
        self.refused.add(name)
        self.processes[name].refused(why)

    def on_probed(self, name: str, why: str) -> None:
        if name in self.processes:
            self.processes[name].probed(why)

    def on_notified(self, name: str, ready: bool, text: str) -> None:
        if name in self.processes:
            self.processes[name].notified(ready, text)

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


def is_kept(line: str) -> bool:
    """Whether LINE of a plan says that nothing happens."""
    return line.startswith("keep ")


def no_group(name: str) -> str:
    return protocol.error(errors.NO_GROUP, "no such group: " + name)


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
        self.in_turn = False                # one at a time: `stop:reverse`, when that began
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
        for process in self.order:
            process.take_up()
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
            else:
                process.begin_anew()
        self.handle("tell")
        self.init.changed(self)

    def adopt(self, entries: list[Entry]) -> list[str]:
        """Go by ENTRIES from now on; returns the plan, if that changes anything at the level that is wanted.

        What changes sets `replan`: the caller lets the group act when all groups have their entries, for
        a tag may have moved from one to another.
        """
        before, after = (tables.level_of(of, self.want) for of in (self.entries, entries))
        self.replan = tables.differ(before, after)
        plan = [line for line in self.plan(entries, self.want) if not is_kept(line)] if self.replan else []
        self.entries = entries
        for tag, process in self.processes.items():
            if process.entry.same(after.get(tag)):
                process.entry = after[tag]      # its settings hold from the next start
        return plan

    def plan(self, entries: list[Entry], want: str | None, anew: bool = False) -> list[str]:
        """What must happen for the group to be at WANT by ENTRIES: a line for each process that is concerned.

        ANEW: it is told so; else, where that changes nothing, nothing is started.
        """
        wanted = tables.level_of(entries, want)
        starts = anew or tables.differ(self.wanted(), wanted)
        going: list[str] = []
        coming: list[str] = []
        for tag, process in self.processes.items():
            if process.state in STOPPABLE and not process.entry.same(wanted.get(tag)):
                again = tag in wanted and wanted[tag].mode != "off"
                going.append(("restart" if again else "stop") + process.named)
        for tag, entry in wanted.items():
            old = self.processes.get(tag)
            if old is None or not old.entry.same(entry):
                word = "start" if entry.mode != "off" and (old is None or old.state not in STOPPABLE) else ""
            else:
                word = old.fate(anew, want != self.level)
            if old is not None and word in ("restart", "keep"):
                (going if word == "restart" else coming).append(word + old.named)
            elif word == "start" and starts:
                coming.append("start %s%s" % (entry.name, ", until it is ready" if entry.ready else ""))
            elif word == "failed":
                break       # the start ends there
        return going + coming

    def wanted(self) -> dict[str, Entry]:
        return tables.level_of(self.entries, self.want)

    # Actions of the table ---------------------------------------------------------------------------

    def clear(self) -> None:
        """Stop what is not wanted; go on at once when that is nothing."""
        self.replan = False
        self.in_turn = self.init.cltab.settings_of(self.name, "").reverse
        self.leaving = {process for process in self.leaving if process.leaving}
        wanted = {} if self.state == "HALTING" else self.wanted()
        for process in self.init.moving_to(self):
            process.heirs += (self,)
            self.leaving.add(process)
        for tag, process in self.processes.items():
            if process.stoppable and (process.leaving or not process.entry.same(wanted.get(tag))):
                self.leaving.add(process)
                if not self.in_turn:
                    process.stop()
        self.clear_on()

    def clear_on(self) -> None:
        """With `stop:reverse` stop the last one that is to go; go on when all are gone."""
        for process in reversed(self.order if self.in_turn else []):
            if process in self.leaving and process.stoppable:
                process.stop()
                return
            self.leaving.discard(process)       # it has ended by itself, before its turn
        if not self.leaving:
            self.handle("cleared")

    def left(self, process: Process) -> None:
        """PROCESS, for which this group may wait, is gone."""
        self.leaving.discard(process)
        if self.state in ("STOPPING", "HALTING"):
            self.clear_on()

    def opened(self, process: Process) -> None:
        """PROCESS, which was started, is on its way again: the start goes on from there."""
        self.cursor = min(self.cursor, self.order.index(process))
        self.handle("opened")

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
            if process.open:
                if self.held:
                    self.init.changed(self)     # who waits for it is told
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
        return self.state not in RESTING and any(
            process.state == "STUCK" for process in (*self.leaving, *self.order))

    @property
    def held(self) -> bool:
        """Whether the start waits for the pause of a process to be over."""
        return self.state == "STARTING" and self.cursor < len(self.order) and self.order[self.cursor].rests

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
    now. quick: its quick exits in a row. rung: how far up the kill ladder it is. after: it is not stopped for
    good: the event that follows when its old process group is gone (again, too_rapid), or all of it (finished, failed,
    renew). owns: it may have members. bound: the time is armed that it has to be ready, or to exit; probe: seconds
    until its ready command is run again. deaf: it may have said that it is ready while no clinitd was there.
    The settings are those of its start. pid, start, run, uid, until, the end of its pause, why, what is wrong with it,
    ready and words, what it says of itself, are for the status alone.
    """
    __slots__ = ("group", "entry", "name", "state", "since", "settings", "leaving", "heirs", "rung", "after", "owns",
                 "bound", "probe", "deaf", "began", "quick", "restarts", "last", "pid", "start", "run", "uid", "until",
                 "why", "ready", "words", "text")

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
        self.owns = self.bound = self.deaf = False
        self.probe = rules.PROBE
        self.began = 0.0
        self.quick = 0
        self.restarts = -1
        self.last = ""
        self.pid = self.start = self.run = self.uid = ""
        self.until = 0
        self.why = self.ready = self.words = ""
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

    @property
    def readiness(self) -> rules.Ready | None:
        """When it counts as ready; None where that is at once."""
        return self.settings.ready if self.entry.mode == "respawn" else None

    @property
    def limit(self) -> float | None:
        """The seconds in which it must exit; None for any."""
        return self.settings.limit if self.blocks else None

    @property
    def open(self) -> bool:
        """Whether the entries after it wait for it."""
        return (self.state == "STARTING" or self.after != "" or self.alive and self.blocks
                or self.state == "PAUSED" and (self.blocks or self.readiness is not None))

    @property
    def rests(self) -> bool:
        """Whether it is paused, and not only because the system had no room for it, as with a wait or a test."""
        return self.state == "PAUSED" and not self.blocks and self.name not in self.group.init.refused

    @property
    def sweeping(self) -> bool:
        """Whether only its old process group goes."""
        return self.after in ("again", "too_rapid")

    @property
    def named(self) -> str:
        """Its name in a plan."""
        return " %s%s" % (self.name, " pid " + self.pid if self.alive and self.pid else "")

    def fate(self, anew: bool, changed: bool) -> str:
        """What a start does with it, as its entry is wanted: start, keep, restart, "" or failed: the start ends there.

        ANEW: its group is told its level; CHANGED: another one.
        """
        if self.leaving or self.after in ("again", "renew") or anew and self.after in ("too_rapid", "failed"):
            return "restart"
        if self.after:      # it is stopped, and that is all
            return "failed" if self.after == "failed" else ""
        if self.alive:
            return "keep"
        if self.state == "FAILED" and not anew:
            return "failed"
        starts = self.state == "IDLE" or anew and (
            self.state in ("PAUSED", "FAILED") or self.state == "PASSED" and changed)
        return "start" if starts else ""

    def handle(self, event: str) -> None:
        before = self.state
        self.state, *actions = step(PROCESS, before, event)
        self.text = ""
        if self.state != before:
            self.unbind()
            self.since = self.group.init.wall()
            self.group.init.act("status")
        for action in actions:
            getattr(self, action)()
        if self.heirs and not self.stoppable:
            heirs, self.heirs = self.heirs, ()
            for group in heirs:
                group.left(self)

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
        self.why, self.words = more.get("why", ""), more.get("text", "")
        if line.state in ALIVE:
            self.leaving = line.state in BEING_STOPPED and "after" not in more
            self.run_on(more)
        elif line.state == "PAUSED":
            self.state = "PAUSED"
            pause = self.settings.respawn[2]
            self.pause(min(pause, max(0, statusline.number(more, "until") - self.group.init.wall())))
        elif self.state != "OFF" and line.state in ("IDLE", "DONE", "PASSED", "FAILED"):
            self.state = line.state
        # What earlier runs of a respawn have left is ours, but not after a stop that was true
        self.owns = self.alive or self.entry.mode == "respawn" and self.run != "" and self.state in ("IDLE", "PAUSED")

    def run_on(self, more: dict[str, str]) -> None:
        """Be alive, as MORE says; the time that it has for something goes on."""
        self.state = "RUNNING" if self.pid else "IDLE"
        if not self.pid or self.leaving:
            return
        ran = self.group.init.now - self.began
        if more.get("after") in ("renew", "finished", "failed"):
            self.after = more["after"]      # take_up() goes on with that
        elif self.readiness is not None and "ready" in more:
            self.ready = more["ready"]
            if self.ready == "no":
                self.state, self.deaf = "STARTING", True
                self.bind(max(0.0, self.readiness[0] - ran))
        elif self.limit is not None:
            self.bind(max(0.0, self.limit - ran))

    def take_up(self) -> None:
        """What a clinitd before us was stopping, for a restart or as its time was over, is stopped anew."""
        if self.after and self.state not in BEING_STOPPED:
            self.handle("restart" if self.after == "renew" else "overdue")

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
        if self.state == "STARTING" and self.readiness is not None:
            self.handle("executed")
            return
        self.handle("started")
        if self.state == "RUNNING" and self.limit is not None:
            self.bind(self.limit)

    def probed(self, why: str) -> None:
        """Its ready command has exited; WHY it is not ready, "" if it is."""
        if not self.bound:
            return      # that was for an earlier run
        if why:
            self.say(why, self.words)
            self.group.init.act("arm", self.name, "probe", self.probe)
            self.probe = min(2 * self.probe, rules.PROBE_MOST)
        else:
            self.be_ready()

    def notified(self, ready: bool, words: str) -> None:
        """It says that it is ready, or WORDS of itself."""
        if self.ready:
            self.say(self.why, words or self.words)
        if ready and self.bound and self.ready == "no":
            self.be_ready()

    def be_ready(self) -> None:
        self.ready = "yes"
        self.say("", self.words)
        self.log("pid %s is ready", self.pid)
        self.handle("ready")

    def say(self, why: str, words: str) -> None:
        """Let the status show WHY it is not well, and its own WORDS."""
        if (why, words) != (self.why, self.words):
            self.why, self.words, self.text = why, words, ""
            self.group.init.act("status")

    def stop(self) -> None:
        self.leaving = True
        if self.state not in BEING_STOPPED:
            self.after = ""     # what was to be taken up is not
        self.handle("stop")

    def restart(self) -> None:
        """Stop it, if it runs, and start it again; that is no quick exit."""
        if self.state in BEING_STOPPED:
            self.come_back()
            return
        self.log("restart")
        self.after = "renew" if self.alive else ""
        self.handle("restart")

    def begin_anew(self) -> None:
        """Its group is told its level: what is about to be paused, or to have failed, starts again when it is gone."""
        if self.after in ("too_rapid", "failed"):
            self.come_back()

    def come_back(self) -> None:
        """It is being stopped: let it be started again after that."""
        if self.sweeping:
            self.after, self.quick = "again", 0
        else:
            self.after = "renew"
        self.text = ""
        self.group.init.act("status")

    def unstartable(self, code: int, why: str) -> None:
        """It could not be executed. That counts as an exit; a respawn is paused at once (SPEC 3)."""
        self.last, self.why = "exit:%d" % code, why
        if self.state in BEING_STOPPED:
            self.await_end()
        elif self.entry.mode == "respawn":
            self.quick = self.settings.respawn[0]
            self.log("cannot be started, paused %s s", rules.seconds(self.settings.respawn[2]))
            self.handle("too_rapid")
        else:
            self.handle(rules.outcome(self.entry.mode, self.last))

    def refused(self, why: str) -> None:
        self.why = why
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
        if event == "too_rapid":
            self.why = "respawning too rapidly"
        return event

    def gone(self, scope: str) -> None:
        """What was awaited is gone: `all` its members, or before a new start its process `group`."""
        if scope == "all":
            self.owns = False
        elif not self.after:
            return      # it is to be stopped by now, and all is awaited
        event, self.after = self.after or "gone", ""
        self.handle(event)

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

    def probe_over(self) -> None:
        self.run_probe()

    def bound_over(self) -> None:
        """It is not ready, or has not exited, in the time that it has for that."""
        if self.readiness is None:
            self.why = "over its limit of %s s" % rules.seconds(self.limit or 0)
            self.after = rules.outcome(self.entry.mode, "unknown")
        elif self.deaf and not self.readiness[1]:
            self.log("nothing was heard of it since it was taken over: taken for ready")
            self.be_ready()
            return
        else:
            self.why = "not ready after %s s" % rules.seconds(self.readiness[0])
            self.after = "failed"
        self.log("%s", self.why)
        self.handle("overdue")

    # Actions of the table ---------------------------------------------------------------------------

    def spawn(self) -> None:
        self.unbind()
        self.pid = self.start = self.why = self.words = self.ready = ""
        self.settings = self.entry.settings
        self.group.init.act("spawn", self.entry, self.group.level, self.group.previous)

    def get_ready(self) -> None:
        """It was executed: see whether it is ready, for as long as it may take."""
        assert self.readiness is not None
        self.ready, self.deaf = "no", False
        self.probe = rules.PROBE
        self.bind(self.readiness[0])
        self.tell_opened()

    def bind(self, seconds: float) -> None:
        """Give it SECONDS to be ready, or to exit."""
        self.bound = True
        self.group.init.act("arm", self.name, "bound", seconds)
        self.run_probe()

    def unbind(self) -> None:
        if self.bound:
            self.bound = False
            self.group.init.act("disarm", self.name, "bound")
            if self.readiness is not None and self.readiness[1]:
                self.group.init.act("disarm", self.name, "probe")
                self.group.init.act("unprobe", self.name)

    def run_probe(self) -> None:
        if self.readiness is not None and self.readiness[1]:
            self.group.init.act("probe", self.entry, self.group.level, self.group.previous, self.readiness[1])

    def climb(self) -> None:
        """The next rung of the kill ladder."""
        name, seconds = self.settings.kill[self.rung]
        self.rung += 1
        self.group.init.act("signal", self.name, name)
        self.group.init.act("arm", self.name, "ladder", seconds)

    def widen(self) -> None:
        """It is to be stopped while its process group is cleared away for a new start: now all its members go."""
        sweeping, self.after = self.sweeping, ""
        if sweeping:
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

    def tell_opened(self) -> None:
        self.group.opened(self)

    def tell_left(self) -> None:
        self.group.left(self)

    def line(self) -> statusline.Line:
        alive = self.alive
        return statusline.Line(statusline.PROCESS, self.name, self.group.level or "-", self.state, {
            "pid": self.pid if alive else "", "start": self.start if alive else "", "run": self.run,
            "uid": self.uid if alive else "", "mode": self.entry.mode, "sum": self.entry.sum,
            "restarts": str(max(0, self.restarts)), "quick": str(self.quick or ""), "since": str(self.since),
            "last": self.last, "after": self.after, "ready": self.ready if alive else "",
            "text": self.words if alive else "", "why": self.why, "output": self.entry.output or "",
            "until": str(self.until) if self.state == "PAUSED" else ""})
