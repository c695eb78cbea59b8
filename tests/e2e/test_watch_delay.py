"""The badge that tells how old the picture is, against the truth and with wrong clocks."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

import pytest
from playwright.sync_api import Browser, Page, expect

from livelens.clock import wall_ns
from livelens.sources.counter import read_counter
from livelens.spec import StageSpec
from livelens.types import Item, no_detections
from tests.e2e.browsers import chromium, firefox
from tests.e2e.viewing import pattern, watch
from tests.server.running import running

pytestmark = pytest.mark.e2e

# When pictures were seen by a stage, by the true clock of this machine, by their numbers.
_SEEN_NS: dict[int, int] = {}

# The number of the picture on the screen and when it was seen there, by the true clock of this
# machine (browser and server share it), and what the badge holds to be its age at that moment.
MEASURE = """
() => new Promise((resolve) => {
  const found = [];
  let last = null;
  const look = () => {
    const drawn = livelens.drawn();
    if (drawn?.drawing.kind === "exact" && drawn.rtpTimestamp !== last) {
      last = drawn.rtpTimestamp;
      const { delay } = livelens.stats() ?? {};
      if (delay?.kind === "glass") {
        found.push([drawn.drawing.result.seq, performance.timeOrigin + performance.now(), delay]);
      }
    }
    if (found.length >= 30) resolve(found);
    else requestAnimationFrame(look);
  };
  look();
})
"""
SKEWED = """
const hours = 5 * 3600 * 1000;
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...given) { super(...(given.length > 0 ? given : [RealDate.now() + hours])); }
  static now() { return RealDate.now() + hours; }
};
"""


class Witness(StageSpec, frozen=True, kw_only=True):
    """Notes when each picture came by."""

    gives: ClassVar[frozenset[str]] = frozenset({"detections"})

    def open(self) -> "WitnessStage":
        return WitnessStage()


class WitnessStage:
    def process(self, items: Sequence[Item]) -> list[Item]:
        for item in items:
            number = read_counter(item.frame.image)
            assert number == item.frame.seq
            _SEEN_NS[item.frame.seq] = wall_ns()
        return [item.with_(detections=no_detections()) for item in items]

    def close(self) -> None:
        pass


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    with chromium() if request.param == "chromium" else firefox() as one:
        yield one


@pytest.mark.parametrize("skewed", [False, True], ids=["right clock", "clock 5 hours off"])
def test_glass_to_glass_is_the_age_of_the_picture_on_the_screen(page: Page, skewed: bool) -> None:
    if skewed:
        page.add_init_script(SKEWED)
    with running({"streams": {"numbers": pattern(stages=[Witness()])}}) as server:
        watch(page, server.url, "numbers")
        badge = page.get_by_title("How old is this picture?")
        expect(badge).to_contain_text("glass to glass")
        found = page.evaluate(MEASURE)
        truths = sorted(at_ms - _SEEN_NS[seq] / 1e6 for seq, at_ms, _ in found)
        badges = sorted(delay["ms"] for *_, delay in found)
        truth, told = truths[len(truths) // 2], badges[len(badges) // 2]
        # The badge counts from the capture and to the next refresh of the screen, and is the
        # middle of a second in which the machine may be busy.
        assert told == pytest.approx(truth, abs=70)
        for *_, delay in found:
            assert 0 <= delay["uncertaintyMs"] <= 50
            assert sum(stage["ms"] for stage in delay["stages"]) == pytest.approx(
                delay["ms"], abs=1
            )
        badge.click()
        panel = page.get_by_role("heading", name="How old is this picture?").locator("..")
        expect(panel).to_contain_text("Encoding and network")
        expect(panel).to_contain_text("witness")
        expect(panel).to_contain_text("Together")
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()


def test_without_the_servers_clock_the_playout_delay_is_told(page: Page) -> None:
    page.route("**/api/time", lambda route: route.fulfill(status=404, json={"error": "no"}))
    with running({"streams": {"numbers": pattern()}}) as server:
        watch(page, server.url, "numbers")
        badge = page.get_by_title("How old is this picture?")
        expect(badge).to_contain_text("playout delay")
        expect(badge).to_contain_text(" ms")
        badge.click()
        expect(page.get_by_text("The clocks do not allow to tell more")).to_be_visible()
