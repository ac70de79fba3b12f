/* Menus, dialogs, copying, toasts, keys and polling. Small on purpose: every page works without it. */
(function () {
  "use strict";
  const root = document.documentElement;
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));
  const text = (key) => document.body.dataset[key] || "";

  /* theme ---------------------------------------------------------- */
  const NEXT_THEME = { system: "light", light: "dark", dark: "system" };
  function labelTheme() {
    all("[data-theme-button]").forEach((button) => {
      button.title = button.dataset[root.dataset.themeChoice] || button.title;
      button.setAttribute("aria-label", button.title);
    });
    all("[data-theme-choice]:not(html)").forEach((button) =>
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === root.dataset.themeChoice)));
  }
  const chooseTheme = (theme) => document.dispatchEvent(new CustomEvent("choose-theme", { detail: theme }));

  /* clicks: one listener for the whole page ------------------------- */
  const onClick = {
    "[data-theme-button]": () => chooseTheme(NEXT_THEME[root.dataset.themeChoice]),
    "[data-theme-choice]:not(html)": (button) => chooseTheme(button.dataset.themeChoice),
    "[data-dialog]": openDialog,
    "[data-close]": (button) => button.closest("dialog").close(),
    "[data-copy], [data-copy-from]": copy,
    "[data-dismiss]": (button) => button.closest(button.dataset.dismiss).remove(),
    "[data-keys-switch]": switchKeys,
    "[data-print]": () => window.print(),
  };
  document.addEventListener("click", (event) => {
    closeMenus(event.target);
    for (const [selector, act] of Object.entries(onClick)) {
      const element = event.target.closest(selector);
      if (element) return act(element, event);
    }
    const row = event.target.closest("tr[data-href]");
    if (row && !event.target.closest("a, button, input, label, summary") && !getSelection().toString()) location.assign(row.dataset.href);
  });

  function openDialog(button, event) {
    const dialog = document.getElementById(button.dataset.dialog);
    if (!dialog) return;
    event.preventDefault();
    dialog.showModal();
  }

  function closeMenus(target) {
    all("details.menu[open]").forEach((menu) => { if (!menu.contains(target)) menu.open = false; });
  }

  async function copy(button) {
    const source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
    await navigator.clipboard.writeText(source ? (source.value || source.textContent.trim()) : button.dataset.copy);
    button.dataset.done = "";
    say(text("copied"));
    setTimeout(() => delete button.dataset.done, 1600);
  }

  /* toasts: a live region, six seconds, paused while pointed at or focused ---- */
  function say(message) {
    const region = document.getElementById("said");
    if (region) region.textContent = message;
  }
  function expire(toast) {
    let timer = 0;
    const start = () => { timer = setTimeout(() => toast.remove(), 6000); };
    const stop = () => clearTimeout(timer);
    toast.addEventListener("mouseenter", stop);
    toast.addEventListener("focusin", stop);
    toast.addEventListener("mouseleave", start);
    toast.addEventListener("focusout", start);
    start();
  }
  function toast(message, tone) {
    const pattern = document.getElementById("toast");
    if (!pattern || !message) return;
    const made = pattern.content.firstElementChild.cloneNode(true);
    if (tone) made.classList.add(tone);
    made.querySelector("[data-text]").textContent = message;
    document.querySelector(".toasts").append(made);
    expire(made);
  }
  document.addEventListener("toast", (event) => toast(event.detail.message || event.detail.value, event.detail.tone));

  /* keys: never with a modifier, never while typing, and they can be switched off ---- */
  let pending = "";
  const keysOff = () => { try { return localStorage.getItem("keys") === "off"; } catch { return false; } };
  function switchKeys(box) {
    try { localStorage.setItem("keys", box.checked ? "on" : "off"); } catch { /* for this page only */ }
  }
  const typing = (element) => element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) && !/^(checkbox|radio|button|submit)$/.test(element.type);
  function press(selector) {
    const target = all(selector).find((element) => element.checkVisibility ? element.checkVisibility() : true);
    if (!target) return false;
    target.focus();
    if (!typing(target)) target.click();
    return true;
  }
  function moveRow(step) {
    const rows = all("[data-rows] tbody tr, [data-rows] > li, .tbl tbody tr").filter((row) => row.querySelector("a"));
    const now = rows.findIndex((row) => row.contains(document.activeElement));
    const row = rows[now < 0 ? (step > 0 ? 0 : rows.length - 1) : now + step];
    if (row) row.querySelector("a").focus();
    return Boolean(row);
  }
  function onKey(event) {
    if ((event.metaKey || event.ctrlKey) && event.key === "k") return press("[data-search]");
    if (event.metaKey || event.ctrlKey || event.altKey || typing(event.target) || keysOff() || document.querySelector("dialog[open]")) return false;
    const key = event.key.length === 1 ? event.key.toLowerCase() : "";
    if (!key) return false;
    const combined = pending ? pending + " " + key : key;
    pending = "";
    if (press(`[data-key="${CSS.escape(combined)}"]`)) return true;
    if (combined === "g") { pending = "g"; setTimeout(() => { pending = ""; }, 1200); return true; }
    if (combined === "/") return press("[data-filter]") || press("[data-search]");
    if (combined === "j") return moveRow(1);
    if (combined === "k") return moveRow(-1);
    return false;
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") all("details.menu[open]").forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
    if (onKey(event)) event.preventDefault();
  });

  /* forms: submit on change where marked ----------------------------- */
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-auto]");
    if (form) form.requestSubmit();
  });

  /* htmx: the CSRF token, polling that sleeps with the tab, failures that are said ---- */
  const token = () => document.querySelector('meta[name="csrf"]')?.content;
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token();
  });
  const polls = "[hx-trigger*='every']";
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.detail.elt.matches(polls)) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && window.htmx) all(polls).forEach((element) => window.htmx.trigger(element, "wake"));
  });
  ["htmx:sendError", "htmx:responseError"].forEach((name) => document.addEventListener(name, (event) => {
    if (!event.detail.elt.matches(polls)) toast(text("failed"), "bad");
  }));

  /* new content: what the server sent or htmx swapped in -------------- */
  function prepare(within) {
    all("[data-width]", within).forEach((element) => { element.style.width = element.dataset.width + "%"; });
    all(".toast", within).forEach(expire);
    all("[data-say]", within).forEach((element) => say(element.dataset.say));
    all("[data-keys-switch]", within).forEach((box) => { box.checked = !keysOff(); });
    labelTheme();
  }
  document.addEventListener("theme", labelTheme);
  document.addEventListener("htmx:afterSwap", (event) => prepare(event.target));
  document.addEventListener("DOMContentLoaded", () => prepare(document));
})();
