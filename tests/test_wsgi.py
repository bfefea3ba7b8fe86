"""The WSGI middleware: PEP 3333's small print, and what the application sees."""

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.util import FileWrapper

import pytest
from flask import Flask, Response, request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.middleware.lint import LintMiddleware

from dntguard import Consent, Policy, current_consent
from dntguard.errors import NoConsentError, PolicyError
from dntguard.report import Report
from dntguard.wsgi import DNTGuardMiddleware, Environ, StartResponse, WSGIApp
from tests.drive import TRACKER, Served, drive_wsgi, environ_of

VARY = ("vary", "DNT, Sec-GPC")
HTML = ("Content-Type", "text/html")
JSON = ("Content-Type", "application/json")
REFUSE = ("HTTP_DNT", "1")


def answers(make_body: Callable[[], Iterable[bytes]], *headers: tuple[str, str]) -> WSGIApp:
    """An application that answers 200 with these headers and this body."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        return make_body()

    return app


def drive(app: WSGIApp, *pairs: tuple[str, str], **more: Any) -> Served:
    """What a server gets from the application behind a default middleware, for who refuses."""
    return drive_wsgi(DNTGuardMiddleware(app), environ_of(REFUSE, *pairs, **more))


def no_write(*start: Any) -> Callable[[bytes], object]:
    """A server's `start_response` to which nobody listens."""
    return lambda chunk: None


class AppError(Exception):
    """The application's own."""


class Closable:
    """An iterable that counts what is asked of it."""

    def __init__(self, chunks: Iterable[bytes], error: BaseException | None = None) -> None:
        self.steps = 0
        self.closed = 0
        self._chunks = iter(chunks)
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.steps += 1
        try:
            return next(self._chunks)
        except StopIteration:
            if self._error is not None:
                raise self._error from None
            raise

    def close(self) -> None:
        self.closed += 1


# --- the shape of the body --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_of_chunks_is_a_whole_body_and_its_length_is_exact(kind: Callable[[list[bytes]], Any]) -> None:
    served = drive(answers(lambda: kind([b"<p>one", TRACKER]), HTML, ("Content-Length", "75")))
    assert served.iterable == [b"<p>one<!---->"]
    assert served.headers == [HTML, ("Content-Length", "13"), VARY]


def test_an_iterator_of_one_chunk_of_the_declared_length_keeps_an_exact_length() -> None:
    page = b"<p>one" + TRACKER
    served = drive(answers(lambda: iter([page]), HTML, ("Content-Length", str(len(page)))))
    assert served.body == b"<p>one<!---->"
    assert served.headers == [HTML, ("Content-Length", "13"), VARY]


def test_a_generator_loses_its_length() -> None:
    served = drive(answers(lambda: iter([b"<p>one", TRACKER]), HTML, ("Content-Length", "75")))
    assert served.body == b"<p>one<!---->"
    assert served.headers == [HTML, VARY]


@pytest.mark.parametrize("empty", [[], (), iter(())])
@pytest.mark.parametrize("content_type", [HTML, JSON])
def test_an_empty_body_stays_empty(empty: Iterable[bytes], content_type: tuple[str, str]) -> None:
    served = drive(answers(lambda: empty, content_type))
    assert served.body == b""
    may_ask = content_type is HTML or not isinstance(empty, (list, tuple))
    assert served.headers == ([content_type, VARY] if may_ask else [content_type])


def test_an_empty_first_chunk_asks_for_no_second_one() -> None:
    chunks = Closable([b"", b"<p>", TRACKER])
    starts: list[Any] = []

    def start_response(*start: Any) -> Callable[[bytes], object]:
        starts.append(start)
        return no_write

    iterator = iter(DNTGuardMiddleware(answers(lambda: chunks, HTML))(environ_of(REFUSE), start_response))
    assert next(iterator) == b""
    assert chunks.steps == 1
    assert len(starts) == 1
    assert [*iterator] == [b"<p>", b"<!---->"]


def test_each_step_of_the_server_is_one_step_of_the_application_but_the_first() -> None:
    chunks = Closable([b"<p>", TRACKER[:20], TRACKER[20:], b"<scr"])
    iterable = DNTGuardMiddleware(answers(lambda: chunks, HTML))(environ_of(REFUSE), no_write)
    assert chunks.steps == 1  # what the server sends first, for it may look for status and headers before it iterates
    steps = [(piece, chunks.steps) for piece in iterable]
    assert steps == [(b"<p>", 1), (b"", 2), (b"<!---->", 3), (b"", 4), (b"<scr", 5)]


