"""What an earlier clinitd left when it was killed (SPEC 5): by its status file, its notes, and the marks in /proc.

Nothing is changed here. The result is the status as it must have been at the moment of its death, for the
heart to be restored from and for the kernel to take the processes over: each line of a process that lives says
its true pid. What has ended since is left in the lines as alive: that it is gone is for the kernel to find.
"""
from __future__ import annotations

import errno
import os
import stat

from . import cltab as tables
from . import lock, members, rules, statusfile, statusline
from .machines import ALIVE, RESTING
from .members import Facts
from .statusline import DAEMON, GROUP, PROCESS, Line


def recover(clstat: str, socket: str, cltab: str, notes: list[list[str]]) -> tuple[list[Line], list[str]]:
    """The lines to go on from, none where there is nothing to take over, and what is to be logged of it.

    clstat, socket, cltab: the paths of this clinitd; notes: as lock.left() gives them. Raises lock.Held where the
    clinitd of the status file lives.
    """
    if not members.sees_proc():
        return [], []       # nobody could be told from a stranger of the same pid
    try:
        lines = believe(clstat, socket)
        said = []
    except ValueError as error:
        lines, said = [], ["%s is not believed: %s" % (clstat, error)] if str(error) else []
    if lines:
        pid = statusline.number(lines[0].more, "pid")
        if members.lives(pid, statusline.number(lines[0].more, "start", digits=15)):
            raise lock.Held(pid)
        leaders = _leaders(socket, cltab)
        _add_notes(lines, [*_with_pids(notes, leaders), *_unnoted(lines, notes, leaders)])
        said += _check(lines)
        how = "by " + clstat
    else:
        lines = _by_marks(_leaders(socket, cltab))
        how = "by the marks of the processes alone"
    alive = [line for line in lines if line.kind == PROCESS and line.more.get("pid")]
    groups = [line for line in lines if line.kind == GROUP]
    if lines:
        said.append("taking over: %s, %s" % (rules.extent(len(groups), len(alive)), how))
    elif said:
        said.append("taking over: nothing is found")
    return lines, said


def to_adopt(line: Line) -> int | None:
    """The pid to adopt for LINE, 0 where that is only what earlier runs have left; None for nothing."""
    if line.kind != PROCESS or not line.more.get("run"):
        return None
    pid = statusline.number(line.more, "pid", digits=9) if line.state in ALIVE else 0
    return pid if pid or line.more.get("mode") == "respawn" else None


# By the status file -----------------------------------------------------------------------------------

def believe(clstat: str, socket: str) -> list[Line]:
    """The lines of the status file CLSTAT of a clinitd at SOCKET.

    Raises ValueError, saying why it is not to be believed; nothing where that needs no word: there is none,
    or the machine, or the container, was booted since.
    """
    try:
        facts, folder = os.lstat(clstat), os.stat(os.path.dirname(clstat))
        if not stat.S_ISREG(facts.st_mode):
            raise ValueError("not a regular file")
        if facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
            raise ValueError("others could have written it")
        if folder.st_uid not in (0, os.geteuid()) or folder.st_mode & 0o022:
            raise ValueError("others can write to its folder")
        text = statusfile.read(clstat)
    except FileNotFoundError:
        raise ValueError from None
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
            raise       # it may be the best there is: who starts us tries again
        raise ValueError(error.strerror) from None
    lines = statusline.parse(text)
    if not lines or lines[0].kind != DAEMON:
        raise ValueError("it has no line of a clinitd")
    more, here = lines[0].more, statusfile.here()
    if not here["boot"] or more.get("boot") != here["boot"] or more.get("pidns") != here["pidns"]:
        raise ValueError
    if more.get("host") != here["host"] or more.get("socket") != socket:
        raise ValueError("it is another clinitd's")
    if more.get("lines") != str(len(lines)) or not text.endswith("\n"):
        raise ValueError("it is not complete")
    if not all(_is_sound(line) for line in lines[1:]) or len({line.name for line in lines}) < len(lines):
        raise ValueError("it is garbled")
    return lines


