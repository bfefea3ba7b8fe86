"""What a site uses in its own tests: that its pages honor the signals.

    assert_honors_signals(app, ["/", "/shop"])                                   # an ASGI or WSGI application
    assert_no_refused(client.get("/", headers={"Sec-GPC": "1"}))                 # a response of any test client

`dntguard.testing.strategies` draws pages, visitors and chunks for property tests; it needs Hypothesis. With pytest,
there are the fixtures `gpc_client` and `dnt_client` and the mark `honors_signals`.
"""

from dntguard.testing.assertions import SIGNALS, assert_honors_signals, assert_no_refused
from dntguard.testing.client import Client
from dntguard.testing.responses import Response

__all__ = ["SIGNALS", "Client", "Response", "assert_honors_signals", "assert_no_refused"]