def test_after_the_end_there_is_no_more() -> None:
    chunks = Closable([b"<p>"])
    iterator = iter(DNTGuardMiddleware(answers(lambda: chunks, HTML))(environ_of(REFUSE), no_write))
    assert next(iterator) == b"<p>"
    for _ in range(3):
        with pytest.raises(StopIteration):
            next(iterator)
    assert chunks.steps == 2


@given(st.lists(st.integers(0, 100), max_size=6))
def test_every_chunking_gives_the_same_page(cuts: list[int]) -> None:
    page = b"<p>one</p>" + TRACKER + b"<p>two</p><b class"
    edges = [0, *sorted(cuts), len(page)]
    pieces = [page[edges[n] : edges[n + 1]] for n in range(len(edges) - 1)]
    served = drive_wsgi(LintMiddleware(DNTGuardMiddleware(answers(lambda: iter(pieces), HTML))), environ_of(REFUSE))
    assert served.body == b"<p>one</p><!----><p>two</p><b class"


@pytest.mark.parametrize("kind", [list, tuple])
def test_without_a_signal_a_list_reaches_the_server_as_the_very_same_object(kind: Callable[..., Any]) -> None:
    body = kind([b"<p>", TRACKER])
    served = drive_wsgi(DNTGuardMiddleware(answers(lambda: body, HTML)), environ_of())
    assert served.iterable is body
    assert served.headers == [HTML, VARY]


def test_report_only_hands_the_very_same_list_to_the_server() -> None:
    body = [b"<p>", TRACKER]
    reports: list[Report] = []
    app = DNTGuardMiddleware(answers(lambda: body, HTML), report_only=True, on_report=reports.append)
    served = drive_wsgi(app, environ_of(REFUSE))
    assert served.iterable is body
    assert served.headers == [HTML]
    assert [removal.kind for removal in reports[0].removals] == ["script"]


def test_a_list_that_is_no_page_reaches_the_server_as_the_very_same_object_for_who_refuses() -> None:
    body = [b"{}"]
    assert drive(answers(lambda: body, JSON)).iterable is body


def test_a_list_with_a_close_of_its_own_is_closed() -> None:
    class Body(list[bytes]):
        closed = 0

        def close(self) -> None:
            self.closed += 1

    body = Body([b"<p>", TRACKER])
    assert drive(answers(lambda: body, HTML)).body == b"<p><!---->"
    assert body.closed == 1


@pytest.mark.parametrize(
    ("pairs", "content_type"), [([], HTML), ([REFUSE], ("Content-Type", "image/png"))], ids=["no signal", "an image"]
)
def test_a_file_wrapper_of_what_passes_reaches_the_server_as_the_very_same_object(
    pairs: list[tuple[str, str]], content_type: tuple[str, str]
) -> None:
    file = FileWrapper(io.BytesIO(b"<p>" + TRACKER))
    environ = environ_of(*pairs, **{"wsgi.file_wrapper": FileWrapper})
    served = drive_wsgi(DNTGuardMiddleware(answers(lambda: file, content_type)), environ)
    assert served.iterable is file


def test_a_file_wrapper_of_a_page_is_read_through_for_who_refuses() -> None:
    opened = io.BytesIO(b"<p>" + TRACKER)
    served = drive(answers(lambda: FileWrapper(opened), HTML), **{"wsgi.file_wrapper": FileWrapper})
    assert served.body == b"<p><!---->"
    assert opened.closed


def test_a_file_wrapper_that_is_a_function_is_no_obstacle() -> None:
    """PEP 3333 only asks for a callable, and some servers give a function."""

    def wrap(file: Any, block_size: int = 8192) -> Iterator[bytes]:
        return iter(lambda: file.read(block_size), b"")

    environ = environ_of(**{"wsgi.file_wrapper": wrap})
    served = drive_wsgi(DNTGuardMiddleware(answers(lambda: wrap(io.BytesIO(b"<p>")), HTML)), environ)
    assert served.body == b"<p>"


# --- start_response, write, exc_info ----------------------------------------------------------------------------------


def test_start_response_may_be_called_when_the_first_chunk_is_asked_for() -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response("404 Not Found", [HTML])
        yield b"<p>one"
        yield TRACKER

    served = drive(app)
    assert served.starts == [("404 Not Found", [HTML, VARY], None)]
    assert served.pieces == [b"<p>one", b"<!---->"]


