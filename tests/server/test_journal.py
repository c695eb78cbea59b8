"""What the log says about streams."""

import asyncio

from structlog.testing import capture_logs

from livelens.events import Problem, State, StreamState
from livelens.flow.bus import Bus
from livelens.server.journal import keep_journal


async def journal(*messages: Problem | State) -> list[tuple[str, str]]:
    """(stream, what was said) of each line that these messages lead to."""
    bus = Bus()
    with capture_logs() as lines:
        keeping = asyncio.create_task(keep_journal(bus))
        await asyncio.sleep(0)
        for message in messages:
            bus.publish(message)
        bus.close()
        await asyncio.wait_for(keeping, 5)
    return [(line["stream"], line.get("why") or line["state"]) for line in lines]


def away(seconds: float, why: str = "no answer") -> Problem:
    return Problem("cam", "source", f"{why}; trying again in {seconds} s", 0)


def state(name: StreamState) -> State:
    return State("cam", name, 0)


async def test_a_camera_that_stays_away_is_told_once_until_it_is_back() -> None:
    said = await journal(
        state("running"), away(0.2), state("reconnecting"), away(0.5), state("reconnecting"),
        away(1, "refused"), state("running"), away(0.2), state("reconnecting"),
    )  # fmt: skip
    assert said == [
        ("cam", "running"), ("cam", "no answer"), ("cam", "reconnecting"), ("cam", "refused"),
        ("cam", "running"), ("cam", "no answer"), ("cam", "reconnecting"),
    ]  # fmt: skip


async def test_a_stream_that_fails_says_why() -> None:
    problem = Problem("cam", "detect", "no model 'x'", 0)
    assert await journal(problem, state("failed"), state("stopped")) == [
        ("cam", "no model 'x'"), ("cam", "failed"), ("cam", "stopped"),
    ]  # fmt: skip
