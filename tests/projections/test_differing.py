"""What became of events is told from their leaves and their positions."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from commands.merkle import leaf_of
from commands.subscription import Recorded
from projections.differing import Difference, Stretch, differences, with_swaps
from tests.cast import GENERAL

BEFORE = 1000
STRETCH = 20


def event(position: int, says: str = "") -> Recorded:
    return Recorded(position, GENERAL, position, "message.posted", f"message:{position}", says.encode())


WAS = [event(10 + i) for i in range(STRETCH)]


def found(events: Sequence[Recorded]) -> list[Difference]:
    stretch = Stretch(0, 9, BEFORE, [leaf_of(each) for each in WAS], events, [leaf_of(each) for each in events])
    return with_swaps(list(differences(stretch)))


def test_what_is_as_it_was_differs_in_nothing() -> None:
    assert found(WAS) == []


def test_one_that_is_gone_had_the_position_between_its_neighbours() -> None:
    (gone,) = found([*WAS[:3], *WAS[4:]])
    assert (gone.kind, gone.leaf_index, list(gone.positions or ())) == ("removed", 3, [13])


def test_at_the_end_of_what_was_hashed_it_is_not_known() -> None:
    (gone,) = found(WAS[:-1])
    assert (gone.kind, gone.leaf_index, gone.positions, gone.before) == ("removed", 19, None, BEFORE)


def test_several_in_a_row_are_one_difference() -> None:
    (gone,) = found([*WAS[:3], *WAS[8:]])
    assert (len(gone.leaves), list(gone.positions or ())) == (5, [13, 14, 15, 16, 17])


def test_one_more_was_inserted() -> None:
    (more,) = found([*WAS, event(500)])
    assert (more.kind, more.leaf_index, [each.position for each in more.events]) == ("inserted", 20, [500])


def test_of_three_that_were_turned_round_each_is_changed() -> None:
    turned = [WAS[1]._replace(position=10), WAS[2]._replace(position=11), WAS[0]._replace(position=12)]
    assert [each.kind for each in found([*turned, *WAS[3:]])] == ["changed"] * 3


def test_two_pairs_that_were_swapped_are_two_differences() -> None:
    events = list(WAS)
    for one, other in ((2, 3), (5, 9)):
        a, b = events[one], events[other]
        events[one], events[other] = b._replace(position=a.position), a._replace(position=b.position)
    assert [(each.kind, each.leaf_index) for each in found(events)] == [("swapped", 2), ("swapped", 5)]


@given(st.data())
def test_every_leaf_without_its_event_and_every_event_without_a_leaf_is_in_a_difference(data: st.DataObject) -> None:
    what = data.draw(st.lists(st.sampled_from(["keep", "change", "remove"]), min_size=STRETCH, max_size=STRETCH))
    events = [
        each._replace(state=b"!") if done == "change" else each
        for each, done in zip(WAS, what, strict=True)
        if done != "remove"
    ]
    leaves = {leaf for each in found(events) for leaf in each.leaves}
    assert leaves == {leaf_of(each) for each, done in zip(WAS, what, strict=True) if done != "keep"}
    strange = {each for difference in found(events) for each in difference.events}
    assert strange == {each for each in events if each.state == b"!"}