@pytest.mark.parametrize("content_type", [HTML, JSON])
def test_a_chunk_before_start_response_is_an_error(content_type: tuple[str, str]) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        yield b"<p>"
        start_response("200 OK", [content_type])

    with pytest.raises(AssertionError, match="before it called start_response"):
        drive(app)


@pytest.mark.parametrize("pairs", [[REFUSE], []])
def test_start_response_that_is_never_called_leaves_the_server_without_headers(pairs: list[tuple[str, str]]) -> None:
    bodies: list[Iterable[bytes]] = [[], iter(())]
    for body in bodies:

        def app(environ: Environ, start_response: StartResponse, body: Iterable[bytes] = body) -> Iterable[bytes]:
            return body

        served = drive_wsgi(DNTGuardMiddleware(app), environ_of(*pairs))
        assert served.starts == []
        assert served.body == b""


@pytest.mark.parametrize("pairs", [[REFUSE], []])
@pytest.mark.parametrize("content_type", [HTML, JSON])
def test_a_second_start_response_without_exc_info_is_an_error(
    pairs: list[tuple[str, str]], content_type: tuple[str, str]
) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [content_type])
        start_response("200 OK", [content_type])
        return []

    with pytest.raises(AssertionError, match="second time"):
        drive_wsgi(DNTGuardMiddleware(app), environ_of(*pairs))


def replacing(first: tuple[str, str], second: tuple[str, str], chunk: bytes | None) -> WSGIApp:
    """An application that fails, after `chunk` if there is one, and replaces its answer by an error page."""

    def app(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [first, ("Set-Cookie", "_ga=1")])
        try:
            if chunk is not None:
                yield chunk
            raise AppError("broken")
        except AppError:
            start_response("500 Oops", [second, ("Set-Cookie", "_fbp=1")], sys.exc_info())
            yield b"<p>sorry" + TRACKER

    return app


@pytest.mark.parametrize("first", [HTML, JSON])
@pytest.mark.parametrize("second", [HTML, JSON])
@pytest.mark.parametrize("chunk", [None, b""])
def test_exc_info_replaces_an_answer_of_which_nothing_is_out(
    first: tuple[str, str], second: tuple[str, str], chunk: bytes | None
) -> None:
    reports: list[Report] = []
    app = DNTGuardMiddleware(replacing(first, second, chunk), on_report=reports.append)
    served = drive_wsgi(app, environ_of(REFUSE))
    assert (served.status, served.headers) == ("500 Oops", [second, VARY])
    assert served.starts[-1][2][0] is AppError
    assert served.body == (b"<p>sorry<!---->" if second is HTML else b"<p>sorry" + TRACKER)
    kinds = [(removal.kind, removal.what) for removal in reports[0].removals]
    assert kinds[0] == ("set-cookie", "_fbp")
    assert len(kinds) == (2 if second is HTML else 1)
    assert reports[0].status == 500


@pytest.mark.parametrize("first", [HTML, JSON])
@pytest.mark.parametrize("second", [HTML, JSON])
def test_exc_info_after_output_raises_the_applications_error_again(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    with pytest.raises(AppError, match="broken"):
        drive(replacing(first, second, b"<p>one"))


def test_what_was_held_back_of_a_replaced_page_never_comes_out() -> None:
    served = drive(replacing(HTML, HTML, b"<script src='//x.exa"))
    assert served.status == "500 Oops"
    assert served.body == b"<p>sorry<!---->"


@pytest.mark.parametrize("content_type", [HTML, JSON])
def test_write_sends_before_the_iterable_does(content_type: tuple[str, str]) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", [content_type])
        write(b"<p>one" + TRACKER[:10])
        write(TRACKER[10:] + b"two")
        return [b"<p>three", TRACKER]

    served = drive(app)
    trackers = b"<!---->" if content_type is HTML else TRACKER
    assert served.body == b"<p>one" + trackers + b"two<p>three" + trackers
    assert served.headers == [content_type, VARY]


def test_write_sends_at_once_and_sends_nothing_where_nothing_is_decided() -> None:
    served = Served()

    def start_response(status: str, headers: list[tuple[str, str]]) -> Callable[[bytes], object]:
        served.starts.append((status, headers, None))
        return served.pieces.append

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", [HTML])
        for chunk in (b"", b"<p>one", TRACKER[:9], TRACKER[9:]):
            write(chunk)
            counts.append(len(served.pieces))
        return []

    counts: list[int] = []
    assert [*DNTGuardMiddleware(app)(environ_of(REFUSE), start_response)] == []
    assert counts == [0, 1, 1, 2]
    assert served.pieces == [b"<p>one", b"<!---->"]


@pytest.mark.parametrize("pairs", [[REFUSE], []])
def test_a_server_without_write_is_a_server_all_the_same(pairs: list[tuple[str, str]]) -> None:
    """Granian's `start_response` returns None."""
    starts: list[Any] = []

    def start_response(*start: Any) -> Any:
        starts.append(start)

    app = DNTGuardMiddleware(answers(lambda: iter([b"<p>", TRACKER]), HTML))
    assert b"".join(app(environ_of(*pairs), start_response)) == b"<p>" + (b"<!---->" if pairs else TRACKER)
    assert len(starts) == 1


@pytest.mark.parametrize("status", ["200 OK", "200", "999 Own", "²00 x", "", "two hundred"])
def test_the_status_line_keeps_its_words(status: str) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, [JSON])
        return []

    assert drive(app).status == status


