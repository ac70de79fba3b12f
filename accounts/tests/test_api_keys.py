from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actions import revoke_api_key, suspend_organisation
from accounts.api import authenticate_key
from accounts.errors import KeyExpired, KeyMissing, KeyRevoked, KeyUnknown, NetworkNotAllowed, OrganisationSuspended
from accounts.models import ApiKey
from accounts.tests.factories import make_agent, make_api_key, make_customer, make_member, make_operator
from kit import tenancy
from kit.errors import Invalid, NotAllowed

pytestmark = pytest.mark.django_db


def knock(secret: str, address: str | None = "192.0.2.7"):
    with tenancy.undecided():
        return authenticate_key(secret, address)


def test_a_key_opens_its_own_organisation_and_no_other():
    ours, theirs = make_customer(), make_customer()
    key, secret = make_api_key(ours)
    make_api_key(theirs)

    with tenancy.undecided():
        found = authenticate_key(secret, None)
        assert found.key == key
        assert found.organisation == ours
        assert list(ApiKey.objects.all()) == [key]
    assert tenancy.current_scope() is None


def test_only_the_fingerprint_of_a_secret_is_kept():
    key, secret = make_api_key(make_customer())

    assert secret.startswith("sb_live_")
    assert len(secret) == len("sb_live_") + 43
    assert secret not in str(ApiKey.objects.filter(pk=key.pk).values())


@pytest.mark.parametrize("secret, refusal", [("", KeyMissing), ("sb_live_guess", KeyUnknown), ("x" * 4000, KeyUnknown)])
def test_a_wrong_key_is_refused(secret, refusal):
    make_api_key(make_customer())
    with pytest.raises(refusal):
        knock(secret)


def test_a_revoked_key_is_refused():
    organisation = make_customer()
    key, secret = make_api_key(organisation)
    with organisation.scope():
        revoke_api_key(key=key, by=key.created_by)

    with pytest.raises(KeyRevoked):
        knock(secret)


def test_an_expired_key_is_refused():
    key, secret = make_api_key(make_customer(), expires_at=timezone.now() + timedelta(hours=1))
    assert knock(secret).key == key
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now())

    with pytest.raises(KeyExpired):
        knock(secret)


@pytest.mark.parametrize(
    "_case, address, is_let_in",
    [
        ("inside the network", "198.51.100.20", True),
        ("the single address", "2001:db8::7", True),
        ("outside", "198.51.101.20", False),
        ("unknown", None, False),
    ],
)
def test_a_key_bound_to_networks_works_from_there_only(_case, address, is_let_in):
    _, secret = make_api_key(make_customer(), networks=["198.51.100.0/24", "2001:db8::7"])

    if is_let_in:
        assert knock(secret, address).key.networks == ["198.51.100.0/24", "2001:db8::7/128"]
    else:
        with pytest.raises(NetworkNotAllowed):
            knock(secret, address)


def test_a_key_below_a_suspended_agent_is_refused():
    operator = make_operator()
    agent = make_agent()
    _, secret = make_api_key(make_customer(parent=agent))
    with operator.downline_scope():
        suspend_organisation(organisation=agent, by=make_member(operator).user, reason="unpaid")

    with pytest.raises(OrganisationSuspended):
        knock(secret)


def test_the_use_of_a_key_is_noted_once_a_minute():
    key, secret = make_api_key(make_customer())

    knock(secret)
    key.refresh_from_db()
    first = key.last_used_at
    knock(secret)
    key.refresh_from_db()

    assert first is not None
    assert key.last_used_at == first


def test_a_known_key_costs_one_round_trip():
    _, secret = make_api_key(make_customer())
    knock(secret)

    with tenancy.undecided(), CaptureQueriesContext(connection) as seen:
        authenticate_key(secret, None)

    assert len(seen) == 1


def test_nobody_hands_out_a_scope_beyond_their_own_role():
    organisation = make_customer()
    developer = make_member(organisation, "developer").user

    with pytest.raises(NotAllowed) as refused:
        make_api_key(organisation, ["messages:read", "campaigns:write"], by=developer)

    assert refused.value.details["scopes"] == ["campaigns:write"]
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    "_case, fields, field",
    [
        ("no scopes", {"scopes": []}, "scopes"),
        ("a scope that isn't one", {"scopes": ["everything"]}, "scopes"),
        ("a network that isn't one", {"networks": ["10.0.0.0/99"]}, "networks"),
        ("an end in the past", {"expires_at": timezone.now() - timedelta(days=1)}, "expires_at"),
    ],
)
def test_what_cannot_be_used_is_named(_case, fields, field):
    with pytest.raises(Invalid) as refused:
        make_api_key(make_customer(), **{"scopes": ["messages:read"], **fields})

    assert list(refused.value.details["fields"]) == [field]
