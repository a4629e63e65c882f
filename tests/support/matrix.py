"""The table of runtimes and versions: what of each the cases have shown."""
COLUMNS = ["frames", "lines", "native", "short"]
WORST = ["PASS", "SKIP", "FAIL"]
SHOWN = {None: "-", "PASS": "yes", "SKIP": "skip", "FAIL": "NO"}


def natural(text):
    return [int(part) if part.isdigit() else 0 for part in text.replace("-", ".").split(".")], text


class Matrix:
    """Filled case by case; a cell is as bad as the worst case that is about it."""

    def __init__(self):
        self.rows = {}

    def add(self, instance, word):
        """What came of a case that SHOWS something of a runtime: PASS, FAIL or SKIP."""
        if not instance.case.shows:
            return
        runtime, *columns = instance.case.shows.split()
        cells = self.rows.setdefault((runtime, instance.version(), getattr(instance, "suite", "host")), {})
        for column in [*columns, "result"]:
            cells[column] = max(cells.get(column, "PASS"), word, key=WORST.index)

    def text(self):
        lines = [("runtime", "version", "where", *COLUMNS, "result")]
        for runtime, version, place in sorted(self.rows, key=lambda row: (row[0], natural(row[1]), row[2])):
            cells = self.rows[runtime, version, place]
            lines.append((runtime, version, place, *(SHOWN[cells.get(column)] for column in COLUMNS), cells["result"]))
        if not self.rows:
            return ""
        widths = [max(map(len, column)) for column in zip(*lines)]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