# --- the end ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pairs", [[REFUSE], []])
@pytest.mark.parametrize("content_type", [HTML, JSON])
@pytest.mark.parametrize("error", [None, AppError("x")])
def test_close_is_called_once_however_it_ends(
    pairs: list[tuple[str, str]], content_type: tuple[str, str], error: AppError | None
) -> None:
    body = Closable([b"<p>", TRACKER], error)
    reports: list[Report] = []
    app = DNTGuardMiddleware(answers(lambda: body, content_type), on_report=reports.append)
    if error is None:
        drive_wsgi(app, environ_of(*pairs))
    else:
        with pytest.raises(AppError) as raised:
            drive_wsgi(app, environ_of(*pairs))
        assert raised.value is error
    assert body.closed == 1
    assert len(reports) == 1


def test_a_server_that_closes_twice_closes_the_application_once() -> None:
    body = Closable([b"<p>"])
    reports: list[Report] = []
    app = DNTGuardMiddleware(answers(lambda: body, HTML), on_report=reports.append)
    iterable: Any = app(environ_of(REFUSE), no_write)
    iterable.close()
    iterable.close()
    assert (body.closed, body.steps, len(reports)) == (1, 1, 1)


def test_a_client_that_goes_away_closes_what_is_left() -> None:
    body = Closable([b"<p>", b"<p>", b"<p>"])
    iterable: Any = DNTGuardMiddleware(answers(lambda: body, HTML))(environ_of(REFUSE), no_write)
    assert next(iter(iterable)) == b"<p>"
    iterable.close()
    assert (body.closed, body.steps) == (1, 1)


def test_an_error_of_close_comes_out_and_the_report_is_given() -> None:
    class Failing(Closable):
        def close(self) -> None:
            raise AppError("close")

    reports: list[Report] = []
    app = DNTGuardMiddleware(answers(lambda: Failing([b"<p>"]), HTML), on_report=reports.append)
    with pytest.raises(AppError, match="close"):
        drive_wsgi(app, environ_of(REFUSE))
    assert len(reports) == 1


def test_an_application_that_raises_at_once_raises_and_is_reported() -> None:
    error = AppError()

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        raise error

    reports: list[Report] = []
    with pytest.raises(AppError) as raised:
        drive_wsgi(DNTGuardMiddleware(app, on_report=reports.append), environ_of(REFUSE))
    assert raised.value is error
    assert [report.status for report in reports] == [0]


@pytest.mark.parametrize("after", [0, 1])
def test_an_application_that_raises_while_it_streams_raises_after_what_it_sent(after: int) -> None:
    error = AppError()
    served = Served()

    def stream() -> Iterator[bytes]:
        yield from [b"<p>one"] * after
        raise error

    def start_response(*start: Any) -> Callable[[bytes], object]:
        served.starts.append((start[0], start[1], None))
        return served.pieces.append

    with pytest.raises(AppError) as raised:
        served.pieces.extend(DNTGuardMiddleware(answers(stream, HTML))(environ_of(REFUSE), start_response))
    assert raised.value is error
    assert served.body == b"<p>one" * after
    assert len(served.starts) == after  # with nothing out, the server can still answer 500


