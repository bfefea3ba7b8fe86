"""`python -m dntguard`: rewrite a page, explain a name, ask about vendors."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

from dntguard.charsets import codec_of_page, codec_of_type, is_xhtml
from dntguard.cli import serve, vendors
from dntguard.cli.mistakes import UsageError
from dntguard.consent import REFUSE_ALL, Consent, decide
from dntguard.errors import DNTGuardError
from dntguard.policy import Policy
from dntguard.purposes import ALWAYS_GRANTED
from dntguard.report import Removal
from dntguard.rewriter import Rewriter
from dntguard.signals import Signals
from dntguard.urls import INVALID_HOST, Location, parse_host, parse_page_url
from dntguard.vendors import Match, Registry
from dntguard.verdicts import verdicts_for

_CHUNK = 64 * 1024
_NOWHERE = Location("https", "", "/")
"""The page of no site, to which every host is another's."""
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")
"""How gzip, zstd, bzip2 and xz files begin."""

_SIGNALS = {"all": None, "dnt": Signals(dnt=True), "gpc": Signals(gpc=True), "none": Signals()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code: 0 for success, 1 for "not known", 2 for a mistake in the call."""
    parser = _parser()
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is no reason to fail
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except UsageError as error:
        print(f"dntguard: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read the output has gone; there is nobody to tell.
        sys.stderr.close()
        return 141
    except OSError as error:
        # Files are opened where their names are known; what is left is the output.
        print(f"dntguard: standard output: {error.strerror}", file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dntguard", description="Take what a visitor refused out of pages.")
    parser.add_argument("--version", action="version", version=f"dntguard {version('dntguard')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    rewrite = commands.add_parser(
        "rewrite",
        help="write a page less what is refused",
        description="Write the rewritten page to standard output and what was removed to standard error.",
    )
    rewrite.add_argument("file", metavar="FILE", help='an HTML file, or "-" for standard input')
    rewrite.add_argument("--url", required=True, help="the page's address, which says what is first party")
    rewrite.add_argument(
        "--type", default="text/html", metavar="TYPE",
        help='the Content-Type it is served with, as in "application/xhtml+xml; charset=utf-16"',
    )  # fmt: skip
    rewrite.add_argument("--policy", metavar="FILE.toml", help="a TOML file of policy options")
    rewrite.add_argument(
        "--signal", choices=sorted(_SIGNALS), default="all",
        help="what the visitor sends; the default refuses all optional purposes",
    )  # fmt: skip
    rewrite.add_argument("--json", action="store_true", help="write the removals as a JSON list of objects")
    rewrite.set_defaults(run=_rewrite)
    explain = commands.add_parser(
        "explain",
        help="say who a host or cookie belongs to",
        description="Say who a host, address or cookie name belongs to, and why it would be refused or kept. "
        "The exit code is 1 when no vendor claims it.",
    )
    explain.add_argument("name", metavar="HOST|COOKIE", help="a host, an address or a cookie name")
    explain.add_argument("--policy", metavar="FILE.toml", help="a TOML file of policy options")
    explain.set_defaults(run=_explain)
    served = commands.add_parser(
        "serve",
        help="serve an ASGI or WSGI application, guarded",
        description="Serve an ASGI application with uvicorn, or a WSGI application with waitress, guarded.",
    )
    serve.add_arguments(served)
    served.set_defaults(run=lambda options: serve.run(options, _policy(options.policy, or_environment=True)))
    known = commands.add_parser(
        "vendors",
        help="list, count and check the vendors, and see whom a page asks",
        description="List the vendors that dntguard knows; count them, check them, or see whom a page asks.",
    )
    vendors.add_arguments(known)
    known.set_defaults(run=lambda options: vendors.run(options, _policy(options.policy)))
    return parser


def _rewrite(options: argparse.Namespace) -> int:
    policy = _policy(options.policy)
    content_type: bytes = options.type.encode("latin-1", "replace")
    signals = _SIGNALS[options.signal]
    consent = REFUSE_ALL if signals is None else decide(signals, None, policy)
    try:
        rewriter = Rewriter(policy, consent, options.url, content_type=content_type)
    except ValueError as error:
        raise UsageError(f"--url: {error}") from None
    if options.file == "-" and sys.stdin is None:
        raise UsageError("-: standard input is closed")
    try:
        with sys.stdin.buffer if options.file == "-" else Path(options.file).open("rb") as source:
            chunk = source.read(_CHUNK)
            unreadable = _unreadable(chunk, content_type)
            if unreadable:
                raise UsageError(f"{options.file}: cannot be read as HTML, it is {unreadable}")
            while chunk:
                _write(rewriter.feed(chunk))
                chunk = source.read(_CHUNK)
        _write(rewriter.close())
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"{options.file}: {error.strerror}") from None
    if options.json:
        lines = ",\n".join(json.dumps(removal.as_dict()) for removal in rewriter.removals)
        print(f"[{lines}]", file=sys.stderr)
    else:
        _table(rewriter.removals, rewriter.removal_count, sys.stderr)
    return 0


def _unreadable(first: bytes, content_type: bytes) -> str | None:
    """What a file is that would come out as it went in, as if it were clean; None for what may be a page."""
    if first.startswith(_COMPRESSED):
        return "compressed"
    codec, _ = codec_of_page(first, codec_of_type(content_type), xml=is_xhtml(content_type))
    return "binary" if not codec and b"\0" in first[:1024] else None


def _write(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"standard output: {error.strerror}") from None


def _table(removals: list[Removal], count: int, out: TextIO) -> None:
    if not removals:
        print("nothing removed", file=out)
        return
    rows = [("KIND", "VENDOR", "PURPOSE", "RULE", "WHAT")]
    for removal in removals:
        what = "".join(char if char.isprintable() else " " for char in removal.what)
        rows.append((removal.kind, removal.vendor or "-", removal.purpose or "-", removal.rule, what))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        line = "  ".join([*cells, row[4]])
        print(line if len(line) <= 200 else line[:199] + "…", file=out)
    more = f", the first {len(removals)} are shown" if count > len(removals) else ""
    print(f"{count} removed{more}", file=out)


def _policy(path: str | None, *, or_environment: bool = False) -> Policy:
    try:
        if path is not None:
            return Policy.from_toml(path)
        return Policy.from_env() if or_environment else Policy()
    except DNTGuardError as error:
        raise UsageError(f"{path}: {error}" if path else str(error)) from None


def _explain(options: argparse.Namespace) -> int:
    policy = _policy(options.policy)
    # An argument may hold bytes that are no text in any encoding; print would refuse them.
    name: str = options.name.encode("utf-8", "backslashreplace").decode()
    registry = policy.registry
    if name in registry:
        raise UsageError(f"{name} is a vendor's id; ask for one of its hosts or cookies: {_examples(registry, name)}")
    cookie = registry.find_cookie(name)
    target = _target(name) if cookie is None else None
    claims = verdicts_for(policy, ALWAYS_GRANTED).claims(target, _NOWHERE, runs=True) if target else iter(())
    match = cookie or next(claims, None)
    print(_who(name, match, is_cookie=cookie is not None or target is None))
    for label, signals in (("DNT: 1", Signals(dnt=True)), ("Sec-GPC: 1", Signals(gpc=True)), ("no signal", Signals())):
        print(f"  {label + ':':<12} {_verdict(name, target, decide(signals, None, policy), policy)}")
    return 0 if match is not None else 1


def _examples(registry: Registry, vendor_id: str) -> str:
    vendor = next(vendor for vendor in registry.vendors if vendor.id == vendor_id)
    cookies = [cookie.name for cookie in vendor.cookies[:3]]
    return ", ".join((*vendor.hosts[:3], *cookies) or (*vendor.paths, *vendor.elements, *vendor.inline))


def _who(name: str, match: Match | None, *, is_cookie: bool) -> str:
    kind = "cookie" if is_cookie else "host"
    if match is None:
        return f"{name}: no vendor claims this {kind}"
    vendor = match.vendor
    see = f"\n  see {vendor.source}" if vendor.source else ""
    return (
        f"{name}: {kind} of {vendor.name} ({vendor.id}), purpose {vendor.purpose.value}, "
        f"by the pattern {match.rule!r}{see}"
    )


def _verdict(name: str, target: Location | None, consent: Consent, policy: Policy) -> str:
    verdicts = verdicts_for(policy, consent.granted)
    refusal = verdicts.cookie(name) if target is None else verdicts.host(target, _NOWHERE, unclaimed=True)
    if refusal is None:
        return "kept"
    if refusal.purpose is not None:
        return f"refused, because {refusal.purpose.value} is not granted ({refusal.rule}). {consent.reason}"
    scope = "" if target is None else " as a script or frame from another site"
    return f"refused{scope}, by the rule {refusal.rule}"


def _target(name: str) -> Location | None:
    """The host that a name is, or None for what can only be a cookie's name."""
    if "://" in name:
        try:
            return parse_page_url(name)
        except ValueError as error:
            raise UsageError(str(error)) from None
    host, slash, rest = name.partition("/")
    host = parse_host(host)
    path, _, query = rest.partition("?")
    return Location("https", host, slash + path or "/", query) if "." in host and host != INVALID_HOST else None
