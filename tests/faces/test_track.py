"""Following one face among several, and choosing whom a clip shows."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dfstudy.faces.track import PATIENCE, link_faces

from .conftest import face_at


def lefts(track) -> dict[int, float]:
    return {at: face.box[0] for at, face in sorted(track.faces.items())}


def test_each_person_is_one_track():
    looks = [[face_at(10 + 6 * at, 40), face_at(120 - 4 * at, 40)] for at in range(8)]
    looks[3].reverse()
    del looks[5][1]
    one, other = link_faces(looks, 160, 120)
    assert lefts(one) == {at: 10 + 6 * at for at in range(8)}
    assert lefts(other) == {at: 120 - 4 * at for at in range(8) if at != 5}


def test_persistence_beats_a_large_face_for_a_moment():
    looks = [[face_at(70, 40)] for _ in range(20)]
    looks[9] = [face_at(0, 0, 40, 60), face_at(70, 40)]
    main, brief = link_faces(looks, 160, 120)
    assert len(main.faces) == 20 and lefts(brief) == {9: 0}


def test_a_large_face_beats_a_small_one_for_as_long():
    looks = [[face_at(70, 45, 12, 18), face_at(20, 30, 40, 60)] for _ in range(6)]
    assert lefts(link_faces(looks, 160, 120)[0]) == dict.fromkeys(range(6), 20)


def test_a_face_may_turn_away_for_a_while_and_no_longer():
    away = [[face_at(70, 40)], *[[]] * (PATIENCE - 1), [face_at(74, 40)]]
    assert len(link_faces(away, 160, 120)) == 1
    assert len(link_faces([*away[:1], [], *away[1:]], 160, 120)) == 2


def test_a_cut_and_a_change_of_size_end_a_track():
    assert len(link_faces([[face_at(10, 40)], [face_at(120, 40)]], 160, 120)) == 2
    assert len(link_faces([[face_at(60, 40, 10, 15)], [face_at(58, 38, 30, 45)]], 160, 120)) == 2


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 140), st.integers(0, 90)), max_size=4), max_size=8))
def test_every_face_belongs_to_one_track(places):
    looks = [[face_at(*place) for place in look] for look in places]
    tracks = link_faces(looks, 160, 120)
    assert sum(len(track.faces) for track in tracks) == sum(map(len, looks))
    weights = [track.weight for track in tracks]
    assert weights == sorted(weights, reverse=True)
