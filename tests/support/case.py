"""A scenario case: a few lines of text that say what to run and which stacks must come out (docs/testing.md)."""
import math
import re

from built import RECIPES
from chroot import SUITES
from collapsed import markers, named_share, share, whole_share
from matrix import COLUMNS

# Directives that may stand once with a value, several times with a value, or alone.
SINGLE = {"ABOUT", "NEEDS", "WORKLOAD", "COMMAND", "COMM", "AGENT", "HZ", "SECONDS", "WHOLE", "NAMED", "SAMPLES", "EXIT",
          "MEMORY", "WITHIN", "SUITES", "PACKAGES", "PROGRAM", "SHOWS", "TRUTH", "BUILT"}
REPEATED = {"EXPECT", "REJECT", "SHARE", "REQUIRES", "DUMP"}
ALONE = {"FULL", "ALONE", "LATE", "PYTHONS", "OLD_PYTHONS", "WITH_LOCK", "PRECISE", "ONLY", "NOTHING_LOST", "TABLE"}


TRUTH_POINTS = 2  # beside what chance allows


class CaseError(Exception):
    """A case file that cannot be read; the message names file and line."""


class Share:
    """SHARE regex LOW..HIGH, or SHARE regex PERCENT: within what chance allows for so many samples."""

    def __init__(self, text):
        pattern, _, bounds = text.rpartition(" ")
        self.pattern = re.compile(pattern.strip())
        low, dots, high = bounds.partition("..")
        self.low, self.high = float(low), float(high if dots else low)
        self.exact = not dots

    def check(self, stacks, precise, slow_start=False):
        found = share(stacks, self.pattern)
        low, high = self.low, self.high
        if slow_start:
            low = self.low - 10  # what starts inside the window on an emulated machine spends so much more on starting
        if self.exact:
            p = self.low / 100
            sigma = 100 * math.sqrt(p * (1 - p) / max(1, sum(stacks.values())))
            # A machine that is shared and a window that is short get one point more.
            slack = 3 * sigma + (0.3 if precise else 1.0)
            low, high = self.low - slack, self.high + slack
        if low <= found <= high:
            return None
        return f"{found:.1f} % of samples match {self.pattern.pattern!r}, not {low:.1f}..{high:.1f}"


def check_suites(name, values):
    """SUITES, PACKAGES and PROGRAM belong together; what BUILT says can be built, what SHOWS says is a column of the table."""
    given = [key for key in ("suites", "packages", "program") if values[key]]
    if given and len(given) < 3:
        raise CaseError(f"{name}: SUITES, PACKAGES and PROGRAM go together")
    for suite in (values["suites"] or "").split():
        if suite not in SUITES:
            raise CaseError(f"{name}: no such suite: {suite}")
    for label in (values["built"] or "").split():
        if label not in RECIPES:
            raise CaseError(f"{name}: nothing is built as {label}")
    for column in (values["shows"] or "").split()[1:]:
        if column not in COLUMNS:
            raise CaseError(f"{name}: SHOWS takes a runtime and {', '.join(COLUMNS)}, not {column}")


def truth_faults(stacks, pattern, told):
    """Where the shares of `stacks` differ from what the workload counted of itself: lines "NAME COUNT TOTAL"."""
    total = sum(stacks.values())
    if not told:
        return ["the workload did not tell its own counts"]
    found = []
    for line in told:
        name, count, taken = line.split()
        p = int(count) / int(taken)
        ours = share(stacks, re.compile(pattern.replace("{}", re.escape(name))))
        slack = TRUTH_POINTS + 300 * math.sqrt(p * (1 - p) * (1 / int(taken) + 1 / total))
        if abs(ours - 100 * p) > slack:
            found.append(f"{name} has {ours:.1f} % of the samples, and {100 * p:.1f} % by its own count of {taken}")
    return found


class Case:
    """One case file. Attributes are the directives in lower case; `name` is the file's."""

    def __init__(self, name, text):
        self.name = name
        values = {key.lower(): None for key in SINGLE}
        values.update({key.lower(): [] for key in REPEATED})
        values.update({key.lower(): False for key in ALONE})
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip() or line.startswith("#"):
                continue
            key, _, value = line.strip().partition(" ")
            value = value.strip()
            where = f"{name}:{number}"
            if key in SINGLE and value and values[key.lower()] is None:
                values[key.lower()] = value
            elif key in REPEATED and value:
                values[key.lower()].append(value)
            elif key in ALONE and not value:
                values[key.lower()] = True
            else:
                raise CaseError(f"{where}: cannot make sense of {line.strip()!r}")
        try:
            values["expect"] = [re.compile(pattern) for pattern in values["expect"]]
            values["dump"] = [re.compile(pattern) for pattern in values["dump"]]
            values["reject"] = [re.compile(pattern) for pattern in values["reject"]]
            values["share"] = [Share(text) for text in values["share"]]
        except (re.error, ValueError) as error:
            raise CaseError(f"{name}: {error}") from error
        if values["workload"] is None and values["command"] is None:
            raise CaseError(f"{name}: neither WORKLOAD nor COMMAND")
        check_suites(name, values)
        self.__dict__.update(values)

    def dump_faults(self, text):
        """What a dump of the workload's process does not show; its lines are joined by "~"."""
        lines = text.replace("\n", "~")
        return [f"the dump does not match {pattern.pattern!r}: {lines[:1500]}" for pattern in self.dump if not pattern.search(lines)]

    def faults(self, profile, comm, precise=False, emulated=False, told=()):
        """What is not as this case says, given the profile in which its workload ran as `comm`. An emulated machine's clock
        runs on while it starts a program: shares of what starts inside the window get room for that."""
        stacks = profile.of(comm)
        total = sum(stacks.values())
        wanted = int(self.samples or 20)
        if total < wanted:
            seen = ", ".join(sorted(profile.stacks, key=lambda name: -sum(profile.of(name).values()))[:12])
            return [f"{total} samples of {comm!r}, not {wanted}; there are {seen}"]
        found = [f"no stack matches {pattern.pattern!r}" for pattern in self.expect
                 if not any(pattern.search(stack) for stack in stacks)]
        for pattern in self.reject:
            bad = next((stack for stack in stacks if pattern.search(stack)), None)
            if bad is not None:
                found.append(f"a stack matches {pattern.pattern!r}, which must not be: {bad[:400]}")
        found += filter(None, (one.check(stacks, precise, emulated and self.late) for one in self.share))
        if self.whole is not None and whole_share(stacks) < float(self.whole):
            found.append(f"{whole_share(stacks):.2f} % of samples reach their root, not {self.whole}: {markers(stacks)}")
        if self.named is not None and named_share(stacks) < float(self.named):
            found.append(f"{named_share(stacks):.2f} % of frames have a name, not {self.named}")
        if self.truth:
            found += truth_faults(stacks, self.truth, told)
        if self.only and set(profile.stacks) - {comm}:
            found.append(f"samples of others too: {', '.join(sorted(set(profile.stacks) - {comm}))}")
        if self.nothing_lost and profile.header["data_quality"]["lost"]:
            lost = profile.header["data_quality"]["lost"]
            if (sum(lost.values()) if isinstance(lost, dict) else lost) > 0:
                found.append(f"samples were lost: {lost}")
        return found


def nearest(profile, comm, count=6):
    """The most frequent stacks of `comm`, for people."""
    stacks = profile.of(comm)
    return [f"    {number:>6} {stack if len(stack) < 1500 else stack[:750] + ' … ' + stack[-750:]}"
            for stack, number in stacks.most_common(count)]
