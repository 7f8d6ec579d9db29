"""Where the files are: the defaults of root and of an ordinary user (SPEC 7), options, and the cltab's word."""
from __future__ import annotations

import os

from . import cltab as tables

SYSTEM_CLTAB = "/etc/cltab"
SYSTEM_RUN = "/var/run/clinit"


class Paths:
    """cltab; sockets: where clinitd may be, the likeliest first; clstat: its status file."""

    def __init__(self, cltab: str | None, socket: str | None, clstat: str | None, run: str, default: str,
                 top: dict[str, str] | None = None) -> None:
        self.cltab = os.path.abspath(cltab or default)
        self.given = os.path.abspath(socket or os.path.join(run, "clinit.s"))
        self.given_clstat = clstat
        self.apply(peek(self.cltab) if top is None else top)

    def apply(self, top: dict[str, str]) -> None:
        """Let the settings TOP of the cltab override what was given, as in the original."""
        told = top.get("socket")
        self.sockets = [self.given] if told in (None, self.given) else [told or "", self.given]
        self.clstat = top.get("clstat") or os.path.abspath(
            self.given_clstat or os.path.join(os.path.dirname(self.sockets[0]), "clstat"))


def for_daemon(cltab: str | None = None, socket: str | None = None, clstat: str | None = None) -> Paths:
    """The paths of a clinitd that was started with these options; what its cltab says is applied later."""
    root = os.getuid() == 0
    return Paths(cltab or os.environ.get("CLINIT_CLTAB"), socket, clstat,
                 SYSTEM_RUN if root else _own_run(), SYSTEM_CLTAB if root else _own_cltab(), top={})


def for_client(cltab: str | None = None, socket: str | None = None, clstat: str | None = None) -> Paths:
    """The paths for who asks: for an ordinary user their own clinitd's, if they have a cltab, else the system's."""
    cltab = cltab or os.environ.get("CLINIT_CLTAB")
    socket = socket or os.environ.get("CLINIT_SOCKET")
    own = os.getuid() != 0 and cltab != SYSTEM_CLTAB and (cltab is not None or os.path.exists(_own_cltab()))
    return Paths(cltab, socket, clstat, _own_run() if own else SYSTEM_RUN, _own_cltab() if own else SYSTEM_CLTAB)


def peek(cltab: str) -> dict[str, str]:
    """The global settings in the file CLTAB; none where it cannot be read: the daemon may answer all the same."""
    try:
        with open(cltab, "rb", opener=without_waiting) as file:
            return tables.top_settings(file.read(tables.MAX_BYTES) or b"")
    except OSError:
        return {}


def without_waiting(path: str, flags: int) -> int:
    """An opener, for open(), that does not wait for a writer where PATH is a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _own_cltab() -> str:
    return os.path.join(_xdg("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "clinit", "cltab")


def _own_run() -> str:
    runtime = _xdg("XDG_RUNTIME_DIR")
    if runtime:
        return os.path.join(runtime, "clinit")
    return os.path.join(os.path.expanduser("~/.local/state/clinit"), os.uname().nodename)


def _xdg(name: str) -> str:
    """The folder that the variable NAME gives; relative ones count as not set, says the XDG specification."""
    value = os.environ.get(name, "")
    return value if os.path.isabs(value) else ""
