from typing import Any

from allauth.usersessions.views import ListUserSessionsView

from accounts.actions import forget_ended_sessions


class SessionsView(ListUserSessionsView):
    """Where the person is signed in; its form ends all sessions but this one.

    allauth's own page, but for how sessions are read: it asks for each session's store and user one by one.
    """

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        sessions = forget_ended_sessions(user=self.request.user)
        facts = {"sessions": sessions, "session_count": len(sessions), "show_last_seen_at": True}
        return super(ListUserSessionsView, self).get_context_data(**facts, **kwargs)
