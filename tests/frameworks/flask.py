"""Flask: its extension, its test client."""

from __future__ import annotations

from typing import Any

import flask
from flask.testing import FlaskClient

from dntguard.integrations.flask import DNTGuard
from tests.case_table import Request
from tests.frameworks.stage import LINES, TARGETS, Answer, Framework, Stage


def application(stage: Stage) -> flask.Flask:
    """An application that answers as the stage says."""
    app = flask.Flask("stage", static_folder=None)
    if stage.options is not None:
        app.config.update({f"DNTGUARD_{name.upper()}": value for name, value in stage.options.items()})
        DNTGuard(app)

    @app.route("/", defaults={"path": ""}, methods=["GET", "HEAD", "PUT", "POST"])
    @app.route("/<path:path>", methods=["GET", "HEAD", "PUT", "POST"])
    def answer(path: str) -> flask.Response:
        request = flask.request
        headers = request.headers
        given = stage.answer(
            request.method, request.scheme, headers["Host"], request.path, headers.items(), flask.g.get("consent")
        )
        pieces: Any = given.pieces()
        response = flask.Response(iter(pieces) if given.stream else b"".join(pieces), given.status)
        response.headers.clear()
        response.headers.extend(given.headers)
        return response

    return app


def ask(app: flask.Flask, request: Request) -> Answer:
    """What the test client gets."""
    client: FlaskClient = app.test_client(use_cookies=False)
    base = f"{request.scheme}://{request.host}"
    with client.open(request.path, method=request.method, base_url=base, headers=request.headers) as answer:
        return Answer(answer.status_code, list(answer.headers), answer.get_data())


FLASK = Framework(
    "Flask",
    "wsgi",
    "examples.flask_app",
    application,
    ask,
    not_carried={**TARGETS, **LINES},
    faithful=150,
)
