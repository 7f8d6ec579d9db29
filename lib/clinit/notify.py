"""What our processes say of themselves, by sd_notify(3): a datagram socket, and who sent what (SPEC 6).

Anybody may write to it, as a service may run as any user; so the kernel tells with each datagram who sent it, and
whose process that is is for the caller to find out. Nothing blocks here; so descriptors that come along are not even
received: to close them may take as long as the sender likes. The caller lets somebody else take such a datagram.
"""
from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable

from .cltab import MAX_SOCKET
from .server import remove_socket

SUFFIX = ".notify"      # its path is that of the socket for commands, and this
MAX_DATAGRAM = 4096     # bytes; sd_notify(3) names no limit, more than this is cut
MAX_WORDS = 200         # characters of a STATUS= that are kept
AT_ONCE = 64            # datagrams a turn
CREDENTIALS = struct.Struct("iII")      # pid, uid, gid: struct ucred, unix(7)

Said = tuple[int, bool, str]    # pid of the sender, whether it says READY=1, its STATUS


def path_of(socket_path: str) -> str:
    """The path for the processes of a clinitd that listens at SOCKET_PATH."""
    return socket_path + SUFFIX


class Notify:
    """Listens at `path`, "" before listen(). There it stays: processes have been told of it."""

    def __init__(self) -> None:
        self.path = ""
        self.stalled = False
        self._socket: socket.socket | None = None

    @property
    def descriptor(self) -> int | None:
        return None if self._socket is None else self._socket.fileno()

    def listen(self, path: str) -> int:
        """Listen at PATH; a socket that lies there is replaced. Returns the descriptor.

        Raises OSError; then all is as it was.
        """
        if len(os.fsencode(path)) > MAX_SOCKET:
            raise OSError(errno.ENAMETOOLONG, "its path is over %d bytes" % MAX_SOCKET)
        new = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            new.setblocking(False)
            new.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            remove_socket(path)
            mask = os.umask(0o111)      # write is what it takes to send
            try:
                new.bind(path)
            finally:
                os.umask(mask)
        except OSError:
            new.close()
            raise
        self.path, self._socket = path, new
        return new.fileno()

    def take_over(self, path: str, descriptor: int | None) -> None:
        """Go on at PATH with the DESCRIPTOR of another Notify; with none it has not listened."""
        if descriptor is not None:
            self.path, self._socket = path, socket.socket(fileno=descriptor)
            self._socket.setblocking(False)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            try:
                remove_socket(self.path)
            except OSError:
                pass    # something else lies there now

    def read(self, take_away: Callable[[socket.socket], bool]) -> list[Said]:
        """What has come. TAKE_AWAY takes the next datagram, with descriptors, from the socket; whether it did.

        One of those a turn; where it is not taken `stalled` is set: there is no sense in reading on at once.
        """
        said: list[Said] = []
        self.stalled = False
        for _ in range(AT_ONCE if self._socket is not None else 0):
            assert self._socket is not None
            try:
                # Looked at with room for the credentials alone: what else is there is neither received nor closed
                data, ancillary, flags, _ = self._socket.recvmsg(
                    MAX_DATAGRAM, socket.CMSG_SPACE(CREDENTIALS.size), socket.MSG_PEEK)
                more = flags & socket.MSG_CTRUNC
                if not more:
                    self._socket.recv(1)
            except OSError:     # no more; or no memory for it
                break
            if more and not take_away(self._socket):    # who sends BARRIER=1 waits for its descriptor to be closed
                self.stalled = True
                break
            sender = _sender(ancillary)
            if sender:
                said.append((sender, *_parse(data)))
            if more:
                break
        return said


def _sender(ancillary: list[tuple[int, int, bytes]]) -> int:
    """The pid in the credentials; 0 for none."""
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS) and len(content) == CREDENTIALS.size:
            return int(CREDENTIALS.unpack(content)[0])
    return 0


def _parse(data: bytes) -> tuple[bool, str]:
    lines = data.decode("utf-8", "replace").split("\n")
    words = [line[len("STATUS="):] for line in lines if line.startswith("STATUS=")]
    text = "".join(char if char.isprintable() else " " for char in words[-1]) if words else ""
    return "READY=1" in lines, text.strip()[:MAX_WORDS]
