#!/usr/bin/env python3
"""The flame graph page in a real browser: headless Chromium, driven as a person would, offline.

Usage: run.py GP_MAKE_EXAMPLE [--only REGEX]      (exit code 77: no browser here)
Each check prints ok or FAILED. Times are printed for information; none is checked.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden"))
from read_back import collapsed_stacks, own_top  # noqa: E402
from webdriver import Browser, missing  # noqa: E402

SKIP = 77
READY = "document.documentElement.dataset.ready === 'true'"
# Nothing moves any more: the end of a zoom scrolls, even one that changes no range.
STILL = "gprofiler.graph.frame === 0 && gprofiler.graph.range.every((edge, i) => Math.abs(edge - gprofiler.graph.rangeOf(gprofiler.graph.zoom)[i]) < 1e-6)"
# The node of the frame with a text, in the tree that is shown, and where its middle is in the window.
NODE = "[...Array(gprofiler.tree.size).keys()].find((n) => gprofiler.profile.entities[gprofiler.tree.entity[n]].text === a[0])"
MIDDLE = """(() => { const g = gprofiler.graph, node = %s, tree = g.tree;
  g.reveal(tree, node); g.draw();
  const box = g.boxOf({tree, node}), at = g.canvas.getBoundingClientRect();
  return [at.left + (box.left + box.right) / 2, at.top + box.top + 10]; })()""" % NODE
ROWS = "[...document.querySelectorAll('#functions .row .name')].map((name) => name.textContent)"
CRUMBS = "[...document.querySelectorAll('#crumbs button')].map((button) => button.textContent)"
TEXT = "document.getElementById(a[0]).textContent"
# Kinds of frames in the tree that is shown.
KINDS_SHOWN = "[...new Set(Array.from(gprofiler.tree.entity.slice(0, gprofiler.tree.size), (e) => KINDS_OF[gprofiler.profile.entities[e].kind]))]" \
    .replace("KINDS_OF", "['native', 'kernel', 'python', 'jit', 'ruby', 'php', 'perl', 'lua', 'marker', 'group']")

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


class Page:
    """A browser with one made-up profile open, and small words for what the checks do with it."""

    def __init__(self, browser, files, what="example"):
        self.browser, self.files = browser, files
        self.what = what
        browser.open(files.page(what))
        browser.wait(READY)

    def run(self, script, *arguments):
        return self.browser.run(script, *arguments)

    def click_frame(self, text):
        self.browser.wait(STILL)
        self.browser.point(*self.run(MIDDLE, text), click=True)
        self.browser.wait(STILL)

    def expect(self, script, wanted, *arguments):
        got = self.run(script, *arguments)
        assert got == wanted, f"{script} is {got!r}, not {wanted!r}"

    def search(self, text):
        self.browser.key("/")
        self.run("document.getElementById('search').select()")
        self.browser.type(text)


class Files:
    """The pages under test, made when first asked for."""

    def __init__(self, tool, folder):
        self.tool, self.folder = tool, folder

    def make(self, form, what):
        return subprocess.run([self.tool, form, what], stdout=subprocess.PIPE, check=True).stdout

    def page(self, what):
        path = f"{self.folder}/{what}.html"
        if not os.path.exists(path):
            with open(path, "wb") as file:
                file.write(self.make("html", what))
        return path


@check
def loads_from_one_file(browser, files):
    page = Page(browser, files)
    page.run("gprofiler.rebuild({group: 'thread'})")
    others = [address for address in browser.requests() if not address.startswith((f"file://{files.folder}/", "data:"))]
    assert not others, f"asked for {others}"
    page.expect("document.title", "web-7.example.net · 2026-08-05 10:15:30 · gprofiler")
    page.expect("document.scripts.length", 2)
    assert "145" in page.run(TEXT, "figures") and "99 Hz" in page.run(TEXT, "figures")


@check
def shows_the_figures_of_the_collapsed_file(browser, files):
    for what in ("example", "2000"):
        page = Page(browser, files, what)
        rows = page.run("gprofiler.table.all.map(({symbol, self, total}) => [gprofiler.profile.entities[symbol], self, total])")
        suffix = {1: "_[k]", 2: "_[p]"}
        shown = {}  # by name: the page tells functions of different files apart
        for entity, own, total in rows:
            name = (entity["name"] + suffix.get(entity["kind"], "")).replace(";", "|")
            before = shown.get(name, (0, 0))
            shown[name] = (before[0] + own, before[1] + total)
        _, stacks = collapsed_stacks(files.make("collapsed", what))
        assert shown == own_top(stacks), set(shown.items()) ^ set(own_top(stacks).items())


@check
def draws_frames_in_their_colours(browser, files):
    page = Page(browser, files)
    # Aside from the middle, where the name stands.
    points = []
    for text, aside in (("Loop::run()", 100), ("do_syscall_64", 20), ("lister.Burner.burn (lister.py:16)", 100), ("server", 150)):
        x, y = page.run(MIDDLE, text)
        points.append([x + aside, y - 7])
    colours = page.run("""(() => { const g = gprofiler.graph, s = devicePixelRatio, at = g.canvas.getBoundingClientRect();
      const image = g.context.getImageData(0, 0, g.canvas.width, g.canvas.height);
      return a[0].map(([x, y]) => { const from = 4 * (Math.round((y - at.top) * s) * image.width + Math.round((x - at.left) * s));
        return [...image.data.slice(from, from + 4)]; }); })()""", points)
    assert all(alpha == 255 for _, _, _, alpha in colours), f"something is not drawn: {colours}"
    assert len({tuple(colour) for colour in colours}) == 4, f"kinds share a colour: {colours}"


@check
def tells_about_the_frame_under_the_pointer(browser, files):
    page = Page(browser, files)
    browser.point(*page.run(MIDDLE, "Loop::run()"))
    browser.wait("!document.getElementById('tip').hidden")
    tip = page.run(TEXT, "tip")
    for part in ("Loop::run()", "native", "server", "src/loop.cc:40", "49.7 %", "72", "27.6 %", "40"):
        assert part in tip, f"{part!r} is not in {tip!r}"


@check
def zooms(browser, files):
    page = Page(browser, files)
    page.click_frame("lister.Burner.burn (lister.py:16)")
    page.expect(CRUMBS, ["all", "python3", "Py_RunMain", "lister.<module> (lister.py:38)", "lister.Burner.burn (lister.py:16)"])
    page.expect("gprofiler.graph.range[1] - gprofiler.graph.range[0]", 47)
    page.expect(ROWS, ["lister.Burner.burn"])
    browser.key("Escape")
    browser.wait(STILL)
    page.expect(f"{CRUMBS}.length", 4)
    browser.key("0")
    browser.wait(STILL)
    page.expect("gprofiler.graph.range", [0, 145])
    page.click_frame("server")
    browser.click("#crumbs li:first-child button")
    browser.wait(STILL)
    page.expect("gprofiler.graph.range", [0, 145])
    page.click_frame("python3")
    browser.click("#reset")
    browser.wait(STILL)
    page.expect("gprofiler.graph.range", [0, 145])


@check
def searches(browser, files):
    page = Page(browser, files)
    page.search(r"^lister\.B")
    page.expect(TEXT, "32.4 % matched", "matched")
    page.expect(ROWS, ["lister.Burner.burn"])
    browser.key("Enter")
    page.expect("gprofiler.profile.entities[gprofiler.tree.entity[gprofiler.graph.current.node]].name", "lister.Burner.burn")
    page.search("_\\[k\\]")
    page.expect(TEXT, "7.6 % matched", "matched")
    page.search("next(")  # no regular expression
    page.expect(ROWS, ["Queue<int>::next()"])
    page.search("libcrypto")  # a module
    page.expect(TEXT, "4.1 % matched", "matched")
    page.search("no such thing")
    page.expect(TEXT, "no match", "matched")
    page.expect("document.querySelector('#panel-functions .nothing').textContent", "No function matches “no such thing”.")
    browser.key("Escape")
    page.expect(TEXT, "", "matched")
    page.expect("gprofiler.graph.lit", None)


@check
def filters_by_process_and_thread(browser, files):
    page = Page(browser, files)
    browser.key("2")
    names = page.run("[...document.querySelectorAll('#processes .row')].map((row) => row.textContent)")
    assert len(names) == 4 and "server" in names[0] and "4711" in names[0], names
    browser.click("#processes .row:nth-child(1) .label")
    page.expect("gprofiler.tree.total[0]", 78)
    page.expect(TEXT, "1", "filter-count")
    browser.click("#processes .row:nth-child(2) .label")
    page.expect("gprofiler.tree.total[0]", 123)
    browser.click("#processes .row:nth-child(2) .label")
    browser.click("#processes .row:nth-child(1) .twist")
    browser.click("#processes .row:nth-child(3) .label")  # the lighter of its two threads
    page.expect("gprofiler.tree.total[0]", 57)
    browser.click("#panel-processes .plain")
    page.expect("gprofiler.tree.total[0]", 145)
    browser.click("#panel-processes input")
    browser.type("902")
    page.expect("document.querySelectorAll('#processes .row').length", 1)


@check
def leaves_out_kinds(browser, files):
    page = Page(browser, files)
    page.expect(f"{KINDS_SHOWN}.includes('kernel')", True)
    browser.click(".kind:nth-child(2)")
    page.expect(f"{KINDS_SHOWN}.includes('kernel')", False)
    page.expect("gprofiler.tree.total[0]", 145)
    page.expect("gprofiler.table.all.find(({symbol}) => gprofiler.profile.entities[symbol].name === '__libc_read').self", 11)
    for child in (1, 3, 4, 5):
        browser.click(f".kind:nth-child({child})")
    page.expect(KINDS_SHOWN, ["group"])
    browser.click(".kind:nth-child(1)")
    page.expect(f"{KINDS_SHOWN}.includes('native')", True)


@check
def turns_upside_down_and_makes_sandwiches(browser, files):
    page = Page(browser, files)
    browser.key("i")
    page.expect("gprofiler.graph.directionOf(gprofiler.graph.tree)", 1)
    x, y = page.run(MIDDLE, "main")
    _, below = page.run(MIDDLE, "Loop::run()")
    assert below > y, "the icicle does not hang down"
    browser.key("s")
    page.expect("document.getElementById('empty').hidden", False)
    browser.click("#functions .row:nth-child(1)")
    page.expect("document.getElementById('empty').hidden", True)
    page.expect("[gprofiler.graph.up.total[0], gprofiler.graph.down.total[0]]", [47, 47])
    page.expect("gprofiler.graph.up.maxDepth", 3)
    browser.click("#views [data-view=flame]")
    page.expect("[gprofiler.graph.sandwich, gprofiler.graph.directionOf(gprofiler.graph.tree)]", [False, -1])


@check
def groups(browser, files):
    page = Page(browser, files)
    level = """(() => { const t = gprofiler.tree, names = [];
      for (let n = 1; n < t.size; n = t.end[n]) names.push(gprofiler.profile.entities[t.entity[n]].text); return names; })()"""
    page.expect(level, ["server", "python3", "evil;\\x0a\"comm\" 9"])
    for group, wanted in (("process", ["server 4711", "python3 901", "evil;\\x0a\"comm\" 9 32767", "python3 902"]),
                          ("container", ["container 4f1c2a9be07d", "outside containers"]),
                          ("none", ["_start", "Py_RunMain", "LazyCompile:*tick app.js:10", "operator;(a; b) 17", "[truncated]"])):
        page.run("(() => { const box = document.getElementById('group'); box.value = a[0]; box.dispatchEvent(new Event('change')); })()", group)
        page.expect(level, wanted)


@check
def obeys_the_keyboard(browser, files):
    page = Page(browser, files)
    current = "gprofiler.profile.entities[gprofiler.graph.current.tree.entity[gprofiler.graph.current.node]].text"
    page.run("document.getElementById('graph').focus()")
    browser.key("ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp")
    page.expect(current, "main")
    browser.key("ArrowRight")
    page.expect(current, "lister.<module> (lister.py:38)")
    browser.key("ArrowDown", "Enter")
    browser.wait(STILL)
    page.expect(f"{CRUMBS}.at(-1)", "Py_RunMain")
    page.expect(f"{TEXT}.includes('Py_RunMain, native')", True, "live")
    browser.key("?")
    page.expect("document.getElementById('help-dialog').open", True)
    browser.key("Escape")
    page.expect("document.getElementById('help-dialog').open", False)
    browser.key("3")
    page.expect("document.querySelector('#panel-details h2').textContent", "Py_RunMain")
    before = page.run("document.documentElement.dataset.theme")
    browser.key("t")
    assert page.run("document.documentElement.dataset.theme") != before


@check
def says_how_good_the_data_is(browser, files):
    page = Page(browser, files)
    page.expect(TEXT, "95.2 % of stacks whole · 2 lost", "quality-text")
    browser.click("#quality")
    text = page.run(TEXT, "quality-dialog")
    for part in ("147", "[truncated]", "ring full", "The sums hold"):
        assert part in text, f"{part!r} is not in {text!r}"


@check
def keeps_hostile_names_as_text(browser, files):
    page = Page(browser, files)
    page.search("script")
    page.expect(ROWS, ["</script><script>alert(1)</script>"])
    page.expect("document.querySelectorAll('b, i').length", 0)
    browser.key("Escape", "2")
    assert '</script>' not in page.run("document.getElementById('processes').innerHTML")
    # The policy itself: markup from text is refused by the browser.
    page.expect("(() => { try { document.createElement('p').innerHTML = '<b>x</b>'; return 'parsed'; } catch { return 'refused'; } })()",
                "refused")
    page.expect("document.createElement('p').textContent", "")
    browser.console()  # the complaint about the line above was asked for


@check
def says_when_there_is_nothing(browser, files):
    page = Page(browser, files, "empty")
    assert "No samples in this window" in page.run(TEXT, "empty")
    page.expect(TEXT, "no samples", "quality-text")
    browser.key("i", "s", "f", "0")


@check
def scrolls_deep_stacks(browser, files):
    page = Page(browser, files, "deep")
    page.expect("gprofiler.tree.maxDepth", 1025)
    page.expect("gprofiler.graph.canvas.height <= innerHeight * devicePixelRatio", True)
    x, y = page.run(MIDDLE, "recurse [1000]")
    browser.point(x, y)
    browser.wait("!document.getElementById('tip').hidden")
    assert "recurse [1000]" in page.run(TEXT, "tip")
    page.click_frame("recurse [1020]")
    page.expect(f"{CRUMBS}.at(-1)", "recurse [1020]")
    browser.key("i")
    page.click_frame("recurse [500]")
    page.expect(f"{CRUMBS}.at(-1)", "recurse [500]")


@check
def says_when_it_cannot_be_shown(browser, files):
    good = files.page("example")
    with open(good, encoding="utf-8") as file:
        text = file.read()
    cut = f"{files.folder}/cut.html"
    with open(cut, "w", encoding="utf-8") as file:
        file.write(re.sub(r'(id="profile">.{200})[^<]*', r"\1", text))
    browser.open(cut)
    browser.wait("!document.getElementById('empty').hidden")
    page_text = browser.run(TEXT, "empty")
    assert "This file is damaged" in page_text, page_text
    browser.console()


@check
def names_every_control(browser, files):
    page = Page(browser, files)
    page.click_frame("main")
    nameless = """[...document.querySelectorAll('button, input, select, [tabindex="0"]')].filter((e) => !(e.getAttribute('aria-label')
      || e.getAttribute('aria-labelledby') || e.textContent.trim() || e.labels?.length)).map((e) => e.outerHTML.slice(0, 120))"""
    page.expect(nameless, [])


@check
def fits_narrow_windows(browser, files):
    browser.cdp("Emulation.setDeviceMetricsOverride", width=400, height=800, deviceScaleFactor=0, mobile=False)
    try:
        page = Page(browser, files)
        page.expect("document.documentElement.scrollWidth <= innerWidth", True)
        page.expect("document.getElementById('graph').getBoundingClientRect().width > 300", True)
    finally:
        browser.cdp("Emulation.setDeviceMetricsOverride", width=1440, height=900, deviceScaleFactor=0, mobile=False)


@check
def bears_50000_frames(browser, files):
    path = files.page("50000")
    begin = time.monotonic()
    page = Page(browser, files, "50000")
    loaded = (time.monotonic() - begin) * 1000
    nodes = page.run("gprofiler.tree.size")
    assert nodes >= 40000, f"only {nodes} nodes"
    timed = "(() => { const begin = performance.now(); %s; return performance.now() - begin; })()"
    times = {
        "rebuild": page.run(timed % "gprofiler.rebuild({group: 'thread'})"),
        "search": page.run(timed % "gprofiler.setSearch('Exec|alloc')"),
        "draw": page.run(timed % "gprofiler.graph.draw()"),
        "sandwich": page.run(timed % "gprofiler.showSandwich(gprofiler.table.all[0].symbol)"),
    }
    page.run("gprofiler.setSearch(''), gprofiler.setView('flame'), gprofiler.rebuild({group: 'program'})")
    page.click_frame("postgres")
    page.expect(f"{CRUMBS}.at(-1)", "postgres")
    frames = page.run("gprofiler.graph.drawn.frames")
    print(f"    {nodes:,} nodes, file of {os.path.getsize(path):,} bytes: open to ready {loaded:.0f} ms, "
          + ", ".join(f"{name} {ms:.0f} ms" for name, ms in times.items()) + f"; {frames} frames drawn at a time")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("--only", metavar="REGEX", default="")
    arguments = parser.parse_args()
    reason = missing()
    if reason:
        print(f"SKIP: {reason}")
        return SKIP
    failed = 0
    with tempfile.TemporaryDirectory(prefix="gp-pages-") as folder:
        files = Files(arguments.tool, folder)
        with Browser() as browser:
            for function in CHECKS:
                if not re.search(arguments.only, function.__name__):
                    continue
                try:
                    function(browser, files)
                    complaints = browser.console()
                    assert not complaints, f"the console says {complaints}"
                    print(f"ok {function.__name__}", flush=True)
                except (AssertionError, TimeoutError, RuntimeError) as error:
                    failed += 1
                    where = traceback.extract_tb(error.__traceback__)[-1].lineno
                    print(f"FAILED {function.__name__} (line {where}): {error}", flush=True)
                    browser.console()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
