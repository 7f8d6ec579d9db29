"""clinit: an application-level init. The front door of the Python API; clinit(3) describes it.

    client = clinit.client()
    client.tell("web", "run", wait=True)
    print(client.status())

What is heavy is imported when it is used.
"""
from __future__ import annotations

from .errors import (CltabError, Denied, Error, NoDaemon, NoSuchGroup, NotYet, Stuck, TakenOver,
                     TransitionFailed, UsageError)

TYPE_CHECKING = False   # for type checkers it is True; typing itself costs too much to import
if TYPE_CHECKING:
    from .asking import Client

__version__ = "0.1.0"
__all__ = ["client", "daemon", "status", "CltabError", "Denied", "Error", "NoDaemon", "NoSuchGroup", "NotYet",
           "Stuck", "TakenOver", "TransitionFailed", "UsageError"]


def daemon(cltab: str | None = None, socket: str | None = None, clstat: str | None = None) -> int:
    """Be clinitd until it is shut down; returns its exit status. Paths as the options -c, -s and -f.

    It forks, and handles signals, and does not undo that: it is for a process of its own, which exits then.
    Raises CltabError, and Error where it could not start.
    """
    from . import clinitd, paths
    return clinitd.run(paths.for_daemon(cltab, socket, clstat))


def client(cltab: str | None = None, socket: str | None = None, clstat: str | None = None) -> Client:
    """Who commands a clinitd and reads its status: see clinit.asking.Client. Paths as the options -c, -s and -f."""
    from . import asking
    return asking.Client(cltab, socket, clstat)


def status(group: str | None = None, level: str | None = None, clstat: str | None = None) -> str:
    """What `clstat` prints, from the status file CLSTAT. Raises NoDaemon where there is none."""
    return client(clstat=clstat).status(group, level)
