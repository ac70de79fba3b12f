"""What the faults can leave in doubt is within what is promised, before anybody has sent anything."""

from messaging.channels.models import Channel
from messaging.channels.runtime import BATCHES_AT_ONCE, MOST_WINDOWS_IN_HAND, OpenChannel
from messaging.channels.types.simulator.channel import SimulatorChannel
from portal.queues import DISPATCH, QUEUES
from tests.chaos import judge, prepare, story, test_kill_minus_nine

ENDS_OF_A_WORKER = ("dispatch process", "dispatch worker")
ENDS_OF_A_CARRIER = tuple(f"{name} carrier" for name in prepare.COUNTRIES)


def most_in_doubt(plan: story.Plan) -> int:
    """A carrier has a line to each process, and a process drains them side by side.

    Of who was killed the journal tells what was answered, so only a window of each line is in doubt; of who lives and does
    nothing, nobody can tell before it wakes: that is all it has in hand, most where carriers come one after the other.
    """
    faults = [fault.name for fault in plan.faults]
    killed, carriers = (sum(map(faults.count, names)) for names in (ENDS_OF_A_WORKER, ENDS_OF_A_CARRIER))
    in_hand = faults.count("dispatch frozen") * sum(most_in_hand(place) for place, _ in enumerate(prepare.COUNTRIES, 1))
    windows = (killed * len(prepare.COUNTRIES) + carriers) * prepare.WINDOW
    return QUEUES[DISPATCH] * (windows + in_hand)


def most_in_hand(place: int) -> int:
    """Of a carrier that is taken up after others, which have all they may."""
    return min(BATCHES_AT_ONCE * largest_batch(), MOST_WINDOWS_IN_HAND * prepare.WINDOW // place)


def largest_batch() -> int:
    """What a carrier that is always quick is given at last."""
    channel, size = OpenChannel(Channel(window=prepare.WINDOW, rate_per_second=None), SimulatorChannel({})), 0
    while channel.batch_size > size:
        size = channel.batch_size
        channel.note_batch(size, 0.001)
    return size


def test_the_long_form_leaves_no_more_in_doubt_than_is_promised():
    """A seed says when each fault comes, not which there are."""
    plan = story.long_plan(1, story.MESSAGES, rounds=1)

    assert 0 < most_in_doubt(plan) <= judge.MOST_UNKNOWN * story.MESSAGES


def test_the_short_form_is_held_to_what_its_faults_can_leave():
    plan = story.short_plan(test_kill_minus_nine.SEED, test_kill_minus_nine.MESSAGES)

    assert most_in_doubt(plan) == test_kill_minus_nine.MOST_UNKNOWN
