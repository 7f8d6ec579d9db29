"""Becoming the clinitd that is on disk now (`clinit -u`): what the old one hands to the new one, in the same process.

exec keeps the pid, the children, and the descriptors that are let through; the state goes through a file in
memory, as JSON, whose descriptor the environment names. A trial child is handed the same, says by its exit
status whether the new program can do with it, and leaves.
"""
from __future__ import annotations

import os
import sys

TYPE_CHECKING = False   # for type checkers it is True; typing itself costs too much to import
if TYPE_CHECKING:
    from typing import Any
    State = dict[str, Any]
else:
    State = dict

VARIABLE = "CLINIT_HANDOVER"
VERSION = 1
TRIAL_PATIENCE = 30.0   # seconds for a trial


def program() -> list[str]:
    """The command line to be executed again: this interpreter, this script, its arguments."""
    return [sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]]


def pack(state: State) -> int:
    """STATE in a file in memory; returns its descriptor. Raises OSError; AttributeError where that cannot be."""
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
    listener = [] if state["listener"] is None else [state["listener"]]
    return [state["lock"], *listener, *(client["descriptor"] for client in state["clients"])]


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
