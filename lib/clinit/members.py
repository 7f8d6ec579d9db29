"""Who belongs to a process (SPEC 5), by /proc, and signalling them one by one.

A pid is given again to a stranger some day, so a process is always named by its pid and its start time, in
clock ticks since boot: field 22 of /proc/PID/stat, proc(5).

We are a child subreaper, prctl(2): what loses its parent becomes our child. So all that we ever started is
below us, and what a job left behind once its main process is reaped hangs on a child of ours that is nobody's
main process: an orphan. Where there are no orphans there is nothing to look for.
"""
from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from .cgroup import Cgroups

Memory = Sequence[tuple[int, int, str]]     # pid, start time, name of the job

PR_SET_CHILD_SUBREAPER = 36
LOOKS = 3           # at /proc in one moment, while processes come and go
BLANK_LOOKS = 10    # that find a process without environment and arguments, before it is taken to be so


class Facts:
    """One process, as /proc shows it; start: in clock ticks since boot."""
    __slots__ = ("pid", "state", "parent", "group", "session", "start")

    def __init__(self, pid: int, fields: list[bytes]) -> None:
        self.pid = pid
        self.state = fields[0].decode()
        self.parent, self.group, self.session = int(fields[1]), int(fields[2]), int(fields[3])
        self.start = int(fields[19])

    @property
    def alive(self) -> bool:
        return self.state not in "ZX"

    @property
    def key(self) -> tuple[int, int]:
        return self.pid, self.start


class Job:
    """What was started for an entry: from its first start until the last member is gone, or let go.

    mark: CLINIT_RUN of each of its runs begins with it; runs: how many there were. pid, start: its main
    process, that of the last run; child: that is our child, and not reaped yet. abroad: it was taken over,
    so its members may be anywhere; uid: as whom it ran then.
    """
    __slots__ = ("name", "mark", "runs", "pid", "start", "child", "abroad", "uid")

    def __init__(self, name: str, mark: str, runs: int = 0, pid: int = 0, start: int = 0) -> None:
        self.name = name
        self.mark = mark
        self.runs = runs
        self.pid = pid
        self.start = start
        self.child = self.abroad = False
        self.uid = ""

    @property
    def run(self) -> str:
        """The mark of its last run."""
        return "%s.%d" % (self.mark, self.runs)


