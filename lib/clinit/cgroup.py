"""Control groups of version 2, cgroups(7), where they are given: one for each job, below our own.

What is born in a group stays in it, whatever it does to its environment, its session and its parents. A process must
be born there: so we go in ourselves, start it, and come back. Where groups are not given, or fail, all goes on
without them: they only make certain what else is most likely.

Ours lie at OWN/clinit-SOCKET/GROUP:TAG.MARK. The mark is what tells whose a group is, wherever it lies: a successor may
have been started elsewhere.
"""
from __future__ import annotations

import os
import re
from collections.abc import Collection

SYSTEMD = "/run/systemd/system"     # where systemd keeps the groups, it says which it has given away


class Cgroups:
    """home: the folder of our own group, "" where groups are not given; mount, root: where the group `root` is mounted.

    groups: {mark: folders} of those that are known of jobs.
    """

    def __init__(self) -> None:
        self.mount = self.root = self.own = self.home = ""
        self.groups: dict[str, tuple[str, ...]] = {}
        self._parents: set[str] = set()     # of all groups that were ever known
        self._way_back = -1                 # while we are in the group of a job
        try:
            self.mount, self.root, self.own = _find()
            self.home = self.own if _is_given(self.own) else ""
        except (AttributeError, LookupError, OSError, ValueError):
            pass

    def enter(self, name: str, mark: str, socket: str) -> None:
        """Go into the group of the job NAME with MARK, if that can be; leave() must follow."""
        if not (self.home and socket):
            return
        folder = os.path.join(_parent(self.home, socket), "%s.%s" % (name, mark))
        way_back = -1
        try:
            way_back = _open(self.own)
            _go_into(folder)
        except OSError:
            if way_back >= 0:
                _close(way_back)
            return
        self._way_back = way_back
        self._learn(mark, folder)

    def leave(self) -> str:
        """Come back; returns why that is not possible. Then no group is entered any more."""
        if self._way_back < 0:
            return ""
        try:
            os.write(self._way_back, b"0")
            return ""
        except OSError as error:
            self.home = ""
            try:
                self.own = self._folder(os.getpid())
            except OSError:
                self.mount = ""     # where we are cannot be told: nobody is to be killed by it
            return error.strerror or str(error)
        finally:
            _close(self._way_back)
            self._way_back = -1

    def mark_of(self, pid: int, marks: Collection[str]) -> str:
        """That one of MARKS in whose group the process PID is, the nearest; "" for none. Raises OSError.

        A group of another user's proves nothing. In our own are also those that could not be put elsewhere.
        """
        folder = self._folder(pid)
        while folder and folder != self.mount and not _is_below(self.own, folder):
            mark = folder.rpartition(".")[2]
            if mark in marks and _is_ours(folder):
                self._learn(mark, folder)
                return mark
            folder = os.path.dirname(folder)
        return ""

    def kill(self, mark: str, others: set[int]) -> None:
        """Kill all in the groups of the job with MARK, unless one of the OTHERS or we ourselves are in there."""
        for folder in self.groups.get(mark, ()) if self.mount else ():
            try:
                if not _is_below(self.own, folder) and others.isdisjoint(_pids(folder)):
                    _write(os.path.join(folder, "cgroup.kill"))
            except OSError:
                pass    # it is gone; or Linux is older than 5.14

    def forget(self, mark: str) -> None:
        """Nobody asks for the job with MARK any more: its groups go, if they are empty."""
        for folder in self.groups.pop(mark, ()):
            _remove(folder)

    def tidy(self, socket: str) -> None:
        """Remove what is empty of all groups that were made by us, or by who was at SOCKET before us."""
        for parent in {*self._parents, *([_parent(self.home, socket)] if self.home else [])}:
            try:
                for folder in _folders(parent):
                    _remove(folder)
                os.rmdir(parent)
            except OSError:
                pass

    def _learn(self, mark: str, folder: str) -> None:
        known = self.groups.get(mark, ())
        if folder not in known:
            self.groups[mark] = (*known, folder)
        self._parents.add(os.path.dirname(folder))

    def _folder(self, pid: int) -> str:
        """The folder of the group that PID is in; "" where there is none, or it cannot be seen. Raises OSError."""
        try:
            return _at(self.mount, self.root, _path(pid)) if self.mount else ""
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            return ""


