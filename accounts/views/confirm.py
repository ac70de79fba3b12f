from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.generic import TemplateView

from accounts.views_support import OrganisationMixin


class ConfirmView(OrganisationMixin, TemplateView):
    """Something that can't be undone: GET asks, POST does it.  With JavaScript the list's own dialog asks instead.

    A page fills `find` (through a query that takes the organisation), `question` and `do`.
    """

    template_name = "accounts/confirm.html"
    back_to: str

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        question = self.question(self.find(**kwargs))
        return self.render_to_response(self.get_context_data(**question, back_url=reverse(self.back_to)))

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        done = self.do(self.find(**kwargs))
        messages.success(request, done)
        return HttpResponseRedirect(reverse(self.back_to))

    def find(self, **kwargs):
        raise NotImplementedError

    def question(self, target) -> dict:
        """`title`, `text` and `button` of the question."""
        raise NotImplementedError

    def do(self, target) -> str:
        """Do it and say in one sentence what is so now."""
        raise NotImplementedError
