from __future__ import annotations

from trimtab.storefront.pace import RoundTrip, attempt_timeout, backoff


def test_a_timeout_is_never_below_the_round_trip() -> None:
    far = RoundTrip(guess=0.1)
    for _ in range(20):
        far.measured(0.35)
    assert attempt_timeout(far, 0, floor=0.1, ceiling=4.0) > 0.35


def test_a_guess_serves_until_something_is_measured() -> None:
    trip = RoundTrip(guess=0.5)
    assert trip.seconds == 0.5
    trip.measured(0.02)
    assert trip.seconds == 0.02


def test_timeouts_and_pauses_grow_and_stay_bounded() -> None:
    trip = RoundTrip()
    trip.measured(0.01)
    waits = [attempt_timeout(trip, failures, floor=0.6, ceiling=4.0) for failures in range(12)]
    assert waits == sorted(waits)
    assert waits[0] == 0.6
    assert waits[-1] == 4.0
    assert all(0.025 <= backoff(failures) <= 1.0 for failures in range(40))
