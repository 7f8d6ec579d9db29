"""clinit: tells clinitd what to do (SPEC 8)."""
from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from . import asking, cli, errors

TYPE_CHECKING = False   # for type checkers it is True; typing itself costs too much to import
if TYPE_CHECKING:
    from typing import TypeVar
    Answer = TypeVar("Answer")

USAGE = """clinit: tell clinitd at which runlevel a resource group is to be.

Usage:
  clinit [options] GROUP LEVEL
  clinit [options] LEVEL
  clinit [options] -k
  clinit [options] -r NAME
  clinit [options] -S SIGNAL NAME
  clinit [options] -u
  clinit [options] -d
  clinit [options]
  clinit -h | --help
  clinit --version

With a LEVEL alone the group is the one that is named as this host.
Without GROUP and LEVEL the cltab is read again and applied.
A NAME is GROUP:TAG; for a signal GROUP, too.

Options:
  -k, --halt          Halt all groups, then clinitd.
  -r NAME, --restart NAME         Stop one process, and start it again.
  -S SIGNAL, --signal SIGNAL      Send a signal to the main processes of a group, or to one.
  -u, --update        Replace the running clinitd by the one that is on disk now.
  -d, --daemon        Become clinitd, with the same -c, -s and -f.
  -n, --dry-run       Do nothing; print what the same call would do with each process.
  -w, --wait          Wait until it is so, and say how it went.
  -t SECONDS          Wait, but so long at most.
  -v, --verbose       Print the status after it, as clstat does.
  -c CLTAB            The cltab (default: /etc/cltab, or a user's own).
  -s SOCKET           The socket of clinitd, where the cltab names none.
  -f CLSTAT           The status file, where the cltab names none.
  -h, --help          Show this.
  --version           Show the version.

Exit status: 0 done, 1 failed, 2 usage, 3 not yet, 4 not permitted, 5 taken over,
6 no such group or bad cltab, 7 no clinitd, 8 processes that would not die.
"""


def main() -> None:
    cli.main("clinit", USAGE, run)


def run(options: cli.Options) -> int:
    """Do what the OPTIONS say; returns the exit status. Raises Error."""
    if options["--daemon"]:
        become_daemon(options)
    timeout = cli.number(options["-t"], "-t")
    clinitd = asking.Client(options["-c"], options["-s"], options["-f"])
    try:
        return command(clinitd, options, timeout)
    finally:
        for line in clinitd.warnings:
            cli.complain("clinit", line)


def command(clinitd: asking.Client, options: cli.Options, timeout: float | None) -> int:
    wait = options["--wait"] or timeout is not None
    began = time.monotonic()
    if options["--dry-run"]:
        say(plan(clinitd, options, timeout))
        return errors.DONE
    signal, name = options["--signal"], options["--restart"]
    if signal is not None:
        say(clinitd.signal(signal, options["NAME"], timeout))
        return errors.DONE
    if options["--halt"]:
        say(clinitd.shutdown(wait, timeout))
        return errors.DONE
    if options["--update"]:
        say(clinitd.replace(timeout))
        return errors.DONE
    group = level = ""
    if name is not None:
        say(clinitd.restart(name, timeout=timeout))
        group = name.partition(":")[0]
    elif options["LEVEL"] is None:
        say(clinitd.reread(timeout=timeout))
    else:
        level = options["LEVEL"]
        group, message = for_group(
            options["GROUP"], lambda name: (name, clinitd.tell(name, level, timeout=timeout)))
        say(message)
    code = errors.DONE
    if wait:
        left = None if timeout is None else max(0.0, began + timeout - time.monotonic())
        try:
            say(clinitd.wait(group, level, left))
        except errors.Error as error:
            cli.complain("clinit", str(error))
            code = error.code
    if options["--verbose"]:
        sys.stdout.write(clinitd.status())
    return code


def plan(clinitd: asking.Client, options: cli.Options, timeout: float | None) -> str:
    """What the call without -n would do."""
    level = options["LEVEL"]
    if options["--restart"] or options["--signal"] or options["--update"]:
        raise errors.UsageError("-n goes with a level, with -k, or alone")
    if options["--halt"] or level is None:
        return clinitd.plan(halt=options["--halt"], timeout=timeout)
    return for_group(options["GROUP"], lambda name: clinitd.plan(name, level, timeout=timeout))


def for_group(group: str | None, ask: Callable[[str], Answer]) -> Answer:
    """The answer to ASK about GROUP; where it is None about the one named as this host, whole or to the first dot."""
    if group is not None:
        return ask(group)
    host = os.uname().nodename
    try:
        return ask(host)
    except errors.NoSuchGroup:
        short = host.partition(".")[0]
        if short == host:
            raise
        return ask(short)


def become_daemon(options: cli.Options) -> None:
    """Execute the clinitd that lies beside this program, or the one in PATH."""
    beside = os.path.join(os.path.dirname(os.path.realpath(sys.argv[0])), "clinitd")
    args = ["clinitd"]
    for option in ("-c", "-s", "-f"):
        if options[option] is not None:
            args += [option, options[option]]
    try:
        if os.access(beside, os.X_OK):
            os.execv(beside, args)
        os.execvp("clinitd", args)
    except OSError as error:
        raise errors.Error("cannot execute clinitd: %s" % error.strerror) from None


def say(text: str) -> None:
    if text:
        print(text, flush=True)
