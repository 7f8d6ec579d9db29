"""clstat: reads the status file; it asks no daemon (SPEC 9).

What only some of its options need is imported where it is used: scripts call plain `clstat` often.
"""
from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable

from . import asking, cli, errors, paths, statusfile, statusline

USAGE = """clstat: show the state of resource groups.

Usage:
  clstat [options] [-p | -j | -m] [FILE...]
  clstat [options] -w [FILE...]
  clstat -h | --help
  clstat --version

Prints GROUP LEVEL STATE for each group that was told its level; what is asked for is left out.
With several FILEs, of several hosts, the name of the host comes first.

Options:
  -g GROUP            Only this group.
  -l LEVEL            Only groups at this level.
  -p                  The processes, as a table, and why one is not well.
  -j                  All, as JSON: an object for each FILE, in a line of its own.
  -m                  Metrics, for a node exporter's textfile folder.
  -w                  Watch: full screen, what is wrong first, until q.
  -a SECONDS          Older files are pointed out; another host's are stale [default: 60].
  -c CLTAB            The cltab, which may name the status file.
  -h, --help          Show this.
  --version           Show the version.

Exit status: 0 all at rest, 1 a group failed or runs on two hosts, a process is paused, or cltabs differ, 2 usage,
3 in transition or not at LEVEL, 6 the group was not told, 7 no status or a stale one, 8 processes that would not die.
"""
LAST_LINES = 5      # of its output are shown of what has failed

TYPE_CHECKING = False   # for type checkers it is True
if TYPE_CHECKING:
    from . import people


class File:
    """A status file that was read.

    path; head: the line of its daemon, None where there is none; daemon: the pairs of that; lines: all, and
    chosen: those that were asked for, of groups and processes; host: its clinitd's, or else the file's name;
    stale: not to be relied on.
    """
    __slots__ = ("path", "head", "daemon", "lines", "chosen", "host", "stale")

    def __init__(self, path: str, lines: list[statusline.Line], options: cli.Options) -> None:
        self.path = path
        self.head = next((line for line in lines if line.kind == statusline.DAEMON), None)
        self.daemon = self.head.more if self.head else {}
        self.lines = lines
        self.chosen = statusline.select(lines, options["-g"], options["-l"])
        self.host = statusline.plain(self.daemon.get("host") or os.path.basename(path))
        self.stale = False


class Seen:
    """What was seen: files, those that could be read; complaints: what is wrong with them; code: the exit status."""
    __slots__ = ("files", "complaints", "code")

    def __init__(self, files: list[File], complaints: list[str], code: int) -> None:
        self.files = files
        self.complaints = complaints
        self.code = code


def main() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):    # nothing that is shown fails for want of a letter
        sys.stdout.reconfigure(errors="backslashreplace")
    cli.main("clstat", USAGE, run)


def run(options: cli.Options) -> int:
    """Print what the OPTIONS ask for; returns the exit status. Raises Error."""
    cli.number(options["-a"], "-a")
    if options["-m"] and len(options["FILE"]) > 1:
        raise errors.UsageError("-m takes one FILE: the exporter of each host has its own")
    names = options["FILE"] or [paths.for_client(options["-c"]).clstat]
    if options["-w"]:
        from . import screen
        return screen.run(names, options)
    seen = look(names, options, lambda path: statusline.parse(asking.read_status(path)))
    show = as_json if options["-j"] else as_metrics if options["-m"] else as_table if options["-p"] else as_words
    print("".join(row + "\n" for row in show(seen, options)), end="")
    for text in seen.complaints:
        cli.complain("clstat", text)
    return seen.code


# What is there ---------------------------------------------------------------------------------------------

def look(names: list[str], options: cli.Options, read: Callable[[str], list[statusline.Line]]) -> Seen:
    """See what is in the files NAMES, by READ, which raises NoDaemon; all is judged as the OPTIONS ask."""
    files, complaints, codes = [], [], []
    for path in names:
        try:
            files.append(File(path, read(path), options))
        except errors.NoDaemon as error:
            complaints.append(str(error))
            codes.append(errors.NO_DAEMON)
    for file in files:
        codes.append(statusline.verdict(file.chosen)[0])
        file.stale, text = age(file, options)
        if file.stale:
            codes.append(errors.NO_DAEMON)
        complaints += [text] if text else []
    missing = _missing(files, options)
    if len(names) > 1:
        from . import collate
        apart = collate.compare([(file.host, file.stale, file.daemon.get("sum", ""), file.chosen) for file in files])
        complaints += apart
        codes += [errors.FAILED] * bool(apart)
    return Seen(files, missing[1] + complaints, errors.first(codes + missing[0]))


