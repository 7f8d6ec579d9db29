"""The ends of processes that are not our children, by event: pidfds in an epoll, pidfd_open(2), epoll(7).

They are those that were taken over (SPEC 5). Their parent reaps them; what their exit status was a pidfd
tells once that is done, where the system is new enough (Linux 6.15).
"""
from __future__ import annotations

import fcntl
import os
import resource
import select
import struct

ABOVE = 1024            # select(2) ends there: the pidfds, of which there may be many, take no number below
GET_INFO = 3 << 30 | 64 << 16 | 0xFF << 8 | 11      # ioctl PIDFD_GET_INFO, on a struct pidfd_info of 64 bytes
INFO = struct.Struct("=QQ11Ii")                     # its first word is a mask, its last one a wait status
INFO_EXIT = 8                                       # in the mask: the wait status is there


class Watch:
    """limits: those on open files that were there before the pidfds needed more, or None."""

    def __init__(self) -> None:
        self.limits: tuple[int, int] | None = None
        self._epoll: select.epoll | None = None
        self._watched: dict[int, tuple[int, float]] = {}    # pidfd: pid, and how long to wait for its status
        self._dead: dict[int, float] = {}                   # those of them that wait to be reaped, until when

    @property
    def descriptor(self) -> int | None:
        """For select: it can be read when somebody ended."""
        return None if self._epoll is None else self._epoll.fileno()

    @property
    def waiting(self) -> bool:
        """Whether ends() is to be asked again soon, without an event."""
        return bool(self._dead)

    def add(self, pid: int, patience: float) -> None:
        """Watch PID; its parent has so many seconds to reap it, which makes its exit status known.

        Raises OSError; AttributeError where there are no pidfds.
        """
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if self.limits is None and soft != hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            self.limits = soft, hard
        if self._epoll is None:
            self._epoll = select.epoll()
        low = os.pidfd_open(pid)
        try:
            pidfd = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, ABOVE)
        finally:
            os.close(low)
        try:
            self._epoll.register(pidfd, select.EPOLLIN)
        except OSError:
            os.close(pidfd)
            raise
        self._watched[pidfd] = pid, patience

    def ends(self, now: float) -> list[tuple[int, int | None]]:
        """(pid, wait status) of those that ended; None for a status that is not to be had."""
        if self._epoll is None:
            return []
        over = [pidfd for pidfd, until in self._dead.items() if until <= now]
        for pidfd, what in self._epoll.poll(0):
            if not what & select.EPOLLHUP and _info(pidfd) is not None:
                self._epoll.modify(pidfd, 0)        # dead; once it is reaped, which is EPOLLHUP, it can be asked
                self._dead[pidfd] = now + self._watched[pidfd][1]
            elif pidfd not in over:
                over.append(pidfd)
        return [self._end(pidfd) for pidfd in over]

    def _end(self, pidfd: int) -> tuple[int, int | None]:
        pid, _ = self._watched.pop(pidfd)
        self._dead.pop(pidfd, None)
        mask, status = _info(pidfd) or (0, 0)
        os.close(pidfd)     # which takes it out of the epoll as well
        return pid, status if mask & INFO_EXIT else None


def _info(pidfd: int) -> tuple[int, int] | None:
    """(mask, wait status) of the process PIDFD; None where the system does not tell."""
    data = bytearray(INFO.size)
    INFO.pack_into(data, 0, 15, *[0] * 13)
    try:
        fcntl.ioctl(pidfd, GET_INFO, data)
    except OSError:
        return None
    fields = INFO.unpack(data)
    return fields[0], fields[-1]
