"""The page in a real browser: no errors, the sweep's numbers, keyboard, narrow screens, contrast, large graphs.

Run with `python -m pytest -m browser`. It needs Chromium, its driver, and the package selenium.
"""

import shutil
import time

import pytest

import jacfwd as jf
from tests.draw.functions import CASES, graph_of, tangle

selenium = pytest.importorskip("selenium")
from selenium import webdriver  # noqa: E402 (only where selenium is there)
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --force-color-profile=srgb"
).split()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("there is no chromium with its driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver))
    started.set_window_size(1200, 900)
    yield started
    started.quit()


@pytest.fixture
def show(browser, tmp_path):
    """Opens a graph's page; afterwards the console must be empty."""

    def show(graph):
        path = tmp_path / "graph.html"
        graph.to_html(path)
        browser.get(path.as_uri())
        return browser

    yield show
    assert browser.get_log("browser") == []


def texts(browser, selector):
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", selector
    )


def press(browser, *keys):
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def test_stepping_shows_the_chains_derivatives(show):
    browser = show(graph_of("chain"))
    assert texts(browser, "h1") == ["Derivative graph of x, at x = 4"]
    seen = [texts(browser, "text.slope")]
    for _ in range(2):
        browser.find_element("id", "next").click()
        seen.append(texts(browser, "text.slope"))
    assert seen == [
        ["dx/dx = 1", "dg ?", "df ?"],
        ["dx/dx = 1", "dg/dx = 3", "df ?"],
        ["dx/dx = 1", "dg/dx = 3", "df/dx = 72"],
    ]
    assert not browser.find_element("id", "next").is_enabled()
    assert "df/dx = 72 = 24 · 3" in browser.find_element("id", "say").text
    assert texts(browser, "text.name") == ["x = 4", "g = 12", "f = 144"]


def test_the_keyboard(show):
    browser = show(graph_of("total"))
    step = browser.find_element("id", "step")
    press(browser, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert step.get_property("value") == "2"
    press(browser, Keys.ARROW_LEFT)
    assert step.get_property("value") == "1"
    press(browser, Keys.END)
    assert step.get_property("value") == "3"
    press(browser, Keys.ARROW_DOWN)
    assert texts(browser, "h1") == ["Derivative graph of y, at x = 1.2, y = 0.7"]
    assert "dh/dy = 0.79956" in texts(browser, "text.slope")
    press(browser, "e")
    assert "∂h/∂" in browser.find_element("id", "say").text
    assert len(texts(browser, ".edge.marked")) == 1
    press(browser, "p")
    assert len(texts(browser, "li button[aria-pressed=true]")) == 1
    assert len(texts(browser, ".edge.marked")) in (2, 3)
    press(browser, Keys.HOME)
    assert step.get_property("value") == "0"
    # Every control is reached by the tabulator.
    reached = set()
    for _ in range(12):
        press(browser, Keys.TAB)
        reached.add(browser.switch_to.active_element.get_attribute("id"))
    assert {"input", "next", "last", "play", "step", "graph"} <= reached


def test_the_matrix_beside_its_layer(show):
    browser = show(graph_of("product"))
    press(browser, Keys.ARROW_RIGHT)
    assert texts(browser, "#layer td.full") == ["-0.41615", "-0.9093"]
    press(browser, Keys.ARROW_RIGHT)
    assert texts(browser, "#layer td.full") == ["-0.41615", "0.9093"]
    assert texts(browser, "#layer td.slope") == ["-0.65364", "-0.41615", "-0.9093"]


def test_paths_sum_to_the_derivative(show):
    browser = show(graph_of("product"))
    press(browser, Keys.END)
    assert texts(browser, "#paths li button")[1].endswith("= -0.82682,  together -0.65364")
    assert texts(browser, "#paths .total") == ["sum = -0.65364 = dp/dx"]


def test_the_input_can_be_chosen(show):
    browser = show(graph_of("total"))
    Select(browser.find_element("id", "input")).select_by_visible_text("y")
    browser.find_element("id", "last").click()
    assert "dg/dy = -0.60044" in texts(browser, "text.slope")
    assert len(texts(browser, ".node.unreached")) == 2


def test_an_edge_under_the_pointer_tells_its_derivative(show):
    browser = show(graph_of("chain"))
    edge = browser.find_elements("css selector", ".edge path.hit")[1]
    webdriver.ActionChains(browser).move_to_element(edge).perform()
    assert "df/dg = 24" in browser.find_element("id", "say").text


def test_costs_grow(show):
    browser = show(graph_of("product"))
    press(browser, Keys.END)
    rows = [row.split() for row in texts(browser, "#cost tr")]
    assert texts(browser, "#cost td") == ["4", "4", "2", "2"], rows


def test_it_plays_by_itself(show):
    browser = show(graph_of("chain"))
    browser.find_element("id", "play").click()
    deadline = time.monotonic() + 10
    while "df/dx = 72" not in texts(browser, "text.slope") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "df/dx = 72" in texts(browser, "text.slope")


@pytest.mark.parametrize("name", [name for name in CASES if name != "empty"])
def test_every_graph_opens_and_steps(show, name):
    browser = show(graph_of(name))
    press(browser, Keys.END, "e", "p", Keys.ARROW_DOWN, Keys.HOME)


def test_nothing_is_loaded(show):
    browser = show(graph_of("arrays"))
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_on_a_telephone(browser, show):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    )
    try:
        show(graph_of("arrays"))
        # The page itself does not scroll sideways; the graph and the tables do, in their frames.
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        sizes = browser.execute_script(
            "return [...document.querySelectorAll('button, select')].filter(b => b.offsetParent)"
            ".map(b => b.getBoundingClientRect()).map(r => [r.width, r.height])"
        )
        assert min(min(size) for size in sizes) >= 44
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