def _is_sound(line: Line) -> bool:
    names = line.name.split(":")
    levels = [line.level, line.more.get("want", "-"), line.more.get("prev") or "-"]
    return (len(names) == (2 if line.kind == PROCESS else 1) and all(map(tables.is_name, names))
            and all(level == "-" or tables.is_name(level) for level in levels))


def _add_notes(lines: list[Line], notes: list[list[str]]) -> None:
    """Put into LINES what has begun since they were written: for each name its last note, if it is newer."""
    groups = {line.name: line for line in lines if line.kind == GROUP}
    processes = {line.name: line for line in lines if line.kind == PROCESS}
    later: dict[str, list[str]] = {}
    for name, *words in filter(lock.is_note, notes):
        if not _is_sound(Line(PROCESS, name, words[3], "RUNNING", {"prev": words[4]})):
            continue
        if name in processes and processes[name].more.get("run") == words[0]:
            later.pop(name, None)
        else:
            later[name] = words
    for name, (run, mode, checksum, level, previous, pid) in later.items():
        group = name.partition(":")[0]
        if group not in groups:
            groups[group] = Line(GROUP, group, "-", "STARTING", {"want": level, "prev": previous})
            lines.append(groups[group])
        elif level not in (groups[group].more.get("want"), groups[group].level):
            groups[group].state, groups[group].more["want"] = "STARTING", level
        elif groups[group].state in RESTING:        # it may have left that rest, or come to another
            groups[group].state = "STARTING"
        if name not in processes:
            processes[name] = Line(PROCESS, name, level, "RUNNING", {})
            lines.append(processes[name])
        processes[name].state = "RUNNING"
        processes[name].more.update(run=run, pid=pid, start=str(members.start_time(int(pid))), uid="")
        if checksum != "-":
            processes[name].more.update(mode=mode, sum=checksum)


def _check(lines: list[Line]) -> list[str]:
    """See whether what is alive by LINES is what has that pid; returns what is to be logged.

    What is not is dead. Where it cannot be told it is neither taken over nor started again: its group is UNKNOWN.
    """
    said = []
    written = statusline.number(lines[0].more, "ticks", digits=15)
    for line in lines:
        more = line.more
        if line.kind != PROCESS or line.state not in ALIVE or "pid" not in more:
            continue
        if more["pid"] == "0":      # it was about to begin, and none has its mark
            del more["pid"]
            hidden = _hidden(written)
            if hidden:
                said.append("%s: pid %d may be it, or a stranger: not taken over" % (line.name, hidden))
                _doubt(line, lines)
            continue
        if not more.get("run"):
            del more["pid"]         # nothing that we have started is without
            continue
        facts = members.stat(statusline.number(more, "pid"))
        if facts is None or not facts.alive:
            continue        # the kernel will find that it is gone
        mark = members.environment(facts.pid).get("RUN")
        if more.get("start") == "0" and mark == more["run"]:
            more["start"] = str(facts.start)    # when it was written that could not be told
        if str(facts.start) != more.get("start"):
            continue
        if mark not in (None, more.get("run")) or facts.session != facts.pid:
            more["start"] = "0"     # a stranger, whatever the file says
        elif mark is not None:
            more["uid"] = members.uid_of(facts.pid)
        elif members.uid_of(facts.pid) != more.get("uid"):
            said.append("%s: pid %d may be it, or a stranger: not taken over" % (line.name, facts.pid))
            _doubt(line, lines)
    return said


def _doubt(doubtful: Line, lines: list[Line]) -> None:
    """Let the process of the line DOUBTFUL neither be taken over nor be started again."""
    doubtful.state = "IDLE"
    for group in lines:
        if group.kind == GROUP and group.name == statusline.of_group(doubtful):
            group.state, group.level = "UNKNOWN", group.more.get("want", "-")