# --- what the application sees ----------------------------------------------------------------------------------------


def test_the_consent_is_there_while_the_application_runs_streams_and_closes() -> None:
    seen: list[Consent] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        seen.extend([environ["dntguard.consent"], current_consent()])
        start_response("200 OK", [HTML])
        return stream()

    def stream() -> Iterator[bytes]:
        try:
            seen.append(current_consent())
            yield b"<p>"
            seen.append(current_consent())
            yield b"<p>"
        finally:
            seen.append(current_consent())

    iterable: Any = DNTGuardMiddleware(app)(environ_of(REFUSE), no_write)
    for _ in zip(range(2), iterable, strict=False):
        with pytest.raises(NoConsentError):
            current_consent()
    iterable.close()
    assert len(seen) == 5
    assert all(consent is seen[0] for consent in seen)
    assert seen[0].opt_out_honored
    with pytest.raises(NoConsentError):
        current_consent()


def test_two_streams_in_turns_each_see_their_own_consent() -> None:
    def stream() -> Iterator[bytes]:
        for _ in range(3):
            yield current_consent().source.encode()

    app = DNTGuardMiddleware(answers(stream, JSON))
    one, two = (app(environ_of(*pairs), no_write) for pairs in ([REFUSE], []))
    assert [*zip(one, two, strict=True)] == [(b"signal", b"policy")] * 3


@pytest.mark.parametrize(
    ("value", "refused"),
    [("1", True), ("0,1", True), ("1, 1", True), (" 1 ", True), ("0,0", False), ("1;x,0", False), ("", False)],
)
def test_sec_gpc_fields_that_the_server_joined_are_read_one_by_one(value: str, refused: bool) -> None:
    seen: list[Any] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        seen.extend([current_consent().signals.gpc, environ["HTTP_SEC_GPC"]])
        start_response("200 OK", [JSON])
        return []

    drive_wsgi(DNTGuardMiddleware(app), environ_of(("HTTP_SEC_GPC", value)))
    assert seen == [refused, value]


def environ_seen(*pairs: tuple[str, str]) -> Environ:
    """The environ that the application sees of one with these variables."""
    seen: list[Environ] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        seen.append(dict(environ))
        start_response("200 OK", [JSON])
        return []

    drive_wsgi(DNTGuardMiddleware(app), environ_of(*pairs))
    return seen[0]


