"""Odd responses: one description of each, served as ASGI and as WSGI, bare and behind dntguard."""

from tests.servers.odd import asgi_only, common, wsgi_only

ALL = [*common.ALL, *asgi_only.ALL, *wsgi_only.ALL]
