"""`make vendors`: compile the vendors' entries to what dntguard reads, and write docs/vendors.md.

    python scripts/vendors.py            # the files as the entries are now
    python scripts/vendors.py --check    # whether they are that; exit code 1 when not
    python scripts/vendors.py --fetch    # the long tail anew from third-party-web, with npm

The long tail: third-party-web (MIT, Patrick Hulce and others) knows some 3,000 host patterns by category. Those that
are for advertising, measurement or social networks, and those for help and video, become vendors of their own, as far
as no curated entry says anything of the host or of a host below it. Its categories "cdn", "hosting", "utility",
"content" and "other" say too little of a purpose, and are left out.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dntguard.purposes import Purpose
from dntguard.urls import is_public_suffix, parents
from dntguard.vendors import KINDS, Vendor, load
from dntguard.vendors.checks import FACTS, count
from dntguard.vendors.registry import CURATED, LONG_TAIL, LONG_TAIL_ID, compiled, packed, sources, unpacked

ROOT = Path(__file__).parent.parent
DATA = ROOT / "dntguard" / "data"
DOCS = ROOT / "docs" / "vendors.md"
PACKAGE = "third-party-web@0.30.0"
LICENCE = "third-party-web.LICENSE"
SOURCE = "https://github.com/patrickhulce/third-party-web"
CATEGORIES = {
    "ad": "ad-server",
    "analytics": "analytics",
    "consent-provider": "consent",
    "customer-success": "chat",
    "marketing": "messaging",
    "social": "social",
    "tag-manager": "tag-manager",
    "video": "video",
}
"""From the categories of third-party-web to kinds."""


def main() -> int:
    """Write the files, or check them. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python scripts/vendors.py", description="Compile the vendors' entries.")
    parser.add_argument("--check", action="store_true", help="write nothing; the exit code is 1 when a file is not new")
    parser.add_argument("--fetch", action="store_true", help="make the long tail anew; needs npm")
    options = parser.parse_args()
    curated = [vendor for _, text in sorted(sources().items()) for vendor in load(text)]
    tail = list(unpacked(compiled(LONG_TAIL)))
    licence: dict[Path, str] = {}
    if options.fetch:
        entities, notice = fetch()
        tail = long_tail(entities)
        licence[DATA / LICENCE] = notice
    tail = left(tail, curated)
    files = {
        **licence,
        DATA / CURATED: packed(curated),
        DATA / LONG_TAIL: packed(tail),
        DOCS: documentation(curated, tail),
    }
    old = [path for path, text in files.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in old:
        if options.check:
            print(f"{path.relative_to(ROOT)} is not what `make vendors` writes; run it")
        else:
            path.write_text(files[path], "utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if options.check and old else 0


# --- the long tail ----------------------------------------------------------------------------------------------------


def fetch() -> tuple[list[dict[str, Any]], str]:
    """The entities of third-party-web, and its licence."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is missing: the long tail cannot be fetched; without --fetch it stays what it is")
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(  # noqa: S603  # the package is named above
            [npm, "pack", "--silent", PACKAGE], cwd=work, check=True, stdout=subprocess.DEVNULL
        )
        with tarfile.open(next(Path(work).glob("*.tgz"))) as archive:
            texts = {}
            for name in ("package/dist/entities-nostats.json", "package/LICENSE"):
                file = archive.extractfile(name)
                if file is None:
                    sys.exit(f"{PACKAGE} holds no {name}")
                texts[name] = file.read().decode()
    entities, notice = texts.values()
    return json.loads(entities), f"{LONG_TAIL} holds facts of {PACKAGE}, {SOURCE}\n\n{notice}"


def long_tail(entities: Iterable[dict[str, Any]]) -> list[Vendor]:
    """The vendors that the entities are."""
    found: dict[str, Vendor] = {}
    claimed: set[str] = set()
    for entity in entities:
        kind = CATEGORIES.get(entity["category"])
        hosts = [host for domain in entity["domains"] if (host := _host(domain)) and host not in claimed]
        slug = re.sub(r"[^a-z0-9]+", "-", entity["name"].lower()).strip("-")
        vendor_id = LONG_TAIL_ID + slug
        if kind is None or not hosts or not slug or vendor_id in found:
            continue
        claimed.update(hosts)
        found[vendor_id] = Vendor(
            vendor_id, entity["name"], KINDS[kind].purpose, SOURCE, kind, hosts=tuple(sorted(set(hosts)))
        )
    return [found[vendor_id] for vendor_id in sorted(found)]


def _host(domain: str) -> str | None:
    host = domain.lower().removeprefix("*.")
    return host if re.fullmatch(r"(?:[a-z0-9_-]+\.)+[a-z]+", host) and not is_public_suffix(host) else None


def left(tail: Iterable[Vendor], curated: Iterable[Vendor]) -> list[Vendor]:
    """The long tail less the hosts of which a curated entry says anything."""
    patterns = {pattern.partition("/")[0] for vendor in curated for pattern in vendor.hosts}
    above = {name for host in patterns for name in parents(host)}
    kept: list[Vendor] = []
    for vendor in tail:
        hosts = tuple(host for host in vendor.hosts if host not in above and patterns.isdisjoint(parents(host)))
        if hosts:
            kept.append(Vendor(vendor.id, vendor.name, vendor.purpose, vendor.source, vendor.kind, hosts=hosts))
    return kept


# --- the documentation ------------------------------------------------------------------------------------------------

_HEAD = """\
# Vendors

Who the web's hosts, cookies, tags and snippets belong to, and what for. This page is written by `make vendors` from
`dntguard/data/` and `dntguard/vendors/kinds.py`; change those.

{counts}

Each vendor has one purpose: `necessary` is always granted; by default `DNT: 1` and `Sec-GPC: 1` refuse `analytics` and
`marketing` and leave `functional` (`dnt_refuses`, `gpc_refuses`).

## How a site files it otherwise

```python
from dntguard.asgi import DNTGuardMiddleware
from starlette.applications import Starlette

app = DNTGuardMiddleware(
    Starlette(),
    # Another purpose, for this site:
    purposes={{"youtube": "functional", "google-fonts": "necessary"}},
    # Never refused, and refused for everybody: vendors or hosts.
    allow=["vimeo", "maps.example.net"],
    block=["yandex-metrica"],
    # What no vendor claims stays: the registry is the only judge.
    third_party="keep",
    # Vendors of the site's own; the path of a TOML file will do too.
    vendors=[
        {{"id": "our-counter", "purpose": "analytics", "hosts": ["count.example.net"], "cookies": ["_ourc_*"]}},
    ],
)
```

Entries of `vendors` follow the schema in `dntguard/vendors/schema.py`: `id`, `purpose` and at least one fact. One with
the id of a vendor below takes its place. Of the same pattern for a host, and of a cookie, the site's own entry has it;
of two patterns for a host the more specific one decides, whoever claims it.
`python -m dntguard vendors --check FILE.toml` says what that is, `python -m dntguard vendors --coverage FILE` whom a
page or a HAR file asks, and `python -m dntguard explain NAME` why one host or cookie is refused.

A host belongs to the most specific pattern, and on it to the longest path. What the site's own host serves belongs to a
vendor only by a mark that is the vendor's alone: a file such as `/matomo.js`, an identifier in the query such as
`?id=GTM-...`, an attribute such as `data-website-id`.

## What is filed where, and why

A vendor that is not filed as its kind is says why in the table below.

| kind | purpose | why | vendors |
|---|---|---|---|
{kinds}
"""


def documentation(curated: list[Vendor], tail: list[Vendor]) -> str:
    """The text of docs/vendors.md."""
    numbers = count([*curated, *tail])
    columns = [fact for fact in FACTS if not fact.startswith("with ")]
    head = [f"| purpose | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    rows = [f"| {row} | {' | '.join(str(facts[column]) for column in columns)} |" for row, facts in numbers.items()]
    of_kind = {kind: [vendor for vendor in curated if vendor.kind == kind] for kind in KINDS}
    kinds = [
        f"| [{kind.name}](#{_anchor(kind.name)}) | {kind.purpose.value} | {kind.why} | {len(of_kind[name])} |"
        for name, kind in KINDS.items()
    ]
    counts = f"{len(curated)} vendors are curated, {len(tail)} more are known by their hosts from third-party-web:\n\n"
    text = [_HEAD.format(counts=counts + "\n".join([*head, *rows]), kinds="\n".join(kinds))]
    for name, kind in KINDS.items():
        text.append(f"## {kind.name}\n\n| vendor | id | purpose | known by |\n|---|---|---|---|")
        for vendor in sorted(of_kind[name], key=lambda vendor: vendor.name.lower()):
            why = f": {vendor.why}" if vendor.why else ""
            cells = [f"[{_cell(vendor.name)}]({vendor.source})", f"`{vendor.id}`", vendor.purpose.value + _cell(why)]
            text.append(f"| {' | '.join(cells)} | {_known_by(vendor)} |")
        text.append("")
    purposes = [purpose for purpose in Purpose if any(vendor.purpose is purpose for vendor in tail)]
    text.append("## The long tail\n\nFrom [third-party-web](" + SOURCE + "), by its categories.\n")
    for purpose in purposes:
        names = sorted({_cell(vendor.name) for vendor in tail if vendor.purpose is purpose}, key=str.lower)
        text.append(f"{purpose.value.capitalize()}: {', '.join(names)}.\n")
    return "\n".join(text)


def _known_by(vendor: Vendor) -> str:
    facts = {
        "hosts": len(vendor.hosts),
        "cookies": len(vendor.cookies),
        "snippets": len(vendor.inline),
        "paths": len(vendor.paths),
        "tags": len(vendor.elements),
    }
    first = vendor.hosts[:1] or tuple(cookie.name for cookie in vendor.cookies[:1])
    shown = f"`{first[0]}`; " if first else ""
    return shown + ", ".join(f"{number} {what}" for what, number in facts.items() if number)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


if __name__ == "__main__":
    sys.exit(main())