CONTRAST = """
const channel = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const parse = text => text.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const opaque = color => { const p = parse(color); return p.length === 3 || p[3] === 1; };
function ground(e) {
  for (let at = e; at; at = at.parentElement) {
    const rect = at.tagName === "g" && at.querySelector("rect");
    if (rect) { const fill = getComputedStyle(rect).fill; if (fill !== "none") return fill; }
    const color = getComputedStyle(at).backgroundColor;
    if (opaque(color) && parse(color).length) return color;
  }
  return "rgb(255, 255, 255)";
}
return [...document.querySelectorAll("text, p, b, td, th, button, option, h1, h2, span, kbd, div.total")]
  .filter(e => e.textContent.trim() && e.getClientRects().length).map(e => {
    const style = getComputedStyle(e), ink = e instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [luminance(parse(ink)), luminance(parse(ground(e)))].sort((p, q) => q - p);
    return [(a + 0.05) / (b + 0.05), e.textContent, ink, ground(e)];
  }).sort((p, q) => p[0] - q[0])[0];
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(browser, show, scheme):
    feature = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)
    try:
        show(graph_of("total"))
        for key in (Keys.HOME, Keys.ARROW_RIGHT, Keys.END):
            press(browser, key)
            least = browser.execute_script(CONTRAST)
            assert least[0] >= 4.5, least
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_five_hundred_nodes_stay_responsive(show):
    graph = jf.trace(tangle(535), 0.3)
    assert 480 <= len(graph.data.nodes) <= 500
    text = graph.to_html()
    assert len(text.encode()) < 2_000_000
    browser = show(graph)
    timed = "const start = performance.now(); {}; document.body.offsetHeight; return performance.now() - start"
    for code in ("setStep(step + 1)", "setStep(last)", "setInput(0)", "nextEdge(1)"):
        # What people feel as immediate is a tenth of a second; a busy machine may take three times as long.
        assert browser.execute_script(timed.format(code)) < 300, code
