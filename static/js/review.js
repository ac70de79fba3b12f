/* The review form: how many reasons are ticked, and that a rejection has one. Keys are console.js's (data-key). */
(function () {
  "use strict";
  const form = document.querySelector("[data-review]");
  if (!form) return;
  const button = form.querySelector("button[value=reject]");
  const label = button.querySelector("[data-label]");
  const plain = label.textContent;
  const warning = form.querySelector("[data-needs-reason]");
  const ticked = () => form.querySelectorAll("[name=reasons]:checked").length;

  function count() {
    const n = ticked();
    label.textContent = n === 0 ? plain : n === 1 ? button.dataset.one : button.dataset.many.replace("#", n);
    if (n) warning.hidden = true;
  }

  form.addEventListener("change", count);
  form.addEventListener("submit", (event) => {
    if (event.submitter === button && !ticked()) {
      event.preventDefault();
      warning.hidden = false;
      form.querySelector("[name=reasons]").focus();
      return;
    }
    /* a second press of A or R must not decide the next item */
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  /* a key held down must not run through the queue */
  document.addEventListener("keydown", (event) => {
    if (event.repeat && /^[ar]$/i.test(event.key)) event.stopImmediatePropagation();
  }, true);
  window.addEventListener("pageshow", () => { delete form.dataset.sent; });
  count();
})();
