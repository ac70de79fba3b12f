import pytest
from django.test import RequestFactory

from accounts.rules.permissions import Role
from accounts.tests.factories import make_agent, make_customer, make_member, make_operator, sign_in
from messaging.content.tests.factories import submitted_version
from portal.site.navigation import GROUPS, address, menu_for

pytestmark = pytest.mark.django_db
MAKERS = {"operator": make_operator, "agent": make_agent, "customer": make_customer}


def request_of(membership, path: str = "/home/"):
    request = RequestFactory().get(path)
    request.membership, request.organisation, request.user = membership, membership.organisation, membership.user
    return request


def lines_of(membership, path: str = "/home/") -> list[dict]:
    return [line for group in menu_for(request_of(membership, path)) for line in group["items"]]


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("role", list(Role))
def test_the_menu_leads_only_where_the_person_may_go(client, kind, role):
    membership = make_member(MAKERS[kind](), role)
    sign_in(client, membership.user)

    answers = {line["url"]: client.get(line["url"]).status_code for line in lines_of(membership)}

    assert set(answers.values()) == {200}, answers


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("role", list(Role))
def test_what_the_permission_matrix_withholds_is_not_in_the_menu(kind, role):
    membership = make_member(MAKERS[kind](), role)

    shown = {line["url"] for line in lines_of(membership)}
    withheld = {
        address(entry.url_name) for group in GROUPS for entry in group.entries if not membership.may(entry.permission)
    }

    assert not shown & withheld


def test_the_page_itself_and_pages_below_it_are_marked():
    membership = make_member(make_customer())

    def active(path: str) -> list[str]:
        return [line["url"] for line in lines_of(membership, path) if line["active"]]

    assert active("/home/") == ["/home/"]
    assert active("/messages/0190/") == ["/messages/"]
    assert active("/settings/team/") == ["/settings/team/"]
    assert active("/elsewhere/") == []


def test_the_review_queue_shows_how_many_wait():
    submitted_version(make_customer())
    membership = make_member(make_operator(), Role.REVIEWER)

    (queue,) = [line for line in lines_of(membership) if line["url"] == "/reviews/"]

    assert queue["count"] == 1


def test_two_keys_never_lead_to_two_places():
    keys = [entry.key for group in GROUPS for entry in group.entries if entry.key]

    assert len(keys) == len(set(keys))
