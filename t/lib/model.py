"""What a clinit must do, said once more, and simply: who is told what, what must run, how often (SPEC 1 to 5).

A Model knows nothing of the heart. It is told the commands, what was started and what ended, and reads the status
as anybody can. What it finds wrong is a Broken. It knows no time: when all that was asked has come to rest is for
who uses it to say.
"""
from collections import namedtuple

MODES = ("wait", "once", "respawn", "test", "off")
LEVELS = ("1", "2", "1,2")
RESTING = ("DONE", "PASSED", "FAILED")
PASSED, FAILED = "PASSED", "FAILED"
EITHER = "PASSED or FAILED"     # what a crash has left open

# What is to become of a main process: it runs on, it is to go, or a crash has left it open
RUNS, GOES, MAY_GO = "runs", "goes", "may go"


class Broken(AssertionError):
    """A promise was not kept."""


class Entry(namedtuple("Entry", "group tag levels mode command")):
    """One line of a cltab."""
    __slots__ = ()

    @property
    def name(self):
        return self.group + ":" + self.tag

    def same(self, other):
        """Whether a process of this entry is one of OTHER."""
        return (self.name, self.mode, self.command) == (other.name, other.mode, other.command)

    def is_in(self, level):
        return level in self.levels.split(",")


def text_of(table, settings=""):
    """The cltab with the entries of TABLE."""
    return "".join(":".join(entry) + "\n" for entry in table) + settings


class Group:
    """want: the level that it was told last, or None; entries: what it goes by; state: as it was shown last.

    vague: it was gone from the cltab and came back; whether it has still its level is not promised.
    """

    def __init__(self, entries):
        self.want = None
        self.entries = entries
        self.state = ""
        self.vague = False


class Record:
    """What became of an entry since its group wants it.

    may: so often it may be executed; owed: it must be, before all is at rest; result: of a test.
    """

    def __init__(self, entry, before=None):
        self.entry = entry
        self.may = 1
        self.owed = before is None
        self.begun = before is not None
        self.unstartable = False
        self.result = before and before.result


