"""Reads a collapsed profile (.col) and answers what tests ask of it."""
import json
import re
from collections import Counter

# Frames with which the walker says that a stack does not reach its root, or did so by a guess (src/profile/quality.cc).
MARKER = re.compile(r"^\[(truncated|no unwind info|guessed|unreadable|no mapping|in exec|process gone|not loaded yet|"
                    r"[^\]]+: not (loaded yet|supported))\]$")
UNNAMED = re.compile(r"^\([^;]*\+0x[0-9a-f]+\)")


class Profile:
    """The lines of one .col: `header` (the JSON of line 1) and `stacks`, comm → Counter of "frame;frame;…"."""

    def __init__(self, text):
        lines = text.split("\n")
        if not lines[0].startswith("# {"):
            raise ValueError("line 1 is no '# {JSON}' header")
        self.header = json.loads(lines[0][2:])
        self.stacks = {}
        for number, line in enumerate(lines[1:], 2):
            if not line:
                continue
            stack, _, count = line.rpartition(" ")
            if not count.isdigit() or int(count) == 0 or stack.count(";") < 3:
                raise ValueError(f"line {number} is not 'IDX;CONTAINER;COMM;frame;… COUNT': {line[:200]!r}")
            _, _, comm, frames = stack.split(";", 3)
            self.stacks.setdefault(comm, Counter())[re.sub(r"^appid: [^;]*;", "", frames)] += int(count)

    def of(self, comm):
        return self.stacks.get(comm, Counter())

    def total(self):
        return sum(sum(stacks.values()) for stacks in self.stacks.values())

    def quality_faults(self):
        """What is wrong with the header's account of samples: the sums every profile has to keep."""
        quality = self.header.get("data_quality")
        if not isinstance(quality, dict):
            return ["the header has no data_quality"]
        try:
            taken, lost = quality["taken"], quality["lost"]
            lost = sum(lost.values()) if isinstance(lost, dict) else lost
            parts = [quality[name] for name in ("whole", "guessed", "truncated", "unwalked")]
        except KeyError as missing:
            return [f"data_quality lacks {missing}"]
        faults = []
        if taken != sum(parts) + lost:
            faults.append(f"taken {taken} is not whole + guessed + truncated + unwalked {sum(parts)} + lost {lost}")
        if self.total() != sum(parts):
            faults.append(f"the lines hold {self.total()} samples, the header reports {sum(parts)}")
        return faults


def share(stacks, pattern):
    """Samples whose stack matches, in percent of all of `stacks`."""
    total = sum(stacks.values())
    matching = sum(count for stack, count in stacks.items() if pattern.search(stack))
    return 100.0 * matching / total if total else 0.0


def whole_share(stacks):
    """Samples whose stack holds no marker frame, in percent."""
    total = sum(stacks.values())
    whole = sum(count for stack, count in stacks.items() if not any(MARKER.match(f) for f in stack.split(";")))
    return 100.0 * whole / total if total else 0.0


def markers(stacks):
    """The marker frames of `stacks` with how often each was there, for people."""
    found = Counter()
    for stack, count in stacks.items():
        for frame in filter(MARKER.match, stack.split(";")):
            found[frame] += count
    return ", ".join(f"{count} {frame}" for frame, count in found.most_common())


def named_share(stacks):
    """Frames that have a name, in percent of all frames that are no markers."""
    frames = named = 0
    for stack, count in stacks.items():
        for frame in stack.split(";"):
            if not MARKER.match(frame):
                frames += count
                named += 0 if UNNAMED.match(frame) else count
    return 100.0 * named / frames if frames else 0.0
