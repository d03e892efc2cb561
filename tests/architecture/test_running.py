"""Tests that run beside each other get into nobody's way."""

import socket
from contextlib import closing

from tests.ports import BLOCK, Ports
from tests.scheduling import row
from tests.servers import LOOPBACK


def test_two_who_take_ports_never_have_the_same() -> None:
    one, another = Ports(LOOPBACK), Ports(LOOPBACK)
    first, second = one.take(), another.take()
    assert first // BLOCK != second // BLOCK  # wherever in its block the first free one is
    assert one.take(16) == first + 1
    assert one.take() == first + 17
    for ports in (one, another):
        ports.release()


def test_a_port_that_somebody_listens_on_is_passed_over() -> None:
    ports = Ports(LOOPBACK)
    first = ports.take()
    with closing(socket.create_server((LOOPBACK, first + 3))):
        assert ports.take(4) == first + 4
    ports.release()


def test_a_block_is_gone_round_before_a_port_comes_again() -> None:
    ports = Ports(LOOPBACK)
    taken = [ports.take() for _ in range(BLOCK - 50)]
    assert len(set(taken)) == len(taken)
    assert ports.take(60) in taken
    ports.release()


def test_a_file_is_one_row_and_all_that_strike_deployments_are_another() -> None:
    assert row("tests/api/test_health.py::test_one[a::b]") == "tests/api/test_health.py"
    assert row("tests/acceptance/test_chaos.py::test_one") == row("tests/acceptance/test_writers.py::test_two")
