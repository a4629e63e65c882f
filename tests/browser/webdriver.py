"""A browser to drive: headless Chromium through chromedriver, over W3C WebDriver (https://www.w3.org/TR/webdriver2/).
Only the standard library is needed."""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element's id: WebDriver 2, section 12
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014",
        "ArrowDown": "\ue015", "Tab": "\ue004", "Shift": "\ue008"}
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]


def missing():
    """Why there is no browser to drive, or None."""
    for name in ("chromium", "chromedriver"):
        if not shutil.which(name):
            return f"{name} is not installed"
    return None


class Browser:
    """One window. Use it in a `with`: chromedriver, Chromium and the profile folder go when it ends."""

    def __init__(self, width=1440, height=900, scale=1, dark=False):
        self.size = (width, height)
        self.flags = [f"--window-size={width},{height}", f"--force-device-scale-factor={scale}"]
        self.dark = dark

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="gp-browser-")
        log = open(f"{self.folder.name}/chromedriver.log", "w+", encoding="utf-8")
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=log, stderr=subprocess.STDOUT,
                                       stdin=subprocess.DEVNULL)
        try:
            self.base = f"http://127.0.0.1:{self._port(log.name)}"
            options = {"args": [*FLAGS, *self.flags, f"--user-data-dir={self.folder.name}/profile", "about:blank"],
                       "binary": shutil.which("chromium")}
            session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome", "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})
            self.base += f"/session/{session['sessionId']}"
            self.cdp("Emulation.setEmulatedMedia",
                     features=[{"name": "prefers-color-scheme", "value": "dark" if self.dark else "light"}])
            # The window has borders even when headless: the page is to have the size that was asked for.
            self.cdp("Emulation.setDeviceMetricsOverride", width=self.size[0], height=self.size[1],
                     deviceScaleFactor=0, mobile=False)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        if "/session/" in getattr(self, "base", ""):
            try:
                self.call("DELETE", "")
            except OSError:
                pass
        self.driver.terminate()
        try:
            self.driver.wait(10)
        except subprocess.TimeoutExpired:
            self.driver.kill()
            self.driver.wait()
        self.folder.cleanup()

    def _port(self, log):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with open(log, encoding="utf-8") as file:
                for line in file:
                    if "started successfully on port" in line:
                        return int(line.rstrip().rstrip(".").rsplit(" ", 1)[1])
            time.sleep(0.05)
        raise RuntimeError("chromedriver did not start within 30 s")

    def call(self, method, path, body=None):
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        # No proxy: the driver is on loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {json.load(error)['value'].get('message', '')[:500]}") from None

    def cdp(self, command, **params):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def open(self, path):
        self.call("POST", "/url", {"url": f"file://{os.path.abspath(path)}"})

    def run(self, script, *arguments):
        """The value of a JavaScript expression; `arguments` is its array `a`."""
        return self.call("POST", "/execute/sync", {"script": f"const a = [...arguments]; return ({script});",
                                                    "args": list(arguments)})

    def wait(self, script, seconds=20):
        deadline = time.monotonic() + seconds
        while not self.run(script):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {seconds} s: {script}")
            time.sleep(0.02)

    def key(self, *keys):
        actions = []
        for key in keys:
            value = KEYS.get(key, key)
            actions += [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def type(self, text):
        self.key(*text)

    def point(self, x, y, click=False, button=0):
        steps = [{"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y)}]
        if click:
            steps += [{"type": "pointerDown", "button": button}, {"type": "pointerUp", "button": button}]
        self.call("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": steps,
                                                    "parameters": {"pointerType": "mouse"}}]})

    def click(self, selector):
        for attempt in range(5):
            element = self.call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]
            try:
                return self.call("POST", f"/element/{element}/click")
            except RuntimeError as error:
                # A list may be drawn anew between the two calls: what stands in its place is what a person would hit.
                if "stale element" not in str(error) or attempt == 4:
                    raise

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("GET", "/screenshot")))

    def console(self):
        """What the page or the browser complained about since the last call."""
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})
                if entry["level"] in ("SEVERE", "WARNING")]

    def requests(self):
        """Addresses asked for since the last call, the browser's own pages left out: no page of ours can ask for those."""
        events = [json.loads(entry["message"])["message"] for entry in self.call("POST", "/se/log", {"type": "performance"})]
        urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if not url.startswith("chrome://")]
