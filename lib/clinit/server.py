"""The socket: lines in, answers out (SPEC 10). What one client does, or does not do, harms only itself.

Nothing blocks here, every buffer has an end, and who is silent is let go.
"""
from __future__ import annotations

import errno
import functools
import os
import socket
import stat
import struct
from collections.abc import Callable

from . import cltab, errors, protocol
from .loop import Loop

IDLE = 10.0             # seconds for a request to be complete, and for an answer to be read
MAX_CLIENTS = 128
TIRED = 1.0             # seconds without accepting, when there was no descriptor for a client
NEW = ".new"            # a new socket is made under this name, then renamed
KEPT = 8                # places of these that are for root and the daemon's own uid
MAX_UNREAD = 1 << 16    # bytes of answers that a client may leave unread and get another
SO_PEERGROUPS = 59      # Linux 4.13; the socket module does not name it
MAX_GROUPS = 256        # of a client; the socket module asks for 1024 bytes at most
ACCEPTS = 32            # new clients a turn

TYPE_CHECKING = False   # for type checkers it is True; typing itself costs too much to import
if TYPE_CHECKING:
    from typing import Any

Handler = Callable[["Client", "tuple[str, ...]"], None]


class Client:
    """One conversation, one request at a time.

    uid, pid: who it is. asking: it is owed an answer; waiting: that is one for a `wait`. notes: lines that
    go before the answer. ended: it is let go once it has read; shut: it has shut its side.
    """

    def __init__(self, connection: socket.socket, uid: int, pid: int) -> None:
        self.connection = connection
        self.uid = uid
        self.pid = pid
        self.received = b""
        self.unsent = b""
        self.asking = False
        self.waiting = False
        self.notes: list[str] = []
        self.ended = False
        self.shut = False
        self.open = True

    def __str__(self) -> str:
        return "uid %d, pid %d" % (self.uid, self.pid)


