#!/usr/bin/env python3
"""A picture of a flame graph page, for the docs and for looking at changes of web/.

Usage: screenshot.py PAGE.html PICTURE.png [--dark] [--size 1440x900] [--scale 2] [--run JAVASCRIPT]
The page's state is `gprofiler` in JavaScript: --run 'gprofiler.setSearch("main")'.
"""
import argparse
import time

from webdriver import Browser


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page")
    parser.add_argument("picture")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--size", default="1440x900")
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--run", action="append", default=[])
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    with Browser(width, height, arguments.scale, arguments.dark) as browser:
        browser.open(arguments.page)
        browser.wait("document.documentElement.dataset.ready === 'true'")
        for script in arguments.run:
            browser.run(f"(() => {{ {script} }})()")
        time.sleep(0.5)  # a zoom takes less
        browser.screenshot(arguments.picture)


if __name__ == "__main__":
    main()
