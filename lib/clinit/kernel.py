"""The kernel: starts processes, signals them, reaps them. Sole owner of pids and of the clock.

Nothing is signalled but what is known to be alive and ours: a pid is forgotten when it is reaped. What is
left of a process group after that is signalled one by one, for the number of the group may be given again.
"""
from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable

from . import members, rules, spawn
from .cltab import Entry
from .init import Event
from .log import close, open_append
from .members import Facts, Job, Members
from .notify import Notify
from .watch import Watch

POLL = 0.05         # seconds between two looks whether something is gone of which no signal tells
SLOW_POLL = 1.0     # the same where a signal should tell
MAX_TAKERS = 8
STOPPINGS = 20      # rounds of stopping what is to be killed; each finds what was born since the one before

# What a process must not inherit: it is meant for clinitd itself (sd_notify(3), sd_listen_fds(3)), or told anew.
FOREIGN = (b"NOTIFY_SOCKET", b"WATCHDOG_", b"LISTEN_", b"CLINIT_")


def clock() -> float:
    """Seconds on the clock that never steps: all deadlines are on it."""
    return time.monotonic()


def epoch() -> float:
    """The seconds to add to clock() to get the wall clock, for what people read."""
    return time.time() - time.monotonic()


def ticks() -> int:
    """Now, on the clock of start times (members.py); 0 where there is no such clock."""
    try:
        return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))
    except (AttributeError, OSError, ValueError):
        return 0


