"""The status files of several hosts, seen together: what is wrong although each by itself is well (SPEC 9). No I/O."""
from __future__ import annotations

from .machines import STOPPABLE
from .statusline import GROUP, PROCESS, Line, of_group, plain

Node = tuple[str, bool, str, list[Line]]    # host; whether its file is stale; its cltab's checksum; its lines


def compare(nodes: list[Node]) -> list[str]:
    """In words, what of the NODES does not go together: groups on several hosts, then cltabs that differ."""
    return _twice(nodes) + _different(nodes)


def _twice(nodes: list[Node]) -> list[str]:
    places: dict[str, dict[str, str]] = {}      # {group: {host: level}}
    for host, stale, _, lines in nodes:
        levels = {line.name: line.level for line in lines if line.kind == GROUP}
        for group in {of_group(line) for line in lines if _occupies(line)}:
            places.setdefault(group, {})[host] = levels.get(group, "-") + ", by a stale file" * stale
    return ["group %s runs on %d hosts: %s" % (
                group, len(hosts), ", ".join("%s (%s)" % place for place in hosts.items()))
            for group, hosts in sorted(places.items()) if len(hosts) > 1]


def _occupies(line: Line) -> bool:
    """Whether LINE says that its group has something on this host: a process, or what one has done."""
    if line.kind == GROUP:
        return line.more.get("up", "0/0").partition("/")[0] != "0"
    return line.kind == PROCESS and line.state in STOPPABLE


def _different(nodes: list[Node]) -> list[str]:
    hosts: dict[str, list[str]] = {}            # those that have the cltab of a checksum
    for host, _, checksum, _ in nodes:
        if checksum:
            hosts.setdefault(plain(checksum), []).append(host)
    sums = sorted(hosts, key=lambda sum: -len(hosts[sum]))      # what most have comes first
    return ["the cltab of %s (%s) differs from that of %s (%s)" % (
                _names(hosts[sum]), sum, _names(hosts[sums[0]]), sums[0]) for sum in sums[1:]]


def _names(hosts: list[str]) -> str:
    return ", ".join(hosts) if len(hosts) <= 5 else "%s and %d others" % (", ".join(hosts[:3]), len(hosts) - 3)
