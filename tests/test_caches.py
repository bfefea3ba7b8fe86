"""The bounded cache: right values, bounded memory, any number of threads."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dntguard.caches import BoundedCache

THREADS = 8


def held(cache: BoundedCache[int]) -> int:
    return sum(map(len, cache))


def test_a_value_is_computed_once_while_it_is_held() -> None:
    """The second look-up of a key does not compute."""
    computed: list[bytes] = []

    def compute(key: bytes) -> int:
        computed.append(key)
        return len(key)

    cache = BoundedCache(compute, entries=4, size=100)
    assert [cache[b"a"], cache[b"bb"], cache[b"a"]] == [1, 2, 1]
    assert computed == [b"a", b"bb"]


@given(st.lists(st.binary(max_size=30), max_size=80), st.integers(1, 6), st.integers(0, 60))
def test_no_sequence_of_keys_goes_over_a_bound_or_gets_a_wrong_value(
    keys: list[bytes], entries: int, size: int
) -> None:
    """After each look-up both bounds hold, and the value is what `compute` says, before and after clearing."""
    cache = BoundedCache(len, entries=entries, size=size)
    for key in keys:
        assert cache[key] == len(key)
        assert len(cache) <= entries
        assert held(cache) <= size


def test_a_full_cache_forgets_everything_and_goes_on() -> None:
    """The entry that did not fit is the first of the next generation."""
    cache = BoundedCache(len, entries=2, size=100)
    for key in (b"a", b"b", b"c"):
        assert cache[key] == 1
    assert dict(cache) == {b"c": 1}


def test_a_key_of_more_than_a_quarter_of_the_size_is_not_held() -> None:
    """One large script does not push out what small ones share; its value is right all the same."""
    cache = BoundedCache(len, entries=10, size=40)
    assert cache[b"x" * 10] == 10
    assert cache[b"x" * 11] == 11
    assert list(cache) == [b"x" * 10]


def test_an_error_of_the_computation_leaves_the_cache_as_it_was() -> None:
    """What could not be computed is not held, and does not count."""

    def compute(key: bytes) -> int:
        return int(key)

    cache = BoundedCache(compute, entries=2, size=100)
    with pytest.raises(ValueError, match="invalid literal"):
        cache[b"x"]
    assert (cache[b"1"], cache[b"2"]) == (1, 2)
    assert dict(cache) == {b"1": 1, b"2": 2}


def test_threads_that_share_a_cache_get_right_values_and_keep_its_bounds() -> None:
    """Races cost a second computation, never a wrong value; the bounds are off by no more than a key per thread."""
    cache = BoundedCache(lambda key: key * 2, entries=50, size=2000)
    largest = 20

    def hammer(seed: int) -> int:
        rng = random.Random(seed)
        wrong = 0
        for _ in range(5_000):
            key = b"%d" % rng.randrange(120) * rng.randint(1, 6)
            wrong += cache[key] != key * 2
        return wrong

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(hammer, range(THREADS))) == 0
    assert len(cache) <= 50 + THREADS
    assert sum(map(len, cache)) <= 2000 + THREADS * largest
