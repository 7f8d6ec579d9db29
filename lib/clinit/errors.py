"""The exit codes, and the exceptions that carry them.

One table for all programs, for the socket's answers and for the API (SPEC 8).
"""
from __future__ import annotations

DONE = 0          # done, or at rest DONE or PASSED
FAILED = 1        # a group is FAILED, or an entry is paused
USAGE = 2         # the command line is wrong
NOT_YET = 3       # in transition, or the time given was not enough
DENIED = 4        # not permitted
TAKEN_OVER = 5    # another command took over
NO_GROUP = 6      # no such group, or not told yet; or a bad cltab
NO_DAEMON = 7     # no clinitd answers, there is no status, or it is stale
STUCK = 8         # processes are left that would not die

#: Of several codes at once the first in this order is the one to exit with.
PRECEDENCE = (USAGE, NO_GROUP, NO_DAEMON, STUCK, FAILED, NOT_YET, DENIED, TAKEN_OVER, DONE)


class Error(Exception):
    """What clinit could not do, in one line for people; `code` is the exit status."""
    code = FAILED


class UsageError(Error):
    code = USAGE


class NotYet(Error):
    code = NOT_YET


class Denied(Error):
    code = DENIED


class TakenOver(Error):
    code = TAKEN_OVER


class NoSuchGroup(Error):
    code = NO_GROUP


class NoDaemon(Error):
    code = NO_DAEMON


class Stuck(Error):
    code = STUCK


class TransitionFailed(Error):
    code = FAILED


class CltabError(Error):
    """A cltab that is not taken; `lines` holds every error as `FILE:LINE: what is wrong`."""
    code = NO_GROUP

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


BY_CODE: dict[int, type[Error]] = {
    kind.code: kind
    for kind in (UsageError, NotYet, Denied, TakenOver, NoSuchGroup, NoDaemon, Stuck, TransitionFailed)}


def by_code(code: int, text: str) -> Error:
    """The exception that carries CODE, saying TEXT."""
    return BY_CODE.get(code, Error)(text)


def first(codes: list[int]) -> int:
    """The exit status for several verdicts at once; DONE for none."""
    return min(codes, key=PRECEDENCE.index, default=DONE)
