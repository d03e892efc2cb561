"""With METRICS_PORT every process of a machine has a port of its own for its operator."""

import re
import socket
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from pytest_django import Settings

from config.admin import PORTS
from config.application import Application
from config.asgi import http
from realtime.routing import websockets
from tests.api.lifespan import alive
from tests.servers import free_port

ADDRESS = re.compile(r"metrics are at http://127\.0\.0\.1:(\d+)/metrics")


def node() -> Application:
    sockets: Any = websockets  # its types are narrower than what ASGI servers send
    return Application(http, sockets)


async def test_processes_share_a_range_of_ports_and_each_tells_of_itself(
    database: None, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    settings.METRICS_PORT = free_port(PORTS)
    async with AsyncExitStack() as stack, httpx.AsyncClient() as operator:
        for worker in (0, 1):
            settings.WORKER = worker
            await stack.enter_async_context(alive(node()))
        ports = [int(port) for port in ADDRESS.findall(caplog.text)]
        assert len(set(ports)) == 2
        assert set(ports) <= set(range(settings.METRICS_PORT, settings.METRICS_PORT + PORTS))
        for worker, port in enumerate(ports):
            base = f"http://127.0.0.1:{port}"
            told = await operator.get(f"{base}/metrics")
            assert f'verbatim_queue_length{{worker="web-{worker}"}} 0.0' in told.text
            assert (await operator.get(f"{base}/health/live")).status_code == 200
            for path in ("/", "/api/v1/rooms", "/general/"):
                assert (await operator.get(base + path)).status_code == 404
            assert (await operator.get(f"{base}/metrics", headers={"Host": "rebound.example"})).status_code == 403
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", ports[0])):
        pass


async def test_a_process_that_finds_no_port_says_so_and_goes_on(
    database: None, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("config.admin.PORTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.METRICS_PORT = taken.getsockname()[1]
        async with alive(node()):
            assert "no metrics: cannot listen on 127.0.0.1" in caplog.text
