"""`make vendors`: what becomes of third-party-web's data, and that the generated files are those of the entries."""

import pytest

from dntguard.purposes import Purpose
from dntguard.vendors import Registry, Vendor
from scripts import vendors as script


def entity(name: str, category: str, *domains: str) -> dict[str, object]:
    return {"name": name, "category": category, "domains": list(domains)}


def test_entities_become_vendors_by_their_category() -> None:
    """Stars are left out, for a host covers its subdomains; what says nothing of a purpose is left out."""
    found = script.long_tail(
        [
            entity("Ads & Co", "ad", "*.ads.example.com", "AD.example.org"),
            entity("Count", "analytics", "count.example.com", "com", "*.co.uk", "not a host"),
            entity("Files", "cdn", "files.example.com"),
            entity("Other", "other", "other.example.com"),
            entity("Chat", "customer-success", "chat.example.com"),
            entity("Late", "ad", "ads.example.com"),
            entity("Count", "analytics", "other-count.example.com"),
            entity("!", "ad", "x.example.com"),
        ]
    )
    assert [(vendor.id, vendor.kind, vendor.purpose, vendor.hosts) for vendor in found] == [
        ("tpw-ads-co", "ad-server", Purpose.MARKETING, ("ad.example.org", "ads.example.com")),
        ("tpw-chat", "chat", Purpose.FUNCTIONAL, ("chat.example.com",)),
        ("tpw-count", "analytics", Purpose.ANALYTICS, ("count.example.com",)),
    ]


def test_a_curated_entry_wins_over_the_long_tail() -> None:
    """Of a host, of all below it, and of a domain above it, of which somebody has looked at a part."""
    tail = [
        Vendor("tpw-a", "A", Purpose.MARKETING, hosts=("a.example", "sub.b.example", "other.example")),
        Vendor("tpw-c", "C", Purpose.MARKETING, hosts=("c.example",)),
    ]
    curated = [Vendor("x", "X", Purpose.NECESSARY, hosts=("a.example", "b.example", "pay.c.example/v3/"))]
    assert [(vendor.id, vendor.hosts) for vendor in script.left(tail, curated)] == [("tpw-a", ("other.example",))]
    Registry([*curated, *script.left(tail, curated)])


def test_the_generated_files_are_those_of_the_entries(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make check` asks the same, and names what is old."""
    monkeypatch.setattr("sys.argv", ["vendors.py", "--check"])
    assert script.main() == 0
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(script, "documentation", lambda curated, tail: "")
    assert script.main() == 1
    assert capsys.readouterr().out == "docs/vendors.md is not what `make vendors` writes; run it\n"


def test_the_documentation_names_each_curated_vendor_and_says_why() -> None:
    """With its page, its purpose, and the reason where it is not filed as its kind."""
    odd = Vendor("v", "V | W", Purpose.MARKETING, "https://v.example/", "video", "It profiles.", hosts=("v.example",))
    text = script.documentation([odd], [Vendor("tpw-a", "A", Purpose.MARKETING, hosts=("a.example",))])
    assert "| [V \\| W](https://v.example/) | `v` | marketing: It profiles. | `v.example`; 1 hosts |" in text
    assert "| [Video](#video) | functional | Players show" in text
    assert "Marketing: A." in text