class Server:
    """Listens at one path at a time. request(client, words) and left(client) are called as they happen.

    operators: the gid whose members may command as well, or None; permit() sets it.
    """

    def __init__(self, loop: Loop, clock: Callable[[], float], request: Handler,
                 left: Callable[[Client], None]) -> None:
        self.loop = loop
        self.clock = clock
        self.request = request
        self.left = left
        self.path = ""
        self.operators: int | None = None
        self.clients: set[Client] = set()
        self._listener: socket.socket | None = None

    def listen(self, path: str) -> None:
        """Listen at PATH, and from then on nowhere else; a socket that lies there already is replaced, at once.

        The caller holds the lock of the path. Raises OSError; then it listens where it did.
        """
        _has_socket(path)       # or nothing: what else may lie there is not ours to replace
        new = path + NEW if len(os.fsencode(path + NEW)) <= cltab.MAX_SOCKET else path
        remove_socket(new)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)
        try:
            listener.bind(new)
            listener.listen(MAX_CLIENTS)
            listener.setblocking(False)
            os.rename(new, path)
        except OSError:
            listener.close()
            raise
        finally:
            os.umask(mask)
        while self._listener is not None and self._accept():
            pass        # who stands at the old door is let in
        self.close(remove=path != self.path)
        self.path = path
        self.permit(self.operators)
        self._listener = listener
        self.loop.readers[listener.fileno()] = self._accept

    def hand_over(self) -> list[dict[str, object]]:
        """The clients, for who goes on with them after an exec: their descriptors and what is under way."""
        return [{"descriptor": client.connection.fileno(), "received": client.received.decode("latin-1"),
                 "unsent": client.unsent.decode("latin-1"), "ended": client.ended, "shut": client.shut}
                for client in self.clients]

    def take_over(self, path: str, listener: int | None, clients: list[dict[str, Any]]) -> dict[int, Client]:
        """Go on where another server left: with the descriptor LISTENER, at PATH, and CLIENTS; returns those.

        Who is owed an answer is to be noted in the clients; then hear() lets them go on.
        """
        self.path = path
        if listener is not None:
            self._listener = socket.socket(fileno=listener)
            self.loop.readers[listener] = self._accept
        found = {}
        for facts in clients:
            connection = socket.socket(fileno=facts["descriptor"])
            connection.setblocking(False)
            client = found[facts["descriptor"]] = Client(connection, *_peer(connection))
            client.received, client.unsent = facts["received"].encode("latin-1"), facts["unsent"].encode("latin-1")
            client.ended, client.shut = facts["ended"], facts["shut"]
            self.clients.add(client)
        return found

    def hear(self, client: Client) -> None:
        """Let CLIENT, which was taken over, go on."""
        if not client.shut:
            self._hear(client)
        if not client.waiting:
            self._arm(client)
        if client.unsent:
            self._write(client)
        self._next(client)

    @property
    def listener(self) -> int | None:
        return self._listener.fileno() if self._listener else None

    def permit(self, operators: int | None) -> None:
        """Let the members of the group OPERATORS command, beside root and our own uid; None: nobody."""
        self.operators = operators
        try:
            if not _has_socket(self.path):      # something else in its place is not ours to change
                return
            if operators is not None:
                os.chown(self.path, -1, operators)
            os.chmod(self.path, 0o600 if operators is None else 0o660)
        except OSError:
            pass    # somebody has removed it; or it is not for us to give: who is let in is asked again below

    def close(self, remove: bool = True) -> None:
        """Listen no more; the clients that are connected stay."""
        if self._listener is not None:
            self.loop.readers.pop(self._listener.fileno(), None)
            self._listener.close()
            self._listener = None
            if remove:
                try:
                    remove_socket(self.path)
                except OSError:
                    pass    # something else lies there now

    # Clients come, speak and go

    def _accept(self) -> bool:
        """Let in who stands at the door; returns whether more may stand there."""
        listener = self._listener
        assert listener is not None
        for _ in range(ACCEPTS):
            try:
                connection, _ = listener.accept()
            except BlockingIOError:     # nobody more
                return False
            except OSError:             # no descriptor, most likely; who waits at the door keeps select awake
                self.loop.readers.pop(listener.fileno(), None)
                self.loop.arm(self, self.clock() + TIRED)
                return False
            connection.setblocking(False)
            client = Client(connection, *_peer(connection))
            master = client.uid in (0, os.getuid())
            places = MAX_CLIENTS if master else MAX_CLIENTS - KEPT
            self.clients.add(client)
            if not master and self.operators not in _peer_groups(connection):
                self._dismiss(client, errors.DENIED, "not permitted to uid %d" % client.uid)
            elif len(self.clients) > places:
                self._dismiss(client, errors.NO_DAEMON, "too many clients: %d" % places)
            else:
                self._hear(client)
                self._arm(client)
        return True

    def _hear(self, client: Client) -> None:
        self.loop.readers[client.connection.fileno()] = functools.partial(self._read, client)

    def rested(self) -> None:
        """Accept again, after a time without descriptors."""
        if self._listener is not None:
            self.loop.readers[self._listener.fileno()] = self._accept

    def _dismiss(self, client: Client, code: int, text: str) -> None:
        client.ended = True
        self.answer(client, protocol.error(code, text))

    def _read(self, client: Client) -> None:
        try:
            data = client.connection.recv(protocol.MAX_REQUEST)
        except BlockingIOError:
            return
        except OSError:
            self._close(client)
            return
        if not data:
            self._end(client)
            return
        client.received += data
        self._next(client)

    def _next(self, client: Client) -> None:
        """Take the next request, if it is there and the one before is answered."""
        if client.asking or client.ended or not client.open:
            if len(client.received) >= protocol.MAX_REQUEST:
                if client.waiting:      # that may take long, and that it goes away could not be seen
                    self._close(client)
                else:                   # it may go on when this one is answered
                    self.loop.readers.pop(client.connection.fileno(), None)
            return
        line, newline, rest = client.received.partition(b"\n")
        if len(line) >= protocol.MAX_REQUEST:
            self._dismiss(client, errors.USAGE, "a request is at most %d bytes" % protocol.MAX_REQUEST)
        elif newline:
            client.received = rest
            self._take(client, line)

    def _take(self, client: Client, line: bytes) -> None:
        try:
            words = protocol.parse(line)
        except ValueError as error:
            self._dismiss(client, errors.USAGE, str(error))
            return
        client.asking = True
        client.waiting = words[0] == "wait"
        if client.waiting:
            if client.shut or len(client.received) >= protocol.MAX_REQUEST:     # it is gone, or could go unseen
                self._close(client)
                return
            self._hear(client)
        self.loop.disarm(client)
        self.request(client, words)

    def _end(self, client: Client) -> None:
        """It has shut its side. Who waits has gone; who asked something else may still read the answers."""
        self.loop.readers.pop(client.connection.fileno(), None)
        client.shut = True
        if client.waiting or not (client.asking or client.unsent):
            self._close(client)

    def answer(self, client: Client, text: str) -> None:
        """Send the answer TEXT; the first part at once, the rest when the client reads."""
        if not client.open:
            return
        client.asking = client.waiting = False
        if len(client.unsent) > MAX_UNREAD:     # of answers before this one
            self._close(client)
            return
        client.unsent += text.encode("utf-8", "surrogateescape") + b"\n"
        self._write(client)
        self._next(client)
        if client.open and not (client.asking or client.ended or client.shut):
            self._hear(client)

    def _write(self, client: Client) -> None:
        try:
            sent = client.connection.send(client.unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close(client)
            return
        client.unsent = client.unsent[sent:]
        descriptor = client.connection.fileno()
        if client.unsent:
            self.loop.writers[descriptor] = functools.partial(self._write, client)
        else:
            self.loop.writers.pop(descriptor, None)
            if client.ended or client.shut and b"\n" not in client.received:
                self._close(client)
                return
        if client.unsent or not client.asking:
            self._arm(client)
        else:
            self.loop.disarm(client)

    def _arm(self, client: Client) -> None:
        self.loop.arm(client, self.clock() + IDLE)

    def expired(self, client: Client) -> None:
        """The deadline of CLIENT is over."""
        if client.unsent:
            self._close(client)
        else:
            self._dismiss(client, errors.USAGE, "no request within %d seconds" % IDLE)

    def _close(self, client: Client) -> None:
        if not client.open:
            return
        client.open = False
        self.clients.discard(client)
        self.loop.disarm(client)
        self.loop.readers.pop(client.connection.fileno(), None)
        self.loop.writers.pop(client.connection.fileno(), None)
        client.connection.close()
        self.left(client)

    def flush(self) -> None:
        """Wait, for the last time, for what clients have not read: 1 s at most, all together."""
        for client in list(self.clients):
            if client.unsent:
                client.connection.settimeout(1.0 / len(self.clients))
                try:
                    client.connection.sendall(client.unsent)
                except OSError:
                    pass
            self._close(client)


def _peer(connection: socket.socket) -> tuple[int, int]:
    """The uid and pid of who is at the other end, unix(7); where that cannot be told, ours: the mode has let it in."""
    try:
        data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    except (OSError, AttributeError):
        return os.getuid(), 0
    pid, uid, _ = struct.unpack("iII", data)
    return uid, pid


def _peer_groups(connection: socket.socket) -> tuple[int, ...]:
    """The gids of who is at the other end, supplementary ones too; none where that cannot be told."""
    try:
        data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[8:]
        data += connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, MAX_GROUPS * 4)
    except (OSError, AttributeError):
        return ()
    return struct.unpack("%dI" % (len(data) // 4), data)


def _has_socket(path: str) -> bool:
    """Whether a socket lies at PATH. Raises OSError, also where it is something else."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "it exists, and is not a socket", path)
    return True


def remove_socket(path: str) -> None:
    """Remove the socket at PATH, if there is one. Raises OSError, also where it is something else."""
    if _has_socket(path):
        os.unlink(path)
