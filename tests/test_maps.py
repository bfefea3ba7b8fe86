"""Import maps and speculation rules: what they would load from a refused address becomes an empty module."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.maps import REPLACEMENT, map_without_refused

BAD = b"https://bad.example/x.js"


def is_bad(url: str) -> bool:
    """Refuses what is called bad; nothing else is."""
    return "bad.example" in url


# A mark stands for a refused address: $ where it must go, ~ where it must stay.
REPLACED: dict[str, bytes] = {
    "an import": b'{"imports": {"vue": "$", "own": "/own.js"}}',
    "an import under any key": b'{"imports":{"~":"$","source":"$","tag":"$","not":"$","":"$","integrity":"$"}}',
    "a scope": b'{"scopes": {"/a/": {"vue": "$"}, "not": {"href_matches": "$", "requires": "$"}, "~": {"x": "$"}}}',
    "an import twice": b'{"imports":{"a":"$"},"imports":{"a":"$","a":"$"}}',
    "a key with escapes": b'{"\\u0069mports":{"tag":"$"},"\\u0073\\u0063opes":{"x":{"tag":"$"}}}',
    "an import beside hashes": b'{"integrity":{"~":"sha384-~"},"imports":{"a":"$"}}',
    "whitespace": b' \t\r\n{ "imports" :\n{ "a"\t: "$"\r} , "b":[ ] , "c" : { } }\n',
    "numbers and words": b'{"a":[0,-0,1.5,-12e3,1E+2,2e-7,0.1,true,false,null,"$"],"b":"$","c":1}',
    "a number of very many digits": b'{"a":' + b"1" * 5000 + b',"imports":{"b":"$"}}',
    "a list of URLs": b'{"prefetch":[{"source":"list","urls":["$","/own","$"],"tag":"x"}],"x":[{"urls":["$"]}]}',
    "patterns of links": b'{"prerender":[{"where":{"or":[{"href_matches":"$"},{"href_matches":["$","/own/*"]}]}}]}',
    "a pattern negated twice": b'{"x":[{"where":{"not":{"and":[{"not":{"href_matches":"$"}},{"href_matches":"~"}]}}}]}',
    "behind a negated pattern": b'{"prefetch":[{"where":{"not":{"href_matches":"~"}},"urls":["$"]},{"urls":["$"]}]}',
    "behind words": b'{"tag":"~","prefetch":[{"requires":["~",["~",{"x":"$"}],"~"],"tag":"~","urls":["$"]}]}',
    "no object": b'["$",{"a":"$"},[["$"],"$"]]',
    "a lone string": b'"$"',
    "bytes of other encodings": b'{"imports":{"\xff":"\xe9","a":"$"}}',
    "deep nesting": b'{"imports":{"a":"$"},"x":' + b"[" * 5000 + b'{"y":"$"}' + b"]" * 5000 + b"}",
}
KEPT: dict[str, bytes] = {
    "nothing": b"",
    "an empty map": b"{}",
    "no strings": b"[1]",
    "words": b'{"tag":"~","prefetch":[{"source":"~","eagerness":"~","referrer_policy":"~","relative_to":"~",'
    b'"requires":["~"],"expects_no_vary_search":"~","target_hint":"~","where":{"selector_matches":["a[href^=\'~\']"]},"urls":[]}]}',
    "what must not be fetched": b'{"x":[{"where":{"and":[{"href_matches":"/*"},{"not":{"href_matches":["~"]}}]}}]}',
    "keys": b'{"~":1,"imports":{"~":"/own.js"},"scopes":{"~":{"~":"/own.js"}}}',
    "hashes": b'{"integrity":{"/x.js":"~"}}',
    "a trailing comma": b'{"imports":{"a":"~",}}',
    "a trailing comma in an array": b'["~",]',
    "a missing comma": b'{"a":"~" "b":"~"}',
    "a missing colon": b'{"a" "~"}',
    "a missing key": b'{:"~"}',
    "a missing value": b'{"a":,"b":"~"}',
    "a value that ends too early": b'{"b":"~","a":}',
    "a colon in an array": b'["a":"~"]',
    "a number as a key": b'{1:"~"}',
    "an object as a key": b'{{}:"~"}',
    "two values": b'"~" "~"',
    "two values with a comma": b'"~","~"',
    "more behind the end": b'["~"]]',
    "the end too early": b'["~"',
    "the end after a comma": b'["~",',
    "brackets that do not match": b'["~"}',
    "braces that do not match": b'{"a":"~"]',
    "a string without end": b'["~","',
    "a string with a newline": b'["~","\n"]',
    "a bad escape": b'["~","\\x"]',
    "a bad escape by number": b'["~","\\u12"]',
    "single quotes": b"['~']",
    "a comment": b'/**/["~"]',
    "a byte-order mark": b'\xef\xbb\xbf["~"]',
    "a wide space": b'["~"]\xc2\xa0',
    "a form feed": b'["~"]\f',
    "words that only Python knows": b'["~",NaN,Infinity]',
    "a number that begins with zero": b'["~",01]',
    "half a number": b'["~",1.]',
    "a bare sign": b'["~",-]',
}


@pytest.mark.parametrize("name", REPLACED)
def test_a_refused_url_is_replaced_in_place(name: str) -> None:
    template = REPLACED[name].replace(b"~", BAD)
    for address in (BAD, b"https:\\u002f\\/\\u0062ad.example", b"//bad.example"):
        text, after = template.replace(b"$", address), template.replace(b"$", REPLACEMENT)
        assert map_without_refused(text, is_bad) == after
        assert map_without_refused(after, is_bad) is after


@pytest.mark.parametrize("name", KEPT)
def test_everything_else_keeps_its_bytes(name: str) -> None:
    text = KEPT[name].replace(b"~", BAD)
    assert map_without_refused(text, is_bad) is text


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        (b'{"imports":{"a":"/a.js","b":"./b","c":""}}', ["/a.js", "./b", ""]),
        (b'["\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\xc3\xa9\xff"]', ['"\\/\b\f\n\r\t\xe9\xe9\ufffd']),
        (b'["\\ud83c\\udf3f","\\ud83c","\\udf3fx"]', ["\U0001f33f", "\ufffd", "\ufffdx"]),
        (b'{"prefetch":[{"urls":["a?b","c"],"tag":"d"}]}', ["a?b", "c"]),
        (b'["a"', []),
    ],
)
def test_the_question_is_about_the_decoded_string(text: bytes, urls: list[str]) -> None:
    asked: list[str] = []

    def refuses(url: str) -> bool:
        asked.append(url)
        return False

    assert map_without_refused(text, refuses) is text
    assert asked == urls


@pytest.mark.parametrize("more", [b"[", b"]", b"{", b'{"a":', b'"', b'"a",', b"[[],", b" ", b"1", b"-", b"\\", b'"\\u'])
def test_time_is_linear(more: bytes) -> None:
    before = time.process_time()
    map_without_refused(b'{"imports":{"a":"//bad.example"},"x":[' + more * (500_000 // len(more)), is_bad)
    assert time.process_time() - before < 10


# --- properties -------------------------------------------------------------------------------------------------------

_strings = st.one_of(
    st.sampled_from((BAD.decode(), "//bad.example", "/own.js", "./x", "list", "not")), st.text(max_size=5)
)
_keys = st.one_of(
    st.sampled_from("imports scopes integrity prefetch prerender urls where href_matches not source tag".split()),
    _strings,
)
_values = st.recursive(
    st.one_of(_strings, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_keys, inner, max_size=4)),
    max_leaves=12,
)
maps = st.builds(
    lambda value, ascii_only, indent: json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode(
        "utf-8", "replace"
    ),
    _values,
    st.booleans(),
    st.sampled_from((None, 1)),
)
_pieces = st.sampled_from(
    (
        *b'{ } [ ] , : "a" "imports" "not" 1 -1.5e3 01 true null nul \\ " \' NaN'.split(),
        b'"//bad.example"',
        b" ",
        b"\xff",
    )
)
broken = st.one_of(st.lists(_pieces, max_size=12).map(b"".join), st.binary(max_size=40))


def _loads(text: bytes) -> object:
    """What the standard library reads, with the words taken out that only it knows."""

    def refuse(word: str) -> object:
        raise ValueError(word)

    return json.loads(text.decode("utf-8", "replace"), parse_constant=refuse)


def _replaced(value: object, top: str | None = None, key: str = "", negated: bool = False) -> object:
    """The value as it must be read after the rewriting."""
    if isinstance(value, dict):
        return {
            name: _replaced(inner, name if top is None else top, name, negated ^ (name == "not"))
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_replaced(inner, top, key, negated) for inner in value]
    spared = top == "integrity" or negated or key in ("source", "tag")
    if isinstance(value, str) and is_bad(value) and (top in ("imports", "scopes") or not spared):
        return REPLACEMENT.decode()
    return value


@given(maps)
def test_exactly_the_refused_urls_are_replaced(text: bytes) -> None:
    rewritten = map_without_refused(text, is_bad)
    assert _loads(rewritten) == _replaced(_loads(text))
    assert map_without_refused(rewritten, is_bad) is rewritten


@given(st.one_of(maps, broken))
def test_where_nothing_is_refused_nothing_changes(text: bytes) -> None:
    assert map_without_refused(text, lambda _: False) is text


@given(broken)
def test_what_is_no_json_keeps_its_bytes(text: bytes) -> None:
    try:
        _loads(text)
    except ValueError:
        assert map_without_refused(text, lambda _: True) is text
    else:
        assert _loads(map_without_refused(text, is_bad)) == _replaced(_loads(text))