def _hidden(since: int) -> int:
    """The pid of a session leader that has begun SINCE, in clock ticks, and whose mark cannot be read; 0 for none."""
    return next((facts.pid for facts in members.processes().values()
                 if facts.session == facts.pid and facts.start >= since and facts.alive
                 and members.is_hidden(facts.pid)), 0)


# By the marks alone -------------------------------------------------------------------------------------

Leader = tuple[Facts, "dict[str, str]"]      # a session leader, and what it was told at its start


def _leaders(socket: str, cltab: str) -> list[Leader]:
    """The main processes that run as ourselves and have a mark of ours, as far as marks can tell, oldest first.

    That is, for each mark, the oldest session leader of its last run. Those of our own socket come last.
    """
    best: dict[tuple[str, str], tuple[tuple[bool, int, int], Leader]] = {}
    for facts in members.processes().values():
        if facts.session != facts.pid or not facts.alive or facts.pid == os.getpid():
            continue
        told = members.environment(facts.pid)
        if told.keys() >= {"RUN", "GROUP", "TAG", "LEVEL", "SOCKET"} and _is_ours(facts.pid, told, socket, cltab):
            mark, _, run = told["RUN"].partition(".")
            rank = told["SOCKET"] == socket, int(run) if run.isdecimal() else 0, -facts.start
            key = _name(told), mark
            if key not in best or rank > best[key][0]:
                best[key] = rank, (facts, told)
    return [leader for _, leader in sorted(best.values(), key=lambda found: (found[0][0], found[1][0].start))]


def _name(told: dict[str, str]) -> str:
    return "%s:%s" % (told["GROUP"], told["TAG"])


def _with_pids(notes: list[list[str]], leaders: list[Leader]) -> list[list[str]]:
    """NOTES; those of what was about to begin have the pid of the leader with that mark, if there is one."""
    pids = {told["RUN"]: str(facts.pid) for facts, told in leaders}
    return [[*words[:6], pids.get(words[1], "0")] if lock.is_note(words) and words[6] == "0" else words
            for words in notes]


def _unnoted(lines: list[Line], notes: list[list[str]], leaders: list[Leader]) -> list[list[str]]:
    """Notes for those LEADERS that have begun since LINES were written, and could not note it: the disk was full."""
    written = statusline.number(lines[0].more, "ticks", digits=15)
    known = {line.more.get("run") for line in lines} | {words[1] for words in notes if len(words) > 1}
    found = []
    for facts, told in leaders:
        if facts.start >= written > 0 and told["RUN"] not in known:
            found.append([_name(told), told["RUN"], "-", "-", told["LEVEL"], told.get("PREVLEVEL") or "-",
                          str(facts.pid)])
    return found


def _by_marks(leaders: list[Leader]) -> list[Line]:
    """The lines for what LEADERS are, where there is nothing else to know them by."""
    groups: dict[str, Line] = {}
    processes: dict[str, Line] = {}
    for facts, told in leaders:
        level, group = told["LEVEL"], told["GROUP"]
        groups[group] = Line(GROUP, group, level, "UNKNOWN", {"want": level, "prev": told.get("PREVLEVEL", "")})
        processes[_name(told)] = Line(PROCESS, _name(told), level, "RUNNING", {
            "pid": str(facts.pid), "start": str(facts.start), "run": told["RUN"], "uid": members.uid_of(facts.pid)})
    lines = [*groups.values(), *processes.values()]
    return lines if all(map(_is_sound, lines)) else []


def _is_ours(pid: int, told: dict[str, str], socket: str, cltab: str) -> bool:
    """Whether the process PID, with what it was told at its start, was started by a clinitd that we succeed."""
    try:
        near = os.stat("/proc/%d/ns/pid" % pid).st_ino == os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return False
    return near and members.uid_of(pid) == str(os.geteuid()) and (
        told["SOCKET"] == socket
        or told.get("CLTAB") == cltab and not lock.holder(lock.path_of(told["SOCKET"])))     # it has moved since
