"""The way from the event loop to calls that wait."""

import asyncio
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that may wait, on a thread of its own.

    Such calls are rare, and some of them take half a minute to load a model: a pool could
    be used up by them, and the interpreter would wait for it when it exits.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if outcome.cancelled():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(value)  # type: ignore[arg-type]

    def call() -> None:
        value: T | None = None
        error: BaseException | None = None
        try:
            value = function(*args, **kwargs)
        except BaseException as raised:  # noqa: BLE001 - carried over to the caller
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, value, error)

    name = f"call:{getattr(function, '__name__', 'function')}"
    threading.Thread(target=call, name=name, daemon=True).start()
    return await outcome