def _missing(files: list[File], options: cli.Options) -> tuple[list[int], list[str]]:
    """The codes and complaints for a group or a level that was asked for and is not there."""
    group, level = options["-g"], options["-l"]
    if group is not None and files and not any(statusline.select(file.lines, group) for file in files):
        return [errors.NO_GROUP], ["no such group, or it has not been told its level: " + group]
    if level is not None and files and not any(file.chosen for file in files):
        return [errors.NOT_YET], []
    return [], []


def age(file: File, options: cli.Options) -> tuple[bool, str]:
    """Whether FILE is stale, and what is to be said of its age, if that is over the seconds of the OPTIONS; or ""."""
    daemon = file.daemon
    pid = statusline.plain(daemon.get("pid", "unknown"))
    if statusfile.is_stale(daemon):
        return True, "%s is stale: clinitd (pid %s) is dead" % (file.path, pid)
    written = statusline.number(daemon, "time")
    seconds = time.time() - written
    if not written or abs(seconds) <= float(options["-a"]):
        return False, ""
    if not foreign(file):
        return False, "%s was written %s: clinitd (pid %s) does not renew it" % (file.path, _ago(seconds), pid)
    return True, "%s is stale: %s has written it %s" % (file.path, file.host, _ago(seconds))


def foreign(file: File) -> bool:
    """Whether FILE is another host's."""
    return file.daemon.get("host", os.uname().nodename) != os.uname().nodename


def _ago(seconds: float) -> str:
    """Seconds as people say them; those ahead are a clock's that is wrong."""
    size, unit = next(((size, unit) for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes"))
                       if abs(seconds) >= 2 * size), (1, "s"))
    return "%d %s %s" % (abs(seconds) // size, unit, "ago" if seconds > 0 else "ahead of our clock")


# How it is shown -------------------------------------------------------------------------------------------

def as_words(seen: Seen, options: cli.Options) -> list[str]:
    """A line for each group, as the original's."""
    label = len(options["FILE"]) > 1
    return [file.host + " " + row if label else row for file in seen.files
            for row in statusline.words(file.lines, options["-g"], options["-l"])]


def as_table(seen: Seen, options: cli.Options) -> list[str]:
    """The processes, and below them the last words of those that failed."""
    from . import people
    found = people_rows(seen, options)
    return [text for text, _ in people.table(found)] + [text for file in seen.files for text in last_words(file)]


def people_rows(seen: Seen, options: cli.Options) -> list[people.Row]:
    """The rows of all files; strays come where neither a group nor a level was asked for."""
    from . import people
    now = int(time.time())
    found = []
    for file in seen.files:
        host = file.host if len(options["FILE"]) > 1 else ""
        found += people.rows(file.chosen, host, lambda since: moment(since, now), now, groups=options["-w"])
        if (options["-g"], options["-l"]) == (None, None):
            found += people.strays(file.daemon, host)
    return found


def last_words(file: File) -> list[str]:
    """The end of the output of what has failed or is paused, where it goes to a file of this host."""
    from . import tail
    rows = []
    for line in file.chosen:
        path = line.more.get("output")
        if line.state in ("FAILED", "PAUSED") and path and not foreign(file):
            try:
                found, why = tail.last_lines(os.path.join(file.daemon.get("cwd", ""), path), LAST_LINES), "it is empty"
            except OSError as error:
                found, why = [], error.strerror or str(error)
            rows += ["", "%s, the end of %s%s" % (line.name, statusline.plain(path), ":" if found else ": " + why)]
            rows += ["    " + text for text in found]
    return rows


def as_json(seen: Seen, options: cli.Options) -> list[str]:
    """An object for each file, in one line."""
    import json
    from . import record
    return [json.dumps({"file": file.path, "host": file.host, "stale": file.stale,
                        **record.record(file.head, file.chosen)}) for file in seen.files]


def as_metrics(seen: Seen, options: cli.Options) -> list[str]:
    """Those of the one file; that it is not there is one, too."""
    from . import metrics
    lines = [line for file in seen.files for line in (file.head, *file.chosen) if line]
    return metrics.metrics(lines, any(not file.stale for file in seen.files), time.time())


def moment(since: int, now: int) -> str:
    """Seconds since 1970 as people read them: the time, within a day of NOW; else the date; 0 is not known."""
    if not since:
        return "-"
    return time.strftime("%H:%M:%S" if abs(now - since) < 86400 else "%Y-%m-%d", time.localtime(since))
