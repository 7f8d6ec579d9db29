"""clinit: tells clinitd what to do (SPEC 8)."""
from __future__ import annotations

import os
import sys
import time

from . import asking, cli, errors

USAGE = """clinit: tell clinitd at which runlevel a resource group is to be.

Usage:
  clinit [options] GROUP LEVEL
  clinit [options] LEVEL
  clinit [options] (-k | --halt)
  clinit [options] (-u | --update)
  clinit [options] (-d | --daemon)
  clinit [options]
  clinit -h | --help
  clinit --version

With a LEVEL alone the group is the one that is named as this host.
Without GROUP and LEVEL the cltab is read again and applied.

Options:
  -k, --halt          Halt all groups, then clinitd.
  -u, --update        Replace the running clinitd by the one that is on disk now.
  -d, --daemon        Become clinitd, with the same -c, -s and -f.
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
    if options["--halt"]:
        say(clinitd.shutdown(wait, timeout))
        return errors.DONE
    if options["--update"]:
        say(clinitd.replace(timeout))
        return errors.DONE
    if options["LEVEL"] is None:
        say(clinitd.reread(timeout=timeout))
        group, level = "", ""
    else:
        level = options["LEVEL"]
        group, message = tell(clinitd, options["GROUP"], level, timeout)
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


def tell(clinitd: asking.Client, group: str | None, level: str, timeout: float | None) -> tuple[str, str]:
    """Tell GROUP, or where it is None the one named as this host, whole or up to the first dot, its LEVEL.

    Returns the name of the group and the message.
    """
    if group is not None:
        return group, clinitd.tell(group, level, timeout=timeout)
    host = os.uname().nodename
    try:
        return host, clinitd.tell(host, level, timeout=timeout)
    except errors.NoSuchGroup:
        short = host.partition(".")[0]
        if short == host:
            raise
        return short, clinitd.tell(short, level, timeout=timeout)


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