class Model:
    """table: the cltab that the daemon has. wanted: {name: Record} of what is to run, or to have run. alive: {name:
    what is to become of it} of main processes. past: the Records of what was wanted, while its group may not have
    forgotten it. asked: {client: (group, level)} of who waits.
    """

    def __init__(self, table):
        self.table = table
        self.groups = {}
        self.halting = False
        self.wanted, self.past, self.alive, self.asked = {}, {}, {}, {}
        self.adopt(table)

    # Commands

    def tell(self, group, level, table):
        """Returns the error code that is to be answered, 0 for none."""
        if self.halting:
            return 5
        self.take(table, group)
        if group not in {entry.group for entry in table}:
            self.settle()
            return 6
        self.go(group, level)
        return 0

    def go(self, name, level):
        group = self.groups[name]
        old, group.want, group.vague = group.want, level, False
        rested = group.state in RESTING and not any(entry.name in self.past for entry in group.entries)
        self.settle()
        for record in self.of(name):
            if record.entry.mode == "test" and record.entry.name not in self.alive:
                record.may = 1
                if level != old and rested or record.result == FAILED:
                    record.owed, record.result = True, None
        group.state = ""

    def reread(self, table):
        if self.halting:
            return 5
        self.adopt(table)
        return 0

    def halt(self):
        self.halting = True
        for group in self.groups.values():
            group.want = None
        self.settle()

    def adopt(self, table):
        self.take(table)
        self.settle()

    def take(self, table, only=None):
        """Let all groups, or ONLY one and those that are gone, go by TABLE. A tag that has moved leaves its group."""
        self.table = table
        owner = {entry.tag: entry.group for entry in table}
        for name in {entry.group for entry in table}:
            if name not in self.groups:
                self.groups[name] = Group([entry for entry in table if entry.group == name])
        for name, group in self.groups.items():
            old = group.entries
            if name not in owner.values():
                group.entries = []
            elif only in (None, name):
                group.vague = group.vague or not old and group.want is not None
                group.entries = [entry for entry in table if entry.group == name]
            else:
                group.entries = [entry for entry in old if owner.get(entry.tag, name) == name]

    def settle(self):
        """Find what is wanted now."""
        new = {entry.name: entry for group in self.groups.values() if group.want is not None
               for entry in group.entries if entry.is_in(group.want)}
        for name, record in list(self.wanted.items()):
            if name not in new or not record.entry.same(new[name]):
                if record.begun:
                    self.past[name] = record
                del self.wanted[name]
                if name in self.alive:
                    self.alive[name] = GOES
        for name, entry in new.items():
            if name in self.wanted:
                self.wanted[name].entry = entry
                continue
            before = self.past.pop(name, None)
            kept = before is not None and before.entry.same(entry) and name not in self.alive
            self.wanted[name] = Record(entry, before if kept else None)

    def of(self, group):
        """The Records of GROUP, in the order of the cltab."""
        return [self.wanted[entry.name] for entry in self.groups[group].entries if entry.name in self.wanted]

    # What happened

    def spawned(self, name, mode, command, level=None):
        record = self.wanted.get(name)
        if record is None or (record.entry.mode, record.entry.command) != (mode, command):
            raise Broken("%s (%s %s) started, and not wanted" % (name, mode, command))
        if name in self.alive:
            raise Broken("%s started twice" % name)
        if mode != "respawn" and record.may < 1:
            raise Broken("%s executed twice for one entering of its level" % name)
        if not record.begun and level is not None:      # a respawn may start anew while its old level is left
            self.see_start(name.partition(":")[0], record, level)
        record.may -= 1
        record.begun, record.owed, record.result = True, False, None
        self.alive[name] = RUNS

    def see_start(self, group, record, level):
        """It must be for the level that is wanted, and all before it must allow it to start."""
        if level != self.groups[group].want:
            raise Broken("%s started for level %s, and not %s" % (record.entry.name, level, self.groups[group].want))
        for before in self.of(group):
            name = before.entry.name
            if before is record:
                return
            if before.entry.mode == "wait" and (not before.begun or name in self.alive):
                raise Broken("%s started before %s was done" % (record.entry.name, name))
            if before.entry.mode == "test" and before.result not in (PASSED, EITHER):
                raise Broken("%s started, and %s has not passed" % (record.entry.name, name))

    def refused(self, name):
        """The system had no room for it: it is tried again, whatever comes in before it meanwhile."""
        self.wanted[name].begun = True

    def ended(self, name, last):
        fate, record = self.alive.pop(name), self.wanted.get(name)
        if record is not None and fate != GOES:
            record.result = PASSED if last == "exit:0" else FAILED
            record.unstartable = last == "exit:127"

    def signalled(self, name):
        """Its main process, and all its members, are to end."""
        if self.alive.get(name, True) is RUNS:
            raise Broken("%s is signalled, and should run on" % name)

    def crashed(self, lines, table, pending=()):
        """A clinitd was killed and has left LINES; the next takes over with the cltab TABLE.

        pending: the groups that were told something, and nobody was answered: it may have been done, or not.
        """
        shown = {line.name: line for line in lines}
        if self.halting and shown["clinitd"].state == "RUNNING":
            self.halting, pending = False, list(self.groups)
        for record in self.wanted.values():
            if record.result == PASSED:
                record.result = EITHER      # that it passed may not have been written
            if record.unstartable:
                record.may = 1      # nothing was executed
        self.adopt(table)
        for name in pending:
            if name in self.groups:
                want = shown[name].more["want"] if name in shown else "-"
                self.leave_open(name, None if want == "-" else want)

    def leave_open(self, name, want):
        """GROUP goes to WANT, and what was done on the way elsewhere is not known."""
        self.groups[name].want, self.groups[name].state = want, ""
        self.settle()
        for record in self.of(name):
            tag = record.entry.name
            if self.alive.get(tag) == GOES:
                self.alive[tag], record.begun = MAY_GO, True
            record.owed, record.may = False, 1
            record.result = record.result if tag in self.alive else EITHER

    # What is shown

    def observe(self, lines):
        """See the status file, as it was written."""
        shown = {line.name: line for line in lines}
        for name, group in list(self.groups.items()):
            line = shown.get(name)
            want = None if line is None or line.more["want"] == "-" else line.more["want"]
            group.state = line.state if line else ""
            if group.vague or line is None and not group.entries:
                group.vague = False
                if want is None:
                    group.want = None
                    self.settle()
            if line and line.state not in ("STOPPING", "HALTING", "DUMPING"):
                for entry in [record.entry for record in self.past.values()]:
                    if entry.group == name:
                        del self.past[entry.name]
            if group.entries and want != group.want:
                raise Broken("%s is shown to go to %s, and not to %s" % (name, want, group.want))
            if group.state in RESTING and line.level != want:
                raise Broken("%s rests at %s, and not at %s" % (name, line.level, want))

    def ask(self, client, group, level):
        self.asked[client] = group, level

    def answered(self, client, code, lines):
        """Who waits was answered CODE, when the status was LINES."""
        name, level = self.asked.pop(client)
        group = self.groups.get(name)
        if self.halting:
            right = code == 5
        elif group is None or not group.entries or group.want is None:
            right = code == 6 or code == 5 and group is not None and not group.entries
        elif group.want != level:
            right = code == 5
        else:
            states = [line.state for line in lines if line.name.partition(":")[0] == name]
            paused = FAILED in states or "PAUSED" in states
            right = code == 8 and "STUCK" in states or (
                code == (1 if paused else 0) and states[0] in RESTING and "STOPPING" not in states)
        if not right:
            raise Broken("who waits for %s to be at %s is answered %d" % (name, level, code))

    def rest(self, lines):
        """All has been obeyed, and nothing moves any more: see that it is so."""
        shown = {line.name: line for line in lines}
        groups = {line.name for line in lines if line.kind.endswith(":Group") and line.state != "CONFIGURED"}
        told = {name for name, group in self.groups.items() if group.want is not None and group.entries}
        gone = {name for name, group in self.groups.items() if not group.entries}
        if groups != told:
            raise Broken("%s are shown, and %s were told" % (sorted(groups), sorted(told)))
        for name in told:
            self.rest_of(name, shown)
        for name, fate in self.alive.items():
            if fate == GOES or name not in self.wanted:
                raise Broken("%s lives, and should not" % name)
        if self.asked:
            raise Broken("who waits is not answered: %s" % self.asked)
        for name in gone:
            del self.groups[name]
        self.past.clear()

    def rest_of(self, name, shown):
        kept, records = True, self.of(name)
        for record in records:
            line = shown.get(record.entry.name)
            state = line and line.state
            if state not in self.states(record, kept):
                raise Broken("%s (%s) is %s at rest, not %s" % (
                    record.entry.name, record.entry.mode, state, " or ".join(self.states(record, kept))))
            if (state == "RUNNING") != (record.entry.name in self.alive):
                raise Broken("%s is shown %s" % (record.entry.name, state))
            if kept and record.owed and record.entry.mode != "off":
                raise Broken("%s was not executed" % record.entry.name)
            kept = kept and state != FAILED
        extra = [other for other in shown if other.startswith(name + ":") and other not in self.wanted]
        if extra:
            raise Broken("%s are shown, and not wanted" % extra)
        counting = {record.entry.mode for record in records} - {"off"}
        state = FAILED if not kept else PASSED if counting == {"test"} else "DONE"
        if shown[name].state != state:
            raise Broken("%s is %s at rest, not %s" % (name, shown[name].state, state))

    def states(self, record, kept):
        """How the entry of RECORD may be shown at rest; KEPT: no test before it has failed."""
        mode = record.entry.mode
        if mode == "off":
            return ["OFF"]
        if mode == "test":
            result = {PASSED: [PASSED], FAILED: [FAILED], EITHER: [PASSED, FAILED]}.get(record.result, [])
        else:
            result = {"respawn": ["RUNNING"], "wait": ["DONE"], "once": ["RUNNING", "DONE"]}[mode]
        return result if kept else [*result, "IDLE", "RUNNING"]
