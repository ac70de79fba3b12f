import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import make_agent, make_customer, make_member
from kit import tenancy

pytestmark = pytest.mark.django_db


def in_force() -> tuple[str, str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, coalesce(current_setting('app.organisation', true), ''),"
            " coalesce(current_setting('app.reach', true), '')"
        )
        return cursor.fetchone()


@pytest.mark.parametrize("_case, is_failing", [("ends well", False), ("fails", True)])
def test_the_outer_scope_is_back_after_an_inner_one(_case, is_failing):
    ours, theirs = make_customer(), make_customer()

    with ours.scope():
        before = in_force()
        try:
            with theirs.downline_scope():
                assert in_force() == ("signalbox_web", str(theirs.pk), "below")
                if is_failing:
                    raise ValueError
        except ValueError:
            pass
        assert in_force() == before == ("signalbox_web", str(ours.pk), "own")
    assert in_force()[0] == "signalbox_engine"
    assert tenancy.current_scope() is None


def test_a_failed_statement_inside_a_scope_leaves_the_outer_one_in_force():
    ours = make_customer()

    with ours.scope():
        with pytest.raises(DatabaseError), ours.downline_scope(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        assert in_force() == ("signalbox_web", str(ours.pk), "own")


def test_entering_the_scope_one_is_in_costs_nothing():
    ours = make_customer()
    user = make_member(ours).user

    with ours.scope(user=user.pk), CaptureQueriesContext(connection) as seen, ours.scope() as scope:
        assert scope.user == user.pk

    assert len(seen) == 0


def test_a_wider_scope_keeps_who_is_at_work():
    agent = make_agent()
    user = make_member(agent).user

    with agent.scope(user=user.pk), agent.downline_scope() as below:
        assert below.user == user.pk


def test_an_undecided_transaction_leaves_nothing_behind():
    ours = make_customer()

    with tenancy.undecided():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('role', 'signalbox_web', true)")
        tenancy.adopt(tenancy.Scope(organisation=ours.pk, path=ours.path))
        assert tenancy.current_scope().organisation == ours.pk

    assert tenancy.current_scope() is None
    assert in_force()[0] == "signalbox_engine"


def test_a_scope_is_gone_with_its_transaction():
    ours = make_customer()

    with ours.scope():
        pass

    assert in_force() == ("signalbox_engine", "", "")