class Members:
    """Whose is what. jobs: {mark: Job}; mains: {pid: Job} of our children that are main processes.

    known: {pid: Job or None} of our other children, whose they are; a pid of ours is not given again before
    we reap it. found: {Job: [Facts]} by the last look at /proc; `fresh`: it was taken in this moment. unsettled:
    there are children of whom nothing is known yet. sighted: there is a /proc to look at; reaper: all orphans below us
    become our children, and these are listed. cgroups: where a job has a group of its own.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.mains: dict[int, Job] = {}
        self.known: dict[int, Job | None] = {}
        self.found: dict[Job, list[Facts]] = {}
        self.fresh = False
        self.sighted = sees_proc()
        self.reaper = self.sighted and become_reaper()
        self.cgroups = Cgroups()
        self.unsettled = False
        self._orphans: list[int] | None = None      # in this moment, all of them known
        self._blank: set[tuple[int, int]] = set()       # who showed nothing of itself yet, by the last look
        self._looks: dict[tuple[int, int], int] = {}    # so often that was so
        self._suspects: dict[Job, set[tuple[int, int]]] = {}    # those when nothing else was seen of a job any more
        self._unmarked: set[int] = set()    # our children that nobody owns and that have no mark
        self._seen: dict[tuple[int, int], Job] = {}     # whose it was by the last look, its parent may be gone now

    def moment(self) -> None:
        """A new moment: what was seen before may have changed."""
        self.fresh = False
        self._orphans = None

    def forget(self, job: Job) -> None:
        """What is left of JOB is nobody's."""
        del self.jobs[job.mark]
        self.found.pop(job, None)
        self._suspects.pop(job, None)
        for pid, owner in self.known.items():
            if owner is job:
                self.known[pid] = None

    def reaped(self, pid: int) -> None:
        self.known.pop(pid, None)

    def of(self, job: Job) -> list[Facts]:
        """What lives of JOB; one pass over /proc serves all that ask in one moment. Raises OSError."""
        if not self.fresh:
            self.look()
        return self.found.get(job, [])

    def owner(self, pid: int) -> Job | None:
        """Whose the process PID is, which may be a zombie; None where it is nobody's, or gone. Raises OSError.

        It costs a few reads, not a look at all: any user may make us ask.
        """
        abroad = {(job.pid, job.start): job for job in self.jobs.values() if job.abroad}
        facts, me = stat(pid), os.getpid()
        while facts is not None:
            job = self.mains.get(facts.pid) or abroad.get(facts.key)
            if job is not None:
                return job if job.name else None
            if facts.parent == me and facts.pid not in self.known:
                self.look()
            if facts.parent == me:
                return self.known.get(facts.pid)
            facts = stat(facts.parent) if facts.parent else None
        return None

    def remain(self, job: Job) -> bool:
        """Whether anything lives of JOB, whose main process is gone; where that cannot be told it does."""
        try:
            if self.reaper and not job.abroad:
                return self._settle() or any(self.known[pid] is job for pid in self._orphans or ())
            seen = any(lives(*facts.key) for facts in self.found.get(job, ())) or bool(self.of(job))
            return seen or self._suspect(job)
        except OSError:
            return True

    def _suspect(self, job: Job) -> bool:
        """Whether somebody of whom nothing could be seen yet may be of JOB, which was taken over.

        Who is in the middle of an exec by one look shows by a later one whose it is, and who is young then was not born
        of JOB, of which that look saw nothing else.
        """
        before, self._suspects[job] = self._suspects.get(job), self._blank
        return bool(self._blank) if before is None else not before.isdisjoint(self._blank)

    def _settle(self) -> bool:
        """List our orphans, whose they are all being known; returns whether that fails.

        One look does not tell that somebody has nothing left: what is born and loses its parent during it is
        missed. But such a one is our child then, and not known.
        """
        for _ in range(LOOKS if self._orphans is None else 0):
            orphans = [pid for pid in children() if pid not in self.mains]
            if all(pid in self.known for pid in orphans):
                self._orphans = orphans
                break
            self.look()
        self.unsettled = self._orphans is None
        return self.unsettled

    def remain_in_group(self, job: Job) -> bool:
        """Likewise, for its process group alone."""
        try:
            return any(lives(*facts.key) for facts in self.found.get(job, ()) if facts.group == job.pid) or any(
                facts.group == job.pid for facts in self.of(job))
        except OSError:
            return True

    def strays(self) -> list[int]:
        """The pids of our children that nothing attributes: no main process, no mark, no parent that was seen."""
        try:
            if self.reaper and any(pid not in self.known and pid not in self.mains for pid in children()):
                self.look()
        except OSError:
            pass    # another time
        return [pid for pid in self.known if pid in self._unmarked]

    def memory(self) -> Memory:
        """What the last look saw, for who goes on after an exec."""
        return [(*key, job.name) for key, job in self._seen.items() if job.mark in self.jobs]

    def remember(self, memory: Memory, jobs: dict[str, Job]) -> None:
        self._seen = {(pid, start): jobs[name] for pid, start, name in memory if name in jobs}

    def look(self) -> None:
        """Look through /proc: who is whose. Raises OSError where it cannot be read."""
        table = processes() if self.sighted else {}
        me = os.getpid()
        abroad = any(job.abroad for job in self.jobs.values())
        owners: dict[int, Job | None] = {0: None}
        above = table.get(me)
        while above is not None and above.pid not in owners:    # we and ours are nobody's
            owners[above.pid] = None
            above = table.get(above.parent)
        leaders = {}
        for job in self.jobs.values():
            if not job.pid:
                continue
            main = table.get(job.pid)
            if main is None or job.child or main.start == job.start:    # else the number was given again
                leaders[job.pid] = job
                if main is not None:
                    owners[job.pid] = job
        self._unmarked.clear()
        self._blank = set()
        found: dict[Job, list[Facts]] = {}
        known: dict[int, Job | None] = {}
        for pid, facts in table.items():
            owner = self._owner(facts, table, owners, leaders, abroad, me)
            if owner is not None and facts.alive:
                found.setdefault(owner, []).append(facts)
            if facts.parent == me and pid not in self.mains and facts.key not in self._blank:
                known[pid] = owner
        self.found, self.known, self.fresh = found, known, True
        self._looks = {key: looks for key, looks in self._looks.items() if key[0] in table}
        self._seen = {facts.key: job for job, all_of in found.items() for facts in all_of}

    def _owner(self, facts: Facts | None, table: dict[int, Facts], owners: dict[int, Job | None],
               leaders: dict[int, Job], abroad: bool, me: int) -> Job | None:
        """Whose the process is: its nearest ancestor's that is somebody's, or what it says itself."""
        path = []
        while facts is not None and facts.pid not in owners:
            owners[facts.pid] = None        # the table is not of one instant: it may have a circle
            path.append(facts)
            facts = table.get(facts.parent)
        owner = None if facts is None else owners[facts.pid]
        for facts in reversed(path):
            if owner is None and (abroad or facts.parent == me):
                owner = self._claim(facts, leaders)
            owners[facts.pid] = owner
        return owner

    def _claim(self, facts: Facts, leaders: dict[int, Job]) -> Job | None:
        """Whose an orphan is: by the look that saw its parent, its mark, control group, or session and group."""
        job = self._seen.get(facts.key)
        if job is not None and job.mark in self.jobs:
            return job
        told = environment(facts.pid)
        job = self.jobs.get(told.get("RUN", "").partition(".")[0])
        # Below us a mark comes from us; elsewhere any user could have copied it
        if job is not None and (facts.parent == os.getpid() or uid_of(facts.pid) in (job.uid, str(os.geteuid()))):
            return job
        job = self.jobs.get(self.cgroups.mark_of(facts.pid, self.jobs))
        if job is not None or "RUN" in told:
            return job
        job = leaders.get(facts.session) or leaders.get(facts.group)
        if job is not None and job.start <= facts.start:
            return job
        if facts.alive:
            self._unmarked.add(facts.pid)
            self._note_blank(facts)
        return None

    def _note_blank(self, facts: Facts) -> None:
        """Who has neither arguments nor environment is in the middle of an exec, most likely: ask again.

        Who is in no session is a thread of the kernel.
        """
        looks = self._looks.get(facts.key, 0)
        if facts.session and looks < BLANK_LOOKS and is_blank(facts.pid):
            self._looks[facts.key] = looks + 1
            self._blank.add(facts.key)


