"""A real JupyterLab in the system's Chromium, for widgets that are moved as readers move them.

Skipped, with what to install, where Playwright or Chromium is missing. CHROMIUM names a browser that is elsewhere.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next((path for path in map(shutil.which, NAMES) if path), None)
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
SECONDS = 180
"""Longest wait for a page or a cell."""
IDLE = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
FAILED_CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets.filter(cell => cell.model.type === 'code')
    .flatMap(cell => cell.model.outputs.toJSON().filter(o => o.output_type === 'error').map(o => `${o.ename}: ${o.evalue}`))"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder as slow."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True)
class Server:
    """A running JupyterLab: its address and the folder that it shows."""

    address: str
    folder: Path


@dataclass
class Notebook:
    """A notebook open in the browser."""

    page: object
    """Playwright's page."""
    folder: Path
    """Where the notebook lies and its kernel runs."""
    address: str

    def run_all(self) -> None:
        """Run all cells and wait; fail if one stops with an error."""
        self.command("notebook:run-all-cells")
        self.page.wait_for_function(IDLE)
        assert self.page.evaluate(FAILED_CELLS) == []

    def restart(self) -> None:
        """Start a fresh kernel, as after closing the notebook, and run all cells again."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
        self.page.wait_for_function(IDLE)
        self.run_all()

    def command(self, name: str) -> None:
        """Run one of JupyterLab's commands to its end."""
        self.page.evaluate("name => window.jupyterapp.commands.execute(name)", name)

    def wait_for_text(self, text: str) -> None:
        """Wait until a text stands in an output."""
        self.page.locator(".jp-OutputArea", has_text=text).first.wait_for()

    def handle(self, number: int) -> object:
        """Return the grip of a slider, counted from 0: give it the focus, then press keys."""
        return self.page.locator(".noUi-handle").nth(number)

    def click_slider(self, number: int, share: float) -> None:
        """Click on a slider's track by mouse; `share` runs from 0, its left end, to 1."""
        track = self.page.locator(".noUi-target").nth(number)
        track.scroll_into_view_if_needed()
        box = track.bounding_box()
        self.page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)

    def readouts(self) -> list[str]:
        """Return the numbers beside the sliders, with a plain minus sign."""
        return [text.replace("\N{MINUS SIGN}", "-") for text in self.page.locator(".widget-readout").all_inner_texts()]

    def button(self, name: str) -> object:
        """Return the button with exactly this name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def focus_and_press(self, place: object, *keys: str) -> None:
        """Give a control the focus and press keys."""
        place.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def html(self, text: str) -> object:
        """Return the part of a widget that holds a text."""
        return self.page.locator(".widget-html", has_text=text).first

    def rows(self, table: object) -> list[str]:
        """Return the rows of a table as texts, cells parted by single spaces."""
        return [" ".join(text.split()) for text in table.locator("tr").all_inner_texts()]

    def expect(self, read: Callable[[], object], expected: object) -> None:
        """Wait until a function returns what is expected; fail with what it returns instead."""
        for _ in range(150):
            if (found := read()) == expected:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"expected {expected!r}, shown is {found!r}")


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    """JupyterLab as a reader starts it, in an empty folder, with settings of its own."""
    pytest.importorskip("playwright", reason="pip install -r tests/browser/requirements.txt")
    if CHROMIUM is None:
        pytest.skip("no Chromium: install it (Debian: apt-get install chromium) or name it in CHROMIUM")
    home, folder = tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("notebooks")
    settings = home / "config" / "labconfig" / "page_config.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}",
        "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    folders = {"CONFIG": "config", "RUNTIME": "runtime"}
    environment = os.environ | {f"JUPYTER_{name}_DIR": str(home / place) for name, place in folders.items()}
    environment |= {f"JUPYTERLAB_{name}_DIR": str(home / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    log = home / "log"
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, process, log)
        yield Server(address, folder)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    """Wait until the server answers."""
    for _ in range(10 * SECONDS):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{address}/api", timeout=5)
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start: {log.read_text()[-2000:]}")


@pytest.fixture(scope="module")  # while it is open an event loop runs, and tests that start one of their own would fail
def browser(server, tmp_path_factory) -> Iterator[object]:
    """The system's Chromium, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("profile")), executable_path=CHROMIUM, headless=True, args=list(FLAGS),
            viewport={"width": 1366, "height": 768},
        )  # fmt: skip
        context.set_default_timeout(1000 * SECONDS)
        yield context
        context.close()


@pytest.fixture
def open_notebook(server, browser, request) -> Iterator[Callable[..., Notebook]]:
    """Give a function: sources of code cells -> a notebook in a folder of its own, open, all cells run."""
    opened, requested = [], []

    def open_it(*sources: str) -> Notebook:
        folder = server.folder / f"{request.node.name.replace('[', '_').rstrip(']')}_{len(opened)}"
        folder.mkdir()
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "lesson.ipynb")
        notebook = Notebook(browser.new_page(), folder, server.address)
        opened.append(notebook)
        notebook.page.on("request", lambda sent: requested.append(sent.url))
        notebook.page.goto(f"{server.address}/lab/tree/{folder.name}/lesson.ipynb?reset")
        notebook.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.ready")
        notebook.page.wait_for_function(IDLE)
        notebook.page.evaluate("() => { window.jupyterapp.shell.collapseLeft(); window.jupyterapp.shell.collapseRight(); }")
        notebook.run_all()
        return notebook

    yield open_it
    for notebook in opened:
        notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        notebook.page.close()
    assert not [url for url in requested if not url.startswith((server.address, "data:", "blob:"))], "asked for from outside"
