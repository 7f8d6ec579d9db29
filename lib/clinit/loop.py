"""The loop's parts: select, the self-pipe that signals wake it by, and the timers.

It knows descriptors and deadlines, not what they are for; the clock is the kernel's.
"""
from __future__ import annotations

import heapq
import os
import select
import signal
from collections.abc import Callable

WAITING_LIMIT = 3600.0      # select's timeout where no timer is armed, in seconds


class Loop:
    """readers, writers: {descriptor: function without arguments}, called when select reports it."""

    def __init__(self) -> None:
        self.readers: dict[int, Callable[[], object]] = {}
        self.writers: dict[int, Callable[[], object]] = {}
        self.flags: set[int] = set()
        self._caught: list[int] = []
        self._heap: list[tuple[float, int, object]] = []
        self._armed: dict[object, tuple[float, int]] = {}
        self._serial = 0
        self._pipe, self._wakeup = os.pipe()
        os.set_blocking(self._pipe, False)
        os.set_blocking(self._wakeup, False)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)

    # Signals

    def catch(self, numbers: list[int], flagged: list[int]) -> None:
        """Let the signals NUMBERS and FLAGGED wake the loop; the latter are noted in `flags` as well.

        The flag is set by the handler, since a full self-pipe drops bytes.
        """
        for number in numbers:
            signal.signal(number, _nothing)
        for number in flagged:
            signal.signal(number, self._flag)
        self._caught = [*numbers, *flagged]
        self.release_signals()      # whoever started us may have blocked them

    def hold_signals(self) -> None:
        """Let the caught signals wait, those too that have come and are not taken yet."""
        signal.pthread_sigmask(signal.SIG_BLOCK, self._caught)
        for number in self.take_flags():
            os.kill(os.getpid(), number)

    def release_signals(self) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._caught)

    def _flag(self, number: int, frame: object) -> None:
        self.flags.add(number)

    def take_flags(self) -> set[int]:
        """The flagged signals that came since the last call."""
        taken = set()
        while self.flags:       # pop is atomic, against a handler that adds
            taken.add(self.flags.pop())
        return taken

    # Timers

    def arm(self, key: object, deadline: float) -> None:
        """Let KEY be due at DEADLINE; an earlier deadline of the same key is forgotten."""
        self._serial += 1
        self._armed[key] = deadline, self._serial
        heapq.heappush(self._heap, (deadline, self._serial, key))

    def disarm(self, key: object) -> None:
        self._armed.pop(key, None)

    def due(self, now: float) -> object:
        """One key whose deadline is over, disarmed; None when there is none."""
        key = self._next()
        if key is None or self._armed[key][0] > now:
            return None
        del self._armed[key]
        return key

    def timeout(self, now: float) -> float:
        """Seconds until the next deadline."""
        key = self._next()
        return WAITING_LIMIT if key is None else max(0.0, self._armed[key][0] - now)

    def _next(self) -> object:
        while self._heap:
            deadline, serial, key = self._heap[0]
            if self._armed.get(key) == (deadline, serial):
                return key
            heapq.heappop(self._heap)
        return None

    # Waiting

    def wait(self, timeout: float) -> list[Callable[[], object]]:
        """Wait until something can be read or written, a signal came, or TIMEOUT seconds are over.

        Returns the functions to call.
        """
        readable, writable, _ = select.select(
            [self._pipe, *self.readers], list(self.writers), [], min(timeout, WAITING_LIMIT))
        if self._pipe in readable:
            readable.remove(self._pipe)
            self._drain()
        return [self.readers[one] for one in readable] + [self.writers[one] for one in writable]

    def _drain(self) -> None:
        try:
            while os.read(self._pipe, 4096):
                pass
        except BlockingIOError:
            pass


def can_write(descriptor: int) -> bool:
    """Whether a line written to DESCRIPTOR now would not block."""
    return bool(select.select([], [descriptor], [], 0)[1])


def _nothing(number: int, frame: object) -> None:
    """A handler that only lets the self-pipe be written: SIG_DFL and SIG_IGN would not."""
