"""What the three programs share: the command line, errors in one line each, exit codes (SPEC 8)."""
from __future__ import annotations

import os
import sys
from collections.abc import Callable

from . import __version__, errors

TYPE_CHECKING = False   # for type checkers it is True; typing itself costs too much to import
if TYPE_CHECKING:
    from typing import Any
    Options = dict[str, Any]    # as docopt gives them: {"-c": ..., "GROUP": ...}
else:
    Options = dict


def main(program: str, usage: str, run: Callable[[Options], int]) -> None:
    """Be PROGRAM: let RUN do what its command line says, by the USAGE text, and exit with what it returns."""
    try:
        code = run(parse(program, usage, sys.argv[1:]))
        if sys.stdout is not None:      # it is None where 1 was closed at the start
            sys.stdout.flush()
    except errors.Error as error:
        complain(program, str(error))
        code = error.code
    except KeyboardInterrupt:
        code = 130      # as a shell says it of SIGINT
    except OSError as error:        # the library has words of its own for its files: it is stdout
        if not isinstance(error, BrokenPipeError):      # of that, whoever read us knows
            complain(program, "cannot write: %s" % error.strerror)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)    # or the interpreter fails once more at its end
        code = errors.FAILED
    except Exception as error:      # a fault of ours, but no traceback for the user
        complain(program, "internal error: %s: %s" % (type(error).__name__, error))
        code = errors.FAILED
    sys.exit(code)


def parse(program: str, usage: str, argv: list[str]) -> Options:
    """The options that ARGV gives, by docopt. Raises UsageError; exits after --help and --version."""
    try:
        import docopt       # type: ignore[import-untyped]
    except ImportError:
        raise errors.Error("the Python package docopt is missing") from None
    try:
        options: Options = docopt.docopt(usage, argv, True, "%s %s" % (program, __version__))
        return options
    except docopt.DocoptExit as error:
        # Its first line says what is wrong; or it is the usage itself, when the words do not go together
        reason = str(error).strip().split("\n")[0]
        if not reason or reason.lower().startswith(("usage", "warning")):
            reason = "wrong usage: %s" % " ".join([program, *argv])
        raise errors.UsageError("%s (see %s -h)" % (reason, program)) from None


def number(text: str | None, option: str) -> float | None:
    """The seconds that OPTION was given as TEXT; None where it was not given. Raises UsageError."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:      # nan fails this too
        raise errors.UsageError("%s: %s is not a number of seconds" % (option, text))
    return seconds


def complain(program: str, text: str) -> None:
    """An error for people: PROGRAM in front of each line of TEXT, on stderr."""
    for line in text.split("\n") if sys.stderr is not None else ():
        print("%s: %s" % (program, line), file=sys.stderr)
