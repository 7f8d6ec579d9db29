"""clstat: reads the status file; it asks no daemon (SPEC 9)."""
from __future__ import annotations

import time

from . import asking, cli, errors, paths, statusfile, statusline

USAGE = """clstat: show the state of resource groups.

Usage:
  clstat [options] [FILE]
  clstat -h | --help
  clstat --version

Prints GROUP LEVEL STATE for each group that was told its level; what is asked for is left out.

Options:
  -g GROUP            Only this group.
  -l LEVEL            Only groups at this level.
  -p                  The processes, as a table.
  -c CLTAB            The cltab, which may name the status file.
  -h, --help          Show this.
  --version           Show the version.

Exit status: 0 all at rest, 1 a group failed or a process is paused, 2 usage, 3 in transition or not at LEVEL,
6 the group was not told, 7 no status or a stale one, 8 processes that would not die.
"""


def main() -> None:
    cli.main("clstat", USAGE, run)


def run(options: cli.Options) -> int:
    """Print what the OPTIONS ask for; returns the exit status. Raises Error."""
    group, level = options["-g"], options["-l"]
    path = options["FILE"] or paths.for_client(options["-c"]).clstat
    lines = statusline.parse(asking.read_status(path))
    chosen = statusline.select(lines, group, level)
    everything = lines if (group, level) == (None, None) else chosen
    rows = statusline.table(everything, moment) if options["-p"] else statusline.words(lines, group, level)
    print("".join(row + "\n" for row in rows), end="")
    codes = [statusline.verdict(chosen)[0]]
    if group is not None and not statusline.select(lines, group):
        cli.complain("clstat", "no such group, or it has not been told its level: " + group)
        codes.append(errors.NO_GROUP)
    elif level is not None and not chosen:
        codes.append(errors.NOT_YET)
    for line in lines:
        if line.kind == statusline.DAEMON and statusfile.is_stale(line.more):
            pid = statusline.plain(line.more.get("pid", "unknown"))
            cli.complain("clstat", "%s is stale: clinitd (pid %s) is dead" % (path, pid))
            codes.append(errors.NO_DAEMON)
    return errors.first(codes)


def moment(since: int) -> str:
    """Seconds since 1970 as people read them; 0 is not known."""
    if not since:
        return "-"
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(since))
