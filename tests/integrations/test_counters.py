"""Counters of reports, by the real libraries, in guarded applications of both kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry, generate_latest, make_asgi_app, make_wsgi_app
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from dntguard import asgi, wsgi
from dntguard.integrations import opentelemetry, prometheus
from dntguard.integrations.counts import Counts, counts_of
from dntguard.purposes import ALWAYS_GRANTED, Purpose
from dntguard.report import Removal, Report
from dntguard.rewriter import MOST_REMOVALS
from dntguard.wsgi import Environ, StartResponse
from tests.drive import TRACKER

PAGE = TRACKER * 2 + b"<script src=//nobody.example/></script><my-ad data-dntguard=marketing>x</my-ad>"
GPC = {"Sec-GPC": "1"}
Found = dict[tuple[str, tuple[str, ...]], float]

EXPECTED: Found = {
    ("decisions", ("policy", "none")): 1,
    ("decisions", ("signal", "gpc")): 2,
    ("decisions", ("signal", "dnt+gpc")): 1,
    ("removals", ("analytics", "google-analytics", "script")): 4,
    ("removals", ("analytics", "google-analytics", "set-cookie")): 2,
    ("removals", ("analytics", "google-analytics", "cookie")): 1,
    ("removals", ("analytics", "google-analytics", "expired-cookie")): 1,
    ("removals", ("unknown", "unclaimed", "script")): 2,
    ("removals", ("marketing", "unclaimed", "element")): 2,
    ("undecidable", ("body",)): 1,
}
"""What the four visits below come to; the first one leaves a cookie that the second sends."""


def visit(get: Any) -> None:
    """Two visitors who refuse, one who does not, and a page that cannot be read."""
    get("/page", headers={})
    get("/page", headers=GPC)
    get("/page", headers={**GPC, "DNT": "1"})
    get("/strange", headers=GPC)


def headers_of(path: str) -> dict[str, str]:
    return {"Content-Encoding": "x-unknown"} if path.endswith("strange") else {"Set-Cookie": "_ga=1"}


def asgi_app(**routes: Any) -> Starlette:
    def page(request: Request) -> Response:
        return HTMLResponse(PAGE, headers=headers_of(request.url.path))

    mounts = [Mount(f"/{name}", app) for name, app in routes.items()]
    return Starlette(routes=[*mounts, Route("/{path}", page)])


def wsgi_app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/html"), *headers_of(environ["PATH_INFO"]).items()])
    return [PAGE]


# --- Prometheus -------------------------------------------------------------------------------------------------------


def scraped(text: str) -> Found:
    """The counters in a text that Prometheus reads, by their names without what all share, and by their labels."""
    found: Found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.endswith("_total"):
                name = sample.name.removeprefix("dntguard_").removesuffix("_total")
                order = ("source", "signal", "purpose", "vendor", "kind")
                found[name, tuple(sample.labels[label] for label in order if label in sample.labels)] = sample.value
    return found


def test_prometheus_scrapes_them_from_a_guarded_asgi_application() -> None:
    registry = CollectorRegistry()
    app = asgi_app(metrics=make_asgi_app(registry))
    client = TestClient(asgi.DNTGuardMiddleware(app, on_report=prometheus.Counters(registry)))
    visit(client.get)
    text = client.get("/metrics/").text
    assert scraped(text) == {**EXPECTED, ("errors", ()): 0}
    line = 'dntguard_removals_total{kind="script",purpose="analytics",vendor="google-analytics"} 4.0'
    assert line in text.splitlines()


def test_prometheus_scrapes_them_from_a_guarded_wsgi_application() -> None:
    registry = CollectorRegistry()
    app = DispatcherMiddleware(wsgi_app, {"/metrics": make_wsgi_app(registry)})
    client = Client(wsgi.DNTGuardMiddleware(app, on_report=prometheus.Counters(registry)))
    visit(client.get)
    assert scraped(client.get("/metrics").text) == {**EXPECTED, ("errors", ()): 0}


def test_a_registry_has_each_counter_once() -> None:
    """One object serves many policies; a second one is a mistake that the client tells."""
    registry = CollectorRegistry()
    prometheus.Counters(registry)
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        prometheus.Counters(registry)


# --- OpenTelemetry ----------------------------------------------------------------------------------------------------


def collected(reader: InMemoryMetricReader) -> Found:
    """The sums that a reader gets, as above."""
    data = reader.get_metrics_data()
    assert data is not None
    found: Found = {}
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            assert scope.scope.name == "dntguard"
            for metric in scope.metrics:
                assert metric.unit
                assert metric.unit.startswith("{")
                for point in metric.data.data_points:
                    labels: Mapping[str, Any] = point.attributes or {}
                    assert all(label.startswith("dntguard.") for label in labels)
                    value: float = point.value  # type: ignore[union-attr]  # counters have sums
                    found[metric.name.removeprefix("dntguard."), tuple(map(str, labels.values()))] = value
    return found


def test_opentelemetry_collects_them_from_a_guarded_asgi_application() -> None:
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader]).get_meter("dntguard")
    visit(TestClient(asgi.DNTGuardMiddleware(asgi_app(), on_report=opentelemetry.Counters(meter))).get)
    assert collected(reader) == EXPECTED


def test_opentelemetry_collects_them_from_a_guarded_wsgi_application(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the meter of the provider that the process has, when none is given."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics._internal, "_METER_PROVIDER", provider)  # it can be set only once in a process
    visit(Client(wsgi.DNTGuardMiddleware(wsgi_app, on_report=opentelemetry.Counters())).get)
    assert collected(reader) == EXPECTED


# --- both -------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["prometheus", "opentelemetry"])
def counting(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """Counters, and what reads them: without those that stand at zero, for only Prometheus shows them."""
    if request.param == "prometheus":
        registry = CollectorRegistry()

        def read() -> Found:
            return {name: value for name, value in scraped(generate_latest(registry).decode()).items() if value}

        return prometheus.Counters(registry), read
    reader = InMemoryMetricReader()
    return opentelemetry.Counters(MeterProvider([reader]).get_meter("dntguard")), lambda: collected(reader)


def test_what_report_only_would_remove_is_not_among_what_is_removed(counting: tuple[Any, Any]) -> None:
    counters, read = counting
    TestClient(asgi.DNTGuardMiddleware(asgi_app(), report_only=True, on_report=counters)).get("/page", headers=GPC)
    found = read()
    assert found.pop(("decisions", ("signal", "gpc"))) == 1
    assert {name for name, _ in found} in ({"report_only_removals"}, {"report_only.removals"})
    assert sum(found.values()) == 5


@pytest.mark.parametrize("place", ["Guard.exchange", "Exchange.start", "Exchange.report"])
def test_every_error_is_counted_also_one_before_there_is_a_response(
    place: str, counting: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(f"dntguard.exchange.{place}", property(fail) if place.endswith("report") else fail)
    counters, read = counting
    get = TestClient(asgi.DNTGuardMiddleware(asgi_app(), on_report=counters)).get
    assert get("/page", headers=GPC).status_code == 200
    found = read()
    assert found["errors", ()] == 1
    decided = {labels for name, labels in found if name == "decisions"}
    assert decided == ({("signal", "gpc")} if place == "Exchange.start" else set())


def report_of(removals: tuple[Removal, ...], count: int) -> Report:
    return Report("GET", "h", "/", 200, None, True, ALWAYS_GRANTED, "signal", "why", removals, count, False)


def test_removals_that_are_not_listed_are_counted_too(counting: tuple[Any, Any]) -> None:
    """Of a page of nothing but trackers the report lists the first ones."""
    counters, read = counting
    removal = Removal("img", "//a.example/", "hotjar", Purpose.ANALYTICS, "a.example")
    counters(report_of((removal,) * MOST_REMOVALS, MOST_REMOVALS + 5))
    found = read()
    assert found["removals", ("analytics", "hotjar", "img")] == MOST_REMOVALS
    assert found["removals", ("unknown", "unknown", "unlisted")] == 5


def test_no_page_and_no_visitor_can_make_labels_of_its_own() -> None:
    """Elements may be called anything where `data-dntguard` names them; addresses and hosts are no labels."""
    removals = tuple(
        Removal(f"x-{number}", f"//{number}.example", None, Purpose.MARKETING, 'data-dntguard="marketing"')
        for number in range(100)
    )
    counts = counts_of(report_of(removals, 100))
    assert counts == Counts(("signal", "gpc"), {("marketing", "unclaimed", "element"): 100}, {}, False, False)


def test_what_was_seen_too_late_is_not_among_what_is_removed() -> None:
    late = Removal("late-script", "fbq(", "meta-pixel", Purpose.MARKETING, "fbq(")
    doubt = Removal("markup", "<a", None, None, 'on_undecidable: "remove"')
    counts = counts_of(report_of((late, doubt), 2))
    assert (counts.removals, counts.undecidable) == ({}, {"late-script": 1, "markup": 1})