class Kernel:
    """Made when the handlers of signals are in their place.

    jobs: {name: Job} of all that has a main process or may have members; members: whose is what; watch: the
    main processes that are not our children. awaited: {name: scope} of what is to be reported when it is gone.
    helpers: {pid: who is told its wait status} of what help() started. notify: hears what processes say of themselves.
    around: what all processes get alike.
    """

    def __init__(self, cltab: str, log: Callable[[str], None]) -> None:
        self.cltab = cltab
        self.socket = ""
        self.log = log
        self.jobs: dict[str, Job] = {}
        self.members = Members()
        self.cgroups = self.members.cgroups
        self.watch = Watch()
        self.awaited: dict[str, str] = {}
        self.helpers: dict[int, Callable[[int], None]] = {}
        self.notify = Notify()
        self._takers = 0                        # how many children take datagrams away
        self._probes: dict[str, int] = {}       # the pids of ready commands
        self._probed: list[Event] = []          # what became of those that have ended
        self._adopted: dict[int, Job] = {}      # by the pids of main processes that are not our children
        self._unwatched: set[int] = set()       # those of them that have no pidfd
        self._doomed: list[str] = []
        self._blinded = False
        self._special = spawn.special_signals()
        self.around = spawn.Surroundings(os.open(os.devnull, os.O_RDWR), self._special)
        self._environ = {name: value for name, value in os.environb.items() if name and not name.startswith(FOREIGN)}

    # Actions of the heart: each returns the event that follows at once, or None

    def spawn(self, entry: Entry, level: str, previous: str) -> Event | None:
        """Start ENTRY's process, for LEVEL after PREVIOUS."""
        job = self.jobs.get(entry.name) or Job(entry.name, os.urandom(6).hex())
        job.runs += 1
        output = self._open_output(entry)
        try:
            pid = self._inside(job, lambda: spawn.spawn(
                spawn.words(entry.command), self._environment(entry, level, previous, job.run), self.around, output,
                " ".join((entry.name, job.run, entry.mode, entry.sum, level, previous or "-")).encode(),
                quick=entry.mode == "respawn"))
        except spawn.CannotExecute as error:
            return self._not_started(job, ("unstartable", entry.name, error.code, str(error)))
        except OSError as error:
            return self._not_started(job, ("refused", entry.name, "cannot start a process: %s" % error.strerror))
        finally:
            if output is not None:
                close(output)
        job.pid, job.start, job.child = pid, members.start_time(pid) if self.members.sighted else 0, True
        self._keep(job)
        self.members.mains[pid] = job
        return "started", entry.name, {
            "pid": str(pid), "start": str(job.start), "run": job.run, "uid": members.uid_of(pid)}

    def _inside(self, job: Job, start: Callable[[], int]) -> int:
        """What START() returns, which starts a process, in the control group of JOB."""
        self.cgroups.enter(job.name, job.mark, self.socket)
        try:
            return start()
        finally:
            why = self.cgroups.leave()
            if why:
                self.log("%s: cannot leave its control group, there will be no others: %s" % (job.name, why))

    def _not_started(self, job: Job, event: Event) -> Event:
        if job.name not in self.jobs:
            self.cgroups.forget(job.mark)
        return event

    def _environment(self, entry: Entry, level: str, previous: str, run: str) -> dict[bytes, bytes]:
        told = {"GROUP": entry.group, "TAG": entry.tag, "LEVEL": level, "PREVLEVEL": previous,
                "CLTAB": self.cltab, "SOCKET": self.socket, "RUN": run}
        environ = self._environ.copy()
        if entry.ready and not entry.ready[1] and self.notify.path:
            environ[b"NOTIFY_SOCKET"] = os.fsencode(self.notify.path)
        environ.update((b"CLINIT_" + name.encode(), os.fsencode(value)) for name, value in told.items())
        return environ

    def _open_output(self, entry: Entry) -> int | None:
        """The file of the `output` setting, open for appending; its folder is made if need be.

        None, for clinitd's own stdout and stderr, without that setting, and also where the file cannot be
        had: a service is worth more than its log.
        """
        if entry.output is None:
            return None
        path = entry.output.encode()
        try:
            try:
                return open_append(path)
            except FileNotFoundError:
                os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
                return open_append(path)
        except OSError as error:
            self.log("%s: cannot open %s: %s" % (entry.name, os.fsdecode(error.filename or path), error.strerror))
            return None

    def probe(self, entry: Entry, level: str, previous: str, command: str) -> Event | None:
        """Run COMMAND, which exits 0 when ENTRY's process is ready; as if that process did."""
        output, job = self._open_output(entry), self.jobs[entry.name]
        try:
            self._probes[entry.name] = self._inside(job, lambda: self.help(
                spawn.words(command), self._environment(entry, level, previous, job.run),
                self.around.stdin, output, lambda status: self._end_probe(entry.name, status)))
        except spawn.CannotExecute as error:
            return "probed", entry.name, str(error)
        except OSError as error:
            return "probed", entry.name, "cannot start a process: %s" % error.strerror
        finally:
            if output is not None:
                close(output)
        return None

    def _end_probe(self, name: str, status: int) -> None:
        del self._probes[name]
        self._probed.append(("probed", name, "its ready command " + rules.describe(last(status)) if status else ""))

    def unprobe(self, name: str) -> None:
        """End the ready command of NAME, if it runs; nobody wants to know what becomes of it."""
        pid = self._probes.pop(name, None)
        if pid is not None:
            self.helpers[pid] = lambda status: None
            _killpg(pid, signal.SIGKILL)

    def heard(self) -> list[Event]:
        """What processes have said of themselves; what strangers say is not heard."""
        events: list[Event] = []
        for pid, ready, words in self.notify.read(self._take_away):
            try:
                job = self.members.owner(pid)
            except OSError:
                continue
            if job is not None:
                events.append(("notified", job.name, ready, words))
        return events

    def _take_away(self, notify: socket.socket) -> bool:
        """Let a child take a datagram with descriptors; whether it did. Those that these keep from ending are a few."""
        if self._takers >= MAX_TAKERS:
            return False
        try:
            pid = spawn.take_away(notify)
        except OSError:
            return False
        self._takers += 1
        self.members.mains[pid] = Job("", "", pid=pid)
        self.helpers[pid] = self._taken
        return True

    def _taken(self, status: int) -> None:
        self._takers -= 1

    def signal_main(self, name: str, what: str) -> None:
        """Send the signal WHAT, without its SIG, to the main process of NAME alone."""
        job = self.jobs.get(name)
        if job is not None and (job.child or job.pid in self._adopted):
            members.send(job.pid, job.start, getattr(signal, "SIG" + what))

    def signal(self, name: str, what: str) -> None:
        """Send the signal WHAT, without its SIG, to all members of NAME, or its process group if that is awaited."""
        if name not in self.jobs:
            return
        if what == "KILL":
            self._doomed.append(name)       # kill() deals with all of one moment together
        else:       # what is stopped could not act on it
            self._send(self.jobs[name], getattr(signal, "SIG" + what), signal.SIGCONT)

    def _send(self, job: Job, *numbers: int) -> None:
        others = self._others(job)      # first: a parent that dies says no more whose its children are
        if job.child or not self.members.sighted:
            for number in numbers:
                _killpg(job.pid, number)
        for facts in others:
            members.send(*facts.key, *numbers)

    def _others(self, job: Job) -> list[Facts]:
        """What is to be signalled of JOB besides the process group of a main process that is our child."""
        try:
            found = self.members.of(job)
        except OSError as error:
            if not self._blinded:
                self.log("cannot look for all processes of %s: %s" % (job.name, error.strerror))
            self._blinded = True
            return []
        self._blinded = False
        only = self.awaited.get(job.name) == "group"
        return [facts for facts in found
                if (facts.group != job.pid if job.child else not only or facts.group == job.pid)]

    def kill(self) -> None:
        """End what signal() was told to kill. All is stopped before it is killed, so that nothing new is born
        unseen, and what is born meanwhile has a parent that says whose it is."""
        doomed = [self.jobs[name] for name in self._doomed if name in self.jobs]
        self._doomed.clear()
        stopped: set[tuple[int, int]] = set()
        for job in doomed:
            if job.child:
                _killpg(job.pid, signal.SIGSTOP)
        for _ in range(STOPPINGS if doomed else 0):
            self.members.moment()
            new = [facts.key for job in doomed for facts in self._others(job) if facts.key not in stopped]
            for key in new:
                members.send(*key, signal.SIGSTOP)
            stopped.update(new)
            if not new:
                break
        for job in doomed:
            self._send(job, signal.SIGKILL)
            if self.awaited.get(job.name) != "group":
                self.cgroups.kill(job.mark, {other.pid for other in self.jobs.values() if other is not job})

    def await_end(self, name: str, scope: str) -> Event | None:
        """Report when `all` of NAME, whose main process is gone, or its process `group` is gone too."""
        self.awaited[name] = scope
        return self._gone(name)

    def forget(self, name: str) -> None:
        """What NAME, whose main process is gone, has left is not ours."""
        job = self.jobs.pop(name)
        self.members.forget(job)
        self.cgroups.forget(job.mark)

    def adopt(self, name: str, run: str, pid: int, start: int, uid: str, patience: float,
              abroad: bool) -> Event | None:
        """Take over the process of NAME, of the mark RUN, or what is left of it; ours, or not if ABROAD.

        patience: seconds that its exit status is worth waiting for, once it has ended.
        """
        mark, _, runs = run.partition(".")
        job = Job(name, mark, int(runs) if runs.isdigit() else 0, pid, start)
        job.abroad, job.uid = abroad, uid
        self._keep(job)
        if not pid:
            return None
        facts = members.stat(pid)
        if facts is not None and facts.start == start:
            self.cgroups.mark_of(pid, [mark])       # which shows where its group is
            if facts.parent == os.getpid():
                job.child = True
                self.members.mains[pid] = job
                return None
            if facts.alive:
                self._adopted[pid] = job
                try:
                    self.watch.add(pid, patience)
                    self.around.limits = self.watch.limits
                except (AttributeError, OSError):
                    self._unwatched.add(pid)
                return None
        return "exited", name, "unknown", self._left(job, "group")

    def signal_all(self, number: int) -> bool:
        """As PID 1: send signal NUMBER, 0 for none, to all processes there are; returns whether there is one."""
        try:
            os.kill(-1, number)
            if number not in (0, signal.SIGKILL):
                os.kill(-1, signal.SIGCONT)
        except ProcessLookupError:
            return False
        return True

    def _keep(self, job: Job) -> None:
        self.jobs[job.name] = self.members.jobs[job.mark] = job

    def help(self, argv: list[bytes], environ: dict[bytes, bytes], stdin: int, output: int | None,
             ended: Callable[[int], None]) -> int:
        """Start a process for ourselves; returns its pid. ENDED gets its wait status. Raises as spawn() does."""
        around = spawn.Surroundings(stdin, self._special)
        around.limits = self.around.limits
        pid = spawn.spawn(argv, environ, around, output)
        self.members.mains[pid] = Job("", "", pid=pid)
        self.helpers[pid] = ended
        return pid

    def end_helper(self, pid: int) -> None:
        """End a process that help() has started, and that is not reaped yet."""
        if pid in self.helpers:
            os.kill(pid, signal.SIGKILL)

    # What the world did

    def reap(self) -> list[Event]:
        """Reap all that exited; returns the events."""
        self.members.moment()
        ended: list[tuple[Job, int | None]] = [(self._adopted.pop(pid), None) for pid in self._lost()]
        ended += [(self._adopted.pop(pid), status) for pid, status in self.watch.ends(clock())]
        ended += self._reap_children()
        events, self._probed = [self._exited(job, status) for job, status in ended] + self._probed, []
        return events

    def _exited(self, job: Job, status: int | None) -> Event:
        left = self._left(job, "group")
        if job.abroad and not left:
            job.pid = 0     # its number may be given again, to somebody's session that is none of ours
        return "exited", job.name, last(status), left

    def _reap_children(self) -> list[tuple[Job, int | None]]:
        ended: list[tuple[Job, int | None]] = []
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return ended
            if pid == 0:
                return ended
            job = self.members.mains.pop(pid, None)
            if job is None:
                self.members.reaped(pid)
            elif pid in self.helpers:
                self.helpers.pop(pid)(status)
            else:
                job.child = False
                ended.append((job, status))

    def _lost(self) -> list[int]:
        """The pids of those without a pidfd that are gone."""
        gone = [pid for pid in self._unwatched if not members.lives(pid, self._adopted[pid].start)]
        self._unwatched.difference_update(gone)
        return gone

    def look(self) -> list[Event]:
        """See whether what is awaited is gone; returns the events."""
        return [event for event in map(self._gone, list(self.awaited)) if event is not None]

    def _gone(self, name: str) -> Event | None:
        job = self.jobs.get(name)
        if job is not None:
            if self._left(job, self.awaited[name]):
                return None
            if self.awaited[name] == "all":
                self.forget(name)
        return "gone", name, self.awaited.pop(name)

    def _left(self, job: Job, scope: str) -> bool:
        """Whether anything lives of JOB, whose main process is gone: `all` or in its process `group`."""
        if not self.members.sighted:
            return _is_group(job.pid)
        if scope == "all":
            return self.members.remain(job)
        # While a group has members its number is not given again; so this one call tells, most of the time
        return _is_group(job.pid) and self.members.remain_in_group(job)

    def poll(self) -> float | None:
        """Seconds after which to look again even if no signal comes; None where that is not needed."""
        if self._unwatched or self.watch.waiting or self.awaited and self.members.unsettled or any(
                not self.members.reaper or name in self.jobs and self.jobs[name].abroad for name in self.awaited):
            return POLL
        return SLOW_POLL if self.awaited else None

    def owners(self) -> dict[str, str]:
        """{name: uid} of the main processes."""
        return {name: members.uid_of(job.pid) for name, job in self.jobs.items()
                if job.child or job.pid in self._adopted}


def _killpg(group: int, number: int) -> None:
    if group <= 1:      # 0 would be our own, 1 that of init
        return
    try:
        os.killpg(group, number)
    except OSError:
        pass    # it is a zombie already, or has another uid: its end or the ladder will tell


def _is_group(group: int) -> bool:
    if group <= 1:
        return False
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass    # there is one, of another uid
    return True


def last(status: int | None) -> str:
    """A wait status as the heart knows it: exit:N, signal:NAME or unknown."""
    if status is None:
        return "unknown"
    if os.WIFEXITED(status):
        return "exit:%d" % os.WEXITSTATUS(status)
    number = os.WTERMSIG(status)
    try:
        return "signal:" + signal.Signals(number).name[3:]
    except ValueError:      # a real-time signal has no name
        return "signal:%d" % number
