"""The figures as a table, as ratios with what they are to be, as JSON, and as a picture."""
import json
import math
import os
import platform
import sys
import time
from html import escape
from statistics import median

from measure import FIGURES, SCALE


class Results:
    """samples: {(peer, count of services): {figure: [samples]}}; words: what was skipped, and why."""

    def __init__(self, count):
        self.count = count
        self.samples = {}
        self.words = []

    def add(self, peer, count, found):
        for figure, samples in found.items():
            self.samples.setdefault((peer, count), {}).setdefault(figure, []).extend(samples)

    def get(self, peer, figure, count=None):
        """The median. Raises KeyError where there is none."""
        return median(self.samples[peer, count or self.count][figure])

    def columns(self):
        """The peers, and clinit with other counts, as (peer, count)."""
        return sorted(self.samples, key=lambda key: (key[1] != self.count, key[1]))

    def rows(self):
        return [figure for figure in FIGURES if any(figure in found for found in self.samples.values())]


def machine():
    """In general words, what was measured on."""
    return "%s, %d cores, Linux %s, Python %s" % (
        time.strftime("%Y-%m-%d"), len(os.sched_getaffinity(0)), platform.release().split("-")[0],
        platform.python_version())


def shown(value):
    """VALUE with two digits that count, as people write it."""
    if value == 0:
        return "0"
    return "%.*f" % (max(0, 1 - math.floor(math.log10(abs(value)))), value)


def cell(results, column, figure):
    samples = results.samples[column].get(figure)
    return shown(median(samples) * SCALE[FIGURES[figure][1]]) if samples else ""


def table(results):
    """The lines of the table of the README: a row a figure, a column a peer."""
    columns = results.columns()
    rows = [["n = %d" % results.count,
             *(peer if count == results.count else "%s, n = %d" % (peer, count) for peer, count in columns)]]
    rows.append(["---"] * len(rows[0]))
    for figure in results.rows():
        title, unit = FIGURES[figure]
        rows.append([", ".join(filter(None, [title, unit])), *(cell(results, column, figure) for column in columns)])
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]


# What the figures are to be ------------------------------------------------------------------------------

def over(figure, other="runit"):
    return lambda results: results.get("clinit", figure) / results.get(other, figure)


def of_python(figure):
    return lambda results: results.get("clinit", figure) / results.get("clinit", "python")


def each_up(results):
    many = 10 * results.count
    return results.get("clinit", "up", many) / results.get("clinit", "up") / 10


def each_further(results):
    """Kilobytes."""
    many = 10 * results.count
    return (results.get("clinit", "memory", many) - results.get("clinit", "memory")) / (many - results.count) / 1000


def of_clinit(figure, count=None):
    return lambda results: results.get("clinit", figure, count) * SCALE[FIGURES[figure][1]]


TARGETS = (
    ("all up, of runit's", over("up"), 1.0),
    ("all up, ten times as many: the cost of each, of that before", each_up, 1.3),
    ("one death, of runit's", over("old"), 1.5),
    ("one death, young, of old", lambda results: results.get("clinit", "young") / results.get("clinit", "old"), 1.5),
    ("all killed, of runit's", over("all"), 1.2),
    ("memory, MB", of_clinit("memory"), 14),
    ("memory of each further process, KB", each_further, 2),
    ("memory, ten times as many, MB", lambda results: of_clinit("memory", 10 * results.count)(results), 40),
    ("wake-ups a second, idle", of_clinit("wakeups"), 1 / 20),
    ("CPU a second, idle, ms", of_clinit("cpu"), 0),
    ("clinit GROUP LEVEL, of python3 -c pass", of_python("clinit"), 2.5),
    ("clstat -g GROUP, of python3 -c pass", of_python("clstat"), 2.5),
    ("clstat of all, of python3 -c pass", of_python("clstat all"), 3.5),
    ("stop of all, of runit's", over("stop"), 1.5),
    ("all flap: clinit meanwhile, ms", of_clinit("flap clinit"), 50),
)


def ratios(results):
    """[(what, value, what it is to be at most)] of what was measured."""
    found = []
    for what, value, target in TARGETS:
        try:
            found.append((what, value(results), target))
        except (KeyError, ZeroDivisionError):
            pass
    return found


# On request ----------------------------------------------------------------------------------------------

def write_json(results, path):
    """All samples in seconds, bytes and numbers."""
    with open(path, "w") as file:
        json.dump({
            "machine": machine(), "command": sys.argv, "count": results.count, "skipped": results.words,
            "figures": [{"peer": peer, "count": count, "figure": figure, "median": median(samples), "samples": samples}
                        for (peer, count), found in results.samples.items() for figure, samples in found.items()],
            "ratios": [{"what": what, "value": value, "at most": target} for what, value, target in ratios(results)],
        }, file, indent=1)
        file.write("\n")


BAR, GAP, LEFT, WIDTH = 14, 26, 150, 460     # pixels
COLORS = {"clinit": "#c33"}


def write_svg(results, path):
    """A row of bars for each figure, on a logarithmic scale of its own."""
    parts, y = [], 30
    peers = [peer for peer, count in results.columns() if count == results.count]
    for figure in results.rows():
        values = [(peer, results.get(peer, figure)) for peer in peers
                  if results.samples[peer, results.count].get(figure)]
        if not values:
            continue
        title, unit = FIGURES[figure]
        parts.append('<text x="10" y="%d" font-weight="bold">%s</text>' % (y, escape("%s, %s" % (title, unit or "n"))))
        positive = [value for _, value in values if value > 0]
        least = min(positive, default=1) / 2
        scale = WIDTH / math.log(max(positive, default=1) / least)
        for peer, value in values:
            length = scale * math.log(value / least) if value > 0 else 0
            parts.append('<text x="%d" y="%d" text-anchor="end">%s</text>' % (LEFT - 6, y + BAR + 2, peer))
            parts.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (
                LEFT, y + 4, length, BAR - 2, COLORS.get(peer, "#89a")))
            parts.append('<text x="%.1f" y="%d">%s</text>' % (
                LEFT + length + 5, y + BAR + 2, shown(value * SCALE[unit])))
            y += BAR
        y += GAP
    with open(path, "w") as file:
        file.write(
            '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">\n'
            '<rect width="100%%" height="100%%" fill="white"/>\n<text x="10" y="12">%s</text>\n%s\n</svg>\n' % (
                LEFT + WIDTH + 70, y, escape("n = %d; %s; logarithmic" % (results.count, machine())), "\n".join(parts)))
