"""Becoming the clinitd that is on disk now (`clinit -u`, SPEC 5): what the old one hands to the new one.

exec keeps the pid, the children, and the descriptors that are let through; the state goes through a file in
memory, as JSON, whose descriptor the environment names. A trial child is handed the same, says whether the new
program can do with it, and leaves.
"""
from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

from . import rules
from .cltab import Cltab, Entry
from .kernel import Kernel, clock, last
from .loop import Loop

TYPE_CHECKING = False   # for type checkers it is True; typing itself costs too much to import
if TYPE_CHECKING:
    from typing import Any
    State = dict[str, Any]
else:
    State = dict

VARIABLE = "CLINIT_HANDOVER"
VERSION = 2         # another one where what is handed over has other keys
GOOD = "can go on"      # what a trial says in the end, with exit status 0
TRIAL_PATIENCE = 30.0   # seconds for a trial


def program() -> list[str]:
    """The command line to be executed again: this interpreter, this script, its arguments."""
    return [sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]]


def pack(state: State) -> int:
    """STATE in a file in memory; returns its descriptor. Raises OSError, also where the system has no such files."""
    if not hasattr(os, "memfd_create"):
        raise OSError(errno.ENOSYS, "this system has no memfd_create(2)")
    import json
    data = memoryview(json.dumps({**state, "version": VERSION}).encode())
    descriptor = os.memfd_create("clinitd")
    try:
        while data:
            data = data[os.write(descriptor, data):]
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def environ(descriptor: int) -> dict[bytes, bytes]:
    """The environment for who is handed the state at DESCRIPTOR."""
    return {**os.environb, VARIABLE.encode(): b"%d" % descriptor}


def descriptors(state: State) -> list[int]:
    """Those that STATE is about: they must be let through the exec."""
    sockets = [one for one in (state["listener"], state["notify"][1]) if one is not None]
    return [state["lock"], *sockets, *(client["descriptor"] for client in state["clients"])]


def older(state: State, table: Cltab) -> dict[str, list[Entry]]:
    """The entries of groups that go by an older cltab than TABLE: by name, with the settings of now."""
    found: dict[str, list[Entry]] = {}
    for group, rows in state["older"].items():
        found[group] = [Entry(group, *row) for row in rows]
        for entry in found[group]:
            entry.settings = table.settings_of(group, entry.tag)
    return found


def unpack() -> State | None:
    """What we were handed, if anything. Raises ValueError and OSError where it is not to be read."""
    descriptor = os.environ.pop(VARIABLE, None)
    if descriptor is None:
        return None
    import json
    state: State = json.loads(os.pread(int(descriptor), os.fstat(int(descriptor)).st_size, 0))
    if state["version"] != VERSION:
        raise ValueError("version %s of the state is not known here" % state["version"])
    if int(descriptor) > 2:
        os.close(int(descriptor))
    return state


class Succession:
    """The way to the next clinitd: a trial of it, then the exec in our place.

    argv: how to execute it, None where that cannot be; state(): what is to be handed over; failed(why) is called
    when it comes to nothing. due: the trial was good, become() is to be called as soon as all that has come is done.
    """

    def __init__(self, kernel: Kernel, loop: Loop, argv: list[str] | None, state: Callable[[], State],
                 failed: Callable[[str], None]) -> None:
        self.kernel = kernel
        self.loop = loop
        self.argv = argv
        self.state = state
        self.failed = failed
        self.due = False
        self._trial = 0     # its pid
        self._said = -1     # the pipe that it complains to

    def begin(self) -> None:
        """Try the new one out, if that is not under way."""
        if self.argv is None:
            self.failed("it was not started as the program clinitd")
        elif not self.kernel.members.sighted:
            self.failed("without /proc the new one could not tell what lives")
        elif not self._trial:
            try:
                self._try(self.argv)
            except Exception as error:      # it may be a fault of ours that it is begun for
                self.failed(getattr(error, "strerror", None) or str(error))

    def _try(self, argv: list[str]) -> None:
        reader, writer = os.pipe()
        opened = [writer]
        try:
            opened.append(pack({**self.state(), "trial": True}))
            os.set_blocking(reader, False)
            words = [os.fsencode(word) for word in argv]
            self._trial = self.kernel.help(words, environ(0), opened[1], writer, self._tried)
            self._said = reader
            self.loop.arm(self, clock() + TRIAL_PATIENCE)
        finally:
            for one in opened if self._trial else [reader, *opened]:
                os.close(one)

    def give_up(self) -> None:
        """End the trial, if there is one: it has had its time, or nobody is to be succeeded any more."""
        if self._trial:
            self.kernel.end_helper(self._trial)

    def _tried(self, status: int) -> None:
        """The trial has ended."""
        self._trial = 0
        self.loop.disarm(self)
        with open(self._said, "rb", buffering=0) as file:
            said = (file.read() or b"").decode("utf-8", "replace").strip().split("\n")[-1]
        self.due = status == 0 and said == GOOD
        if not self.due:
            self.failed("the new one does not load: %s" % (said or rules.describe(last(status))))

    def become(self) -> None:
        """Execute the new one in our place. It returns only where that fails."""
        assert self.argv is not None
        self.due = False
        state = self.state()
        kept = descriptors(state)
        # What comes between here and the handlers of the new one is to wait, not to be lost nor to kill
        self.loop.hold_signals()
        try:
            kept.append(pack(state))
            for one in kept:
                os.set_inheritable(one, True)
            os.execve(self.argv[0], self.argv, environ(kept[-1]))
        except Exception as error:      # whatever it is, the old one goes on, and hears its signals
            for one in kept:
                os.set_inheritable(one, False)
            if len(kept) > len(descriptors(state)):
                os.close(kept[-1])
            self.loop.release_signals()
            self.failed(getattr(error, "strerror", None) or str(error))