def test_only_what_the_signal_changes_is_changed_in_the_environ() -> None:
    more = [
        REFUSE,
        ("HTTP_COOKIE", "a=\xc3\xa9; _ga=1"),
        ("HTTP_ACCEPT_ENCODING", "gzip, compress"),
        ("HTTP_IF_NONE_MATCH", '"e"'),
        ("HTTP_IF_MODIFIED_SINCE", "x"),
        ("HTTP_X_RAW", " \xff\xfe "),
        ("HTTP_X_WIDE", "\u20ac"),
        ("HTTP_odd-Name", "1"),
        ("HTTP_SEC_GPC", "0,0"),
        ("CONTENT_TYPE", "text/plain"),
    ]
    before = environ_of(*more)
    seen = environ_seen(*more)
    consent = seen.pop("dntguard.consent")
    assert isinstance(consent, Consent)
    changed = {key for key in before if seen.get(key) != before[key] and not key.startswith("wsgi.")}
    assert changed == {"HTTP_COOKIE", "HTTP_ACCEPT_ENCODING", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"}
    assert seen["HTTP_COOKIE"] == "a=\xc3\xa9"
    assert seen["HTTP_ACCEPT_ENCODING"] == "gzip"
    assert "HTTP_IF_NONE_MATCH" not in seen
    assert "HTTP_IF_MODIFIED_SINCE" not in seen


def test_without_a_signal_the_environ_gains_the_consent_and_nothing_else_changes() -> None:
    more = [("HTTP_COOKIE", "_ga=1"), ("HTTP_X_WIDE", "\u20ac")]
    seen = environ_seen(*more)
    assert seen.pop("dntguard.consent").source == "policy"
    assert seen.keys() == environ_of(*more).keys()
    assert {key: seen[key] for key, _ in more} == dict(more)


@given(
    st.dictionaries(
        st.sampled_from(["HTTP_HOST", "HTTP_COOKIE", "HTTP_DNT", "HTTP_SEC_GPC", "HTTP_ACCEPT_ENCODING", "PATH_INFO"])
        | st.text(max_size=6).map("HTTP_".__add__),
        st.text(max_size=20) | st.binary(max_size=20).map(lambda raw: raw.decode("latin-1")),
    )
)
def test_no_environ_makes_it_raise(variables: dict[str, str]) -> None:
    app = DNTGuardMiddleware(answers(lambda: [b"<p>", TRACKER], HTML, ("Set-Cookie", "a=1")), mode="never")
    served = drive_wsgi(app, environ_of(*variables.items()))
    assert served.body == b"<p><!---->"
    assert ("Set-Cookie", "a=1") in served.headers


def test_an_environ_with_nothing_in_it_is_answered() -> None:
    app = DNTGuardMiddleware(answers(lambda: [b"<p>", TRACKER], HTML), mode="never")
    assert drive_wsgi(app, {}).body == b"<p><!---->"


def test_both_a_policy_and_options_are_an_error_at_construction() -> None:
    with pytest.raises(PolicyError, match="mode"):
        DNTGuardMiddleware(answers(list), Policy(), mode="never")


# --- between two checkers, and in a framework -------------------------------------------------------------------------


@pytest.mark.parametrize("pairs", [[REFUSE], []])
@pytest.mark.parametrize("content_type", [HTML, JSON])
def test_it_is_a_proper_server_to_the_application_as_well(
    pairs: list[tuple[str, str]], content_type: tuple[str, str]
) -> None:
    app = answers(lambda: iter([b"<p>", TRACKER]), content_type)
    served = drive_wsgi(LintMiddleware(DNTGuardMiddleware(LintMiddleware(app))), environ_of(*pairs))
    rewritten = pairs and content_type is HTML
    assert served.body == b"<p>" + (b"<!---->" if rewritten else TRACKER)


SITE = Flask(__name__)


@SITE.get("/")
def page() -> Response:
    """A page with a tracker that sets two cookies and names the visitor's cookies."""
    names = ",".join(sorted(request.cookies))
    response = Response(f"<p>{current_consent().reason} {names}</p>" + TRACKER.decode())
    response.set_cookie("_ga", "1")
    response.set_cookie("session", "1")
    return response


SITE.wsgi_app = DNTGuardMiddleware(SITE.wsgi_app)  # type: ignore[method-assign]  # Flask documents this assignment


def test_a_flask_site_honors_the_signal_and_can_say_why() -> None:
    answer = SITE.test_client(use_cookies=False).get("/", headers={"Sec-GPC": "1", "Cookie": "_ga=1; a=2"})
    assert answer.text == "<p>The browser sends Sec-GPC: 1, which refuses analytics and marketing. a</p><!---->"
    assert answer.headers["Content-Length"] == str(len(answer.data))
    names = [line.partition("=")[0] for line in answer.headers.getlist("Set-Cookie") if "Max-Age=0" not in line]
    assert names == ["session"]


def test_a_flask_site_without_a_signal_is_as_it_was() -> None:
    answer = SITE.test_client(use_cookies=False).get("/", headers={"Cookie": "_ga=1; a=2"})
    assert answer.text == "<p>No signal and no choice refuses anything. _ga,a</p>" + TRACKER.decode()


def test_an_iterable_that_cannot_be_iterated_is_closed_all_the_same() -> None:
    """And it may ask for the consent while it tries."""
    seen: list[object] = []

    class Broken:
        def __iter__(self) -> Iterator[bytes]:
            seen.append(current_consent().opt_out_honored)
            raise RuntimeError("no")

        def close(self) -> None:
            seen.append("closed")

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return Broken()

    environ: Environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_DNT": "1"}
    with pytest.raises(RuntimeError, match="no"):
        DNTGuardMiddleware(app)(environ, lambda *_: lambda _: None)
    assert seen == [True, "closed"]


@pytest.mark.parametrize(("pairs", "count"), [([REFUSE], 1), ([], 2)])
def test_early_hints_lose_the_links_that_are_refused(pairs: list[tuple[str, str]], count: int) -> None:
    links = [("Link", "</a.css>; rel=preload"), ("link", "<https://www.google-analytics.com/>; rel=preconnect")]
    told: list[list[tuple[str, str]]] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.early_hints"](links)
        start_response("200 OK", [HTML])
        return []

    drive_wsgi(DNTGuardMiddleware(app), environ_of(*pairs, **{"wsgi.early_hints": told.append}))
    assert told == [links[:count]]
