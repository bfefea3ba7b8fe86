"""Each server in turn, started once for all the tests."""

from collections.abc import Iterator

import pytest

from tests.servers.running import KINDS, Server, running


@pytest.fixture(scope="session", params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each server in turn, serving all the applications."""
    with running(request.param) as served:
        yield served
