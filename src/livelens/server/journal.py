"""Writes to the log what happens to the streams."""

import structlog

from livelens.events import Problem, State
from livelens.flow.bus import Bus

log = structlog.get_logger(__name__)


async def keep_journal(bus: Bus) -> None:
    """Log every change of a stream's state, and every problem once, until the bus closes.

    A camera that stays away is tried again for ever; the log says so when it leaves and when
    it is back, or when it stays away for another reason.
    """
    states: dict[str, str] = {}
    told: dict[str, set[tuple[str, str]]] = {}
    with bus.subscribe(capacity=256, results=False) as messages:
        async for message in messages:
            if isinstance(message, Problem):
                reason = message.message.partition("; trying again in ")[0]
                known = told.setdefault(message.stream, set())
                if (message.where, reason) not in known and len(known) < 100:
                    known.add((message.where, reason))
                    log.warning("problem", stream=message.stream, where=message.where, why=reason)
            elif isinstance(message, State):
                if states.get(message.stream) != message.state:
                    log.info("stream", stream=message.stream, state=message.state)
                states[message.stream] = message.state
                if message.state in ("running", "stopped"):
                    told.pop(message.stream, None)
                if message.state == "stopped":
                    states.pop(message.stream, None)
