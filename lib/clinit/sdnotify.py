"""What clinitd says to its own service manager, sd_notify(3): systemd, or who does as it does.

It only sends. A manager that is deaf, or gone, neither stops clinitd nor keeps it waiting.
"""
from __future__ import annotations

import os
import socket

MAX_DIGITS = 15     # of a number of microseconds that can be meant
LEAST = 0.05        # seconds: who wants signs of life more often would have nothing but these


def tell(text: str) -> None:
    """Send TEXT, lines of NAME=VALUE, to the manager; nothing where there is none, or it does not hear."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address[0] == "@":       # an abstract one, unix(7)
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(text.encode(), address)
    except OSError:
        pass


def watchdog() -> float | None:
    """Seconds from one sign of life to the next, half of what the manager waits; None where it wants none of us."""
    patience, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not patience.isdecimal() or len(patience) > MAX_DIGITS or pid not in ("", str(os.getpid())):
        return None
    return max(int(patience) / 2e6, LEAST) if int(patience) else None