def sees_proc() -> bool:
    """Whether there is a /proc, of our own pid namespace. Raises OSError where that cannot be told now."""
    try:
        return os.readlink("/proc/self") == str(os.getpid())
    except FileNotFoundError:
        return False


def become_reaper() -> bool:
    """Become the parent of all orphans below us, prctl(2); whether that is so, and our children can be listed.

    Raises OSError where that cannot be told now.
    """
    try:
        children()
    except FileNotFoundError:
        return False
    try:
        import ctypes
        done: int = ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        return done == 0
    except (ImportError, AttributeError):
        return False


def children() -> list[int]:
    """The pids of our children, zombies too. Raises OSError where the system does not list them."""
    return [int(pid) for pid in _read_all("/proc/thread-self/children").split()]


def stat(pid: int) -> Facts | None:
    """The facts of PID; None where there is no such process, or it is hidden from us.

    Raises OSError where the system has no descriptor or memory for the question.
    """
    try:
        data = _read("/proc/%d/stat" % pid, 1024)
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return None
    # The name, in parentheses, may hold anything, parentheses too
    return Facts(pid, data[data.rindex(b")") + 2:].split())


def processes() -> dict[int, Facts]:
    """{pid: Facts} of all processes, zombies too, by one pass over /proc. Raises OSError as stat() does."""
    found = (stat(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return {facts.pid: facts for facts in found if facts is not None}


def environment(pid: int) -> dict[str, str]:
    """What clinitd said to process PID at its start: {name without CLINIT_: value}; {} where that cannot be read.

    Raises OSError as stat() does.
    """
    try:
        data = _read_all("/proc/%d/environ" % pid)
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return {}
    pairs = (pair.partition(b"=") for pair in data.split(b"\0") if pair.startswith(b"CLINIT_"))
    return {os.fsdecode(name[len(b"CLINIT_"):]): os.fsdecode(value) for name, _, value in pairs}


def is_hidden(pid: int) -> bool:
    """Whether the environment of PID is not for us to read. Raises OSError as stat() does."""
    try:
        _read("/proc/%d/environ" % pid, 1)
    except PermissionError:
        return True
    except (FileNotFoundError, ProcessLookupError):
        pass
    return False


def is_blank(pid: int) -> bool:
    """Whether PID shows no arguments. Raises OSError as stat() does."""
    try:
        return not _read("/proc/%d/cmdline" % pid, 1)
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return False


def _read(path: str, size: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


def _read_all(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()


def uid_of(pid: int) -> str:
    """The uid that PID runs as; "" where that cannot be told."""
    try:
        return str(os.stat("/proc/%d" % pid).st_uid)
    except OSError:
        return ""


def start_time(pid: int) -> int:
    """When PID began, in clock ticks since boot; 0 where that cannot be told."""
    try:
        found = stat(pid)
    except OSError:
        return 0
    return found.start if found else 0


def lives(pid: int, start: int) -> bool:
    """Whether PID is still the process that began at START, and no zombie. Raises OSError as stat() does."""
    found = stat(pid)
    return found is not None and found.start == start and found.alive


def send(pid: int, start: int, *numbers: int) -> None:
    """Send the signals NUMBERS to the process PID that began at START, and to no other; nothing if it is gone.

    Raises OSError as stat() does.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):
        # Gone; or a system that has no pidfds, or forbids them: the start time alone must do
        if lives(pid, start):
            _kill(pid, numbers)
        return
    try:
        # The descriptor holds the process: if it is the right one now it stays the right one
        if lives(pid, start):
            _by_pidfd(descriptor, numbers)
    finally:
        os.close(descriptor)


def _by_pidfd(descriptor: int, numbers: tuple[int, ...]) -> None:
    try:
        for number in numbers:
            signal.pidfd_send_signal(descriptor, number)
    except OSError:
        pass    # it is gone, or another user's


def _kill(pid: int, numbers: tuple[int, ...]) -> None:
    try:
        for number in numbers:
            os.kill(pid, number)
    except OSError:
        pass
