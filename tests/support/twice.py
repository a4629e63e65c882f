"""Cases that go by the clock of a busy machine: one that fails is run once more, and both outcomes are printed."""


def outcome(name, run):
    """(word, lines) that count: those of `run()`, or of its second run."""
    word, lines = run()
    if word != "FAIL":
        return word, lines
    print(f"AGAIN {name}", *(f"  {line}" for line in lines), sep="\n", flush=True)
    return run()
