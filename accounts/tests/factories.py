"""A world of tenants, built through our own actions."""

from itertools import count

from allauth.account.models import EmailAddress
from django.test import Client

from accounts.actions import create_api_key, create_organisation
from accounts.middleware import SESSION_KEY
from accounts.models import ApiKey, Membership, Organisation, User
from accounts.queries import operator
from accounts.rules.permissions import KEY_SCOPES, Kind, Role
from kit.errors import NotFound

PASSWORD = "correct horse battery"
_numbers = count(1)


def make_operator(**fields) -> Organisation:
    """The house's operator: there is one, so asking again gives the same."""
    try:
        return operator()
    except NotFound:
        return _make(None, Kind.OPERATOR, **{"name": "Operator", "status": "active", **fields})


def make_agent(*, parent: Organisation | None = None, **fields) -> Organisation:
    return _make(parent or make_operator(), Kind.AGENT, **{"status": "active", **fields})


def make_customer(*, parent: Organisation | None = None, **fields) -> Organisation:
    return _make(parent or make_operator(), Kind.CUSTOMER, **{"status": "active", **fields})


def make_user(*, email: str | None = None, **fields) -> User:
    """A person with a proven address; the password is PASSWORD."""
    email = email or f"person{next(_numbers)}@example.com"
    user = User.objects.create_user(email, PASSWORD, **{"name": "A Person", **fields})
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def make_member(organisation: Organisation, role: str = Role.OWNER, *, user: User | None = None) -> Membership:
    with organisation.scope():
        return Membership.objects.create(organisation=organisation, user=user or make_user(), role=role)


def make_api_key(
    organisation: Organisation, scopes=tuple(KEY_SCOPES), *, is_live: bool = True, by: User | None = None, **fields
) -> tuple[ApiKey, str]:
    """The key and its secret."""
    by = by or make_member(organisation).user
    with organisation.scope():
        return create_api_key(
            organisation=organisation, name="A key", is_live=is_live, scopes=scopes, by=by, **fields
        )  # fmt: skip


def sign_in(client: Client, user: User, organisation: Organisation | None = None) -> Client:
    """Sign the person in on this client, looking at the given organisation or their first."""
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    if organisation is not None:
        session = client.session
        session[SESSION_KEY] = str(organisation.pk)
        session.save()
    return client


def signed_in(organisation: Organisation, role: str = Role.OWNER) -> Client:
    """A fresh client with a new member of the organisation signed in."""
    return sign_in(Client(), make_member(organisation, role).user, organisation)


def _make(parent: Organisation | None, kind: str, **fields) -> Organisation:
    organisation = create_organisation(parent=parent, kind=kind, **{"name": f"Tenant {next(_numbers)}", **fields})
    organisation.refresh_from_db()
    return organisation
