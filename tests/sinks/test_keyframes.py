from livelens.clock import NS_PER_S
from livelens.sinks.keyframes import KeyframePolicy

MS = NS_PER_S // 1000


def test_nobody_asks() -> None:
    policy = KeyframePolicy()
    assert not policy.due(0)
    policy.made(0)
    assert not policy.due(10 * NS_PER_S)


def test_a_new_viewer_is_served_at_once() -> None:
    policy = KeyframePolicy()
    policy.made(0)
    policy.request(joined=True)
    assert policy.due(150 * MS)


def test_new_viewers_within_a_tenth_of_a_second_share_one() -> None:
    policy = KeyframePolicy()
    policy.request(joined=True)
    assert policy.due(0)
    policy.made(0)
    policy.request(joined=True)
    policy.request(joined=True)
    assert not policy.due(60 * MS)
    assert policy.due(100 * MS)
    policy.made(100 * MS)
    assert not policy.due(NS_PER_S)


def test_repairs_are_half_a_second_apart_and_not_forgotten() -> None:
    policy = KeyframePolicy()
    policy.made(0)
    for at_ms in range(0, 500, 20):
        policy.request(joined=False)
        assert not policy.due(at_ms * MS)
    assert policy.due(500 * MS)
    assert policy.due(533 * MS), "until one was made"
    policy.made(533 * MS)
    assert not policy.due(2000 * MS)


def test_a_keyframe_for_another_reason_serves_all() -> None:
    policy = KeyframePolicy()
    policy.made(0)
    policy.request(joined=False)
    policy.request(joined=True)
    policy.made(300 * MS)
    assert not policy.due(5 * NS_PER_S)
