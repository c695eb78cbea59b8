from livelens.clock import NS_PER_S
from livelens.sinks.keyframes import KeyframePolicy

MS = NS_PER_S // 1000


def test_nobody_asks() -> None:
    policy = KeyframePolicy()
    assert not policy.due(0, 0)
    policy.made(0)
    assert not policy.due(10 * NS_PER_S, 0)


def test_a_new_viewer_is_served_at_once() -> None:
    policy = KeyframePolicy()
    policy.made(0)
    policy.request(joined=True)
    assert policy.due(150 * MS, 0)


def test_new_viewers_within_a_tenth_of_a_second_share_one() -> None:
    policy = KeyframePolicy()
    policy.request(joined=True)
    assert policy.due(0, 0)
    policy.made(0)
    policy.request(joined=True)
    policy.request(joined=True)
    assert not policy.due(60 * MS, 0)
    assert policy.due(100 * MS, 0)
    policy.made(100 * MS)
    assert not policy.due(NS_PER_S, 0)


def test_repairs_are_half_a_second_apart_and_not_forgotten() -> None:
    policy = KeyframePolicy()
    policy.made(0)
    for at_ms in range(0, 500, 20):
        policy.request(joined=False)
        assert not policy.due(at_ms * MS, 0)
    assert policy.due(500 * MS, 0)
    assert policy.due(533 * MS, 0), "until one was made"
    policy.made(533 * MS)
    assert not policy.due(2000 * MS, 0)


def test_a_keyframe_for_another_reason_serves_all() -> None:
    policy = KeyframePolicy()
    policy.made(0)
    policy.request(joined=False)
    policy.request(joined=True)
    policy.made(300 * MS)
    assert not policy.due(5 * NS_PER_S, 0)


def test_who_comes_from_another_rendition_waits_for_what_he_has_not_seen() -> None:
    policy = KeyframePolicy()
    policy.made(0)
    policy.request_after(900 * MS)
    assert not policy.due(1000 * MS, 800 * MS)
    policy.made(1100 * MS)  # for somebody else: too old for him
    assert not policy.due(1300 * MS, 900 * MS), "he has seen this one already"
    assert policy.due(1333 * MS, 933 * MS)
    policy.made(1333 * MS)
    assert not policy.due(3000 * MS, 2500 * MS)