def _find() -> tuple[str, str, str]:
    """(where groups are mounted, which one is mounted there, the folder of our own). Raises LookupError, OSError."""
    path = _path(os.getpid())
    for line in _read("/proc/self/mountinfo").splitlines():
        mounted, _, source = line.partition(" - ")
        if source.startswith("cgroup2 "):
            root, mount = map(_unescaped, mounted.split()[3:5])
            own = _at(mount, root, path)
            if own and _holds_us(own):
                return mount, root, own
    raise LookupError


def _unescaped(word: str) -> str:
    """A word of mountinfo: proc(5)."""
    return re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), word)


def _holds_us(folder: str) -> bool:
    try:
        return os.getpid() in _pids(folder)
    except OSError:     # something else is mounted over it
        return False


def _path(pid: int) -> str:
    """The path of the group of PID; "" where there is none. Raises OSError."""
    lines = _read("/proc/%d/cgroup" % pid).split("\n")
    return next((line[3:] for line in lines if line.startswith("0::/")), "")


def _at(mount: str, root: str, path: str) -> str:
    """The folder of the group PATH, where ROOT is mounted at MOUNT; "" where it is not below that."""
    root = root.rstrip("/")
    if not path or "/.." in path or not _is_below(path, root):
        return ""
    return (mount + path[len(root):]).rstrip("/")


def _is_below(path: str, top: str) -> bool:
    """Whether PATH is TOP, or below it."""
    return (path + "/").startswith(top + "/")


def _is_given(own: str) -> bool:
    """Whether we may make groups in the folder OWN: by its owner, or by the word of who has all of them."""
    if os.geteuid() != 0:
        return _is_ours(own) and os.access(own, os.W_OK) and os.access(os.path.join(own, "cgroup.procs"), os.W_OK)
    return not os.path.isdir(SYSTEMD) or any(_has(own, name) for name in ("trusted.delegate", "user.delegate"))


def _has(folder: str, name: str) -> bool:
    try:
        return os.getxattr(folder, name) == b"1"
    except OSError:
        return False


def _is_ours(folder: str) -> bool:
    try:
        return os.stat(folder).st_uid == os.geteuid()
    except OSError:
        return False


def _parent(home: str, socket: str) -> str:
    return os.path.join(home, "clinit-" + socket.strip("/").replace("/", "-"))


def _go_into(folder: str) -> None:
    """Move ourselves into the group FOLDER, which is made if need be. Raises OSError."""
    procs = os.path.join(folder, "cgroup.procs")
    try:
        _write(procs, b"0")
    except FileNotFoundError:
        for path in os.path.dirname(folder), folder:
            try:
                os.mkdir(path, 0o755)
            except FileExistsError:
                pass
        _write(procs, b"0")


def _open(folder: str) -> int:
    return os.open(os.path.join(folder, "cgroup.procs"), os.O_WRONLY)


def _close(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        pass


def _write(path: str, text: bytes = b"1") -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text)
    finally:
        os.close(descriptor)


def _read(path: str) -> str:
    with open(path, "rb", buffering=0) as file:
        return os.fsdecode(file.read())


def _pids(folder: str) -> set[int]:
    return set(map(int, _read(os.path.join(folder, "cgroup.procs")).split()))


def _folders(folder: str) -> list[str]:
    with os.scandir(folder) as found:
        return [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]


def _remove(folder: str) -> None:
    """Remove the group FOLDER, and those below it, if nobody is in any of them."""
    try:
        os.rmdir(folder)
    except OSError:
        try:
            if "populated 0" in _read(os.path.join(folder, "cgroup.events")):
                for below in _folders(folder):
                    _remove(below)
                os.rmdir(folder)
        except OSError:
            pass    # another time
