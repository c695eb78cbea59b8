"""Who is shown."""

from livelens.framing.director import Choice, Composition, Director

from .scenes import Found, Scene

PLAIN = Composition(max_zoom=1, headroom=0, lead_room=0)


def scene(choice: Choice | None = None, composition: Composition = PLAIN) -> Scene:
    return Scene(Director(choice or Choice(), composition))


def test_shows_the_whole_when_there_is_nobody() -> None:
    decision = scene().frame()
    assert (decision.state, decision.subjects) == ("wide", ())
    assert (decision.target.x, decision.target.y, decision.target.size) == (640, 360, 1)


def test_is_exactly_in_the_middle_of_the_subject_without_composition() -> None:
    here = scene()
    for x in (300.0, 304.25, 311.5, 330.0):
        decision = here.frame(Found(x, 401.5, number=1))
        assert (decision.target.x, decision.target.y, decision.target.size) == (x, 401.5, 1)
        assert decision.subjects == (1,)
        assert decision.state == "following"
