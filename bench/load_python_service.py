"""A service with some modules, as many hosts have hundreds: works a little, then waits. Usage: load_python_service.py
SECONDS idle|busy; idle ones work once a second, busy ones all the time."""
import argparse
import asyncio
import collections
import configparser
import decimal
import email.message
import http.client
import json
import logging
import random
import re
import string
import sys
import tempfile
import textwrap
import time
import urllib.parse
import xml.etree.ElementTree


def orders(count):
    for number in range(count):
        yield {"number": number, "name": "".join(random.choices(string.ascii_letters, k=12)),
               "price": str(decimal.Decimal(number) / 7), "url": f"http://localhost/{number}?q=a%20b"}


def serialise():
    return json.loads(json.dumps(list(orders(20)), indent=1, sort_keys=True))


def write_message():
    message = email.message.EmailMessage()
    message["Subject"] = "orders"
    message.set_content(textwrap.fill("word " * 200))
    return message.as_string()


def read_settings():
    parser = configparser.ConfigParser()
    parser.read_string("[a]\nx = 1\n[b]\ny = %(z)s\nz = 2\n")
    return {section: dict(parser[section]) for section in parser.sections()}


def build_tree():
    root = xml.etree.ElementTree.Element("orders")
    for order in orders(10):
        xml.etree.ElementTree.SubElement(root, "order", {key: str(value) for key, value in order.items()})
    return xml.etree.ElementTree.tostring(root)


def parse_texts():
    counts = collections.Counter(re.findall(r"\w+", write_message()))
    parser = argparse.ArgumentParser()
    parser.add_argument("--name")
    return counts, parser.parse_args(["--name", "x"]), [urllib.parse.urlsplit(order["url"]) for order in orders(10)]


async def gather():
    return await asyncio.gather(*(asyncio.sleep(0, task) for task in (serialise, read_settings)))


def main():
    end = time.monotonic() + float(sys.argv[1])
    turns = [serialise, write_message, read_settings, build_tree, parse_texts, lambda: asyncio.run(gather())]
    while time.monotonic() < end:
        for turn in turns:
            turn()
        if sys.argv[2] == "idle":
            time.sleep(1)


logging.getLogger(http.client.__name__).addHandler(logging.StreamHandler(tempfile.TemporaryFile("w")))
main()
