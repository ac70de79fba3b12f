from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import Membership, User
from accounts.queries import invitation_by_token

from .team import accept_invitation


@transaction.atomic
def update_profile(*, user: User, name: str, locale: str) -> User:
    """Change what a person decides about themselves."""
    user.name, user.locale = name, locale
    user.save(update_fields=["name", "locale"])
    return user


@transaction.atomic
def sign_up_invited(*, token: str, name: str, password: str, locale: str) -> Membership:
    """Make a person who was invited, and their membership.

    Their address needs no second proof: the token was sent to it.  Raises InvitationUnusable.
    """
    invitation = invitation_by_token(token)
    user = User.objects.create_user(invitation.email, password, name=name, locale=locale)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return accept_invitation(token=token, user=user)
