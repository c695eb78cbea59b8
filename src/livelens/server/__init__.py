"""The server: WebRTC in and out, an HTTP API, results, and the web page."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livelens.server.app import create_app
    from livelens.server.config import ServerConfig, load_config, read_config
    from livelens.server.demo import DEMO_NEEDS, demo_config
    from livelens.server.run import Server, serve

_HOME = {
    "DEMO_NEEDS": "demo",
    "Server": "run",
    "ServerConfig": "config",
    "create_app": "app",
    "demo_config": "demo",
    "load_config": "config",
    "read_config": "config",
    "serve": "run",
}

__all__ = [
    "DEMO_NEEDS",
    "Server",
    "ServerConfig",
    "create_app",
    "demo_config",
    "load_config",
    "read_config",
    "serve",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOME:
        raise AttributeError(f"module 'livelens.server' has no attribute {name!r}")
    return getattr(import_module(f"livelens.server.{_HOME[name]}"), name)
