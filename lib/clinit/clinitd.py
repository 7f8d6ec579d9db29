"""clinitd: the program (SPEC 7): its command line, and what stands before the first turn of the loop."""
from __future__ import annotations

import os

try:
    import setproctitle     # noqa: F401  whether it is there
except ImportError:     # run() says so, in one line
    setproctitle = None     # type: ignore[assignment]

from . import cli
from . import cltab as tables
from . import cltabfile, errors, handover, paths
from .handover import State

MAX_INHERITED = 1024    # where the system does not list the descriptors those below this are looked for

USAGE = """clinitd: keep the processes of resource groups, as the cltab says. Runs in the foreground.

Usage:
  clinitd [options]
  clinitd [options] -x [GROUP]
  clinitd -h | --help
  clinitd --version

Options:
  -t                  Check the cltab, print every error, and exit: 0 or 6.
  -x                  Where no clinitd runs: stop what one that was killed has left, of GROUP or of all, and exit.
  -c CLTAB            The cltab (default: /etc/cltab, or a user's own).
  -s SOCKET           The socket, where the cltab names none.
  -f CLSTAT           The status file, where the cltab names none.
  -v                  Log every event and action.
  -h, --help          Show this.
  --version           Show the version.

Exit status: 0 halted on request, 1 could not start, 2 usage, 6 bad cltab; -x: 0 all gone, 8 not all;
as PID 1: 1 a group was FAILED when the halt began.
"""


def main() -> None:
    cli.main("clinitd", USAGE, command)


def command(options: cli.Options) -> int:
    """Be clinitd, stop what one has left, or check its cltab, as the OPTIONS say; returns the exit status.

    Raises Error.
    """
    try:
        where = paths.for_daemon(options["-c"], options["-s"], options["-f"])
    except OSError as error:
        raise errors.Error("the current folder: %s" % error.strerror) from None
    if options["-t"]:
        cltabfile.load(where.cltab)
        return errors.DONE
    try:
        state = handover.unpack()
    except (KeyError, ValueError, OSError) as error:
        raise errors.Error("cannot go on from what was handed over: %s" % error) from None
    tidy_descriptors([] if state is None or state["trial"] else handover.descriptors(state))
    return run(where, options["-v"], handover.program(), state, (options["GROUP"] or "") if options["-x"] else None)


def run(where: paths.Paths, verbose: bool = False, argv: list[str] | None = None, state: State | None = None,
        only: str | None = None) -> int:
    """Be clinitd, with the files WHERE; returns the exit status. Raises Error where it could not start.

    argv, state, only: as Daemon takes them.
    """
    if setproctitle is None:
        raise errors.Error("the Python package setproctitle is missing")
    from .supervisor import Daemon
    if state is not None:
        data = state["cltab"].encode("latin-1")
        table = data, tables.parse(data, where.cltab)
    else:
        try:
            table = cltabfile.load(where.cltab)
        except errors.CltabError as error:
            if only is None:
                raise
            for line in error.lines:        # which does not keep back a stop
                cli.complain("clinitd", line)
            table = cltabfile.salvage(where.cltab)
    where.apply(table[1].top)
    if state is not None and state["trial"]:
        return rehearse(table[1], state)
    try:
        daemon = Daemon(where, table, verbose, argv, state, only)
    except OSError as error:
        raise errors.Error("cannot start: %s" % error.strerror) from None
    return daemon.run()


def tidy_descriptors(kept: list[int]) -> None:
    """Let 0, 1 and 2 be open, also in our processes; KEPT be ours alone; and what else was inherited be closed."""
    for one in kept:
        os.set_inheritable(one, False)
    try:
        names = os.listdir("/dev/fd")
    except FileNotFoundError:       # there is no /proc
        names = list(map(str, range(MAX_INHERITED)))
    for name in names:
        if int(name) > 2 and int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:
                pass    # the one that lists the folder
    descriptor = 0
    while descriptor <= 2:
        descriptor = os.open(os.devnull, os.O_RDWR)
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def rehearse(table: tables.Cltab, state: State) -> int:
    """As a trial: go on from STATE as far as that changes nothing in the world; returns the exit status."""
    from . import kernel, statusline
    from .init import Init
    init = Init(table, kernel.epoch())
    init.handle(("restore", statusline.parse(state["status"]), handover.older(state, table)), kernel.clock())
    init.report()
    handover.descriptors(state)
    print(handover.GOOD)
    return errors.DONE
