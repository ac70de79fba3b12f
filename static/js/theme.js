/* Sets the theme before the first paint. "system" follows the device. */
(function () {
  "use strict";
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let choice = "system";
  try { choice = localStorage.getItem("theme") || "system"; } catch { /* storage is closed: keep to the device */ }

  function show() {
    root.dataset.themeChoice = choice;
    root.dataset.theme = choice === "system" ? (dark.matches ? "dark" : "light") : choice;
    document.dispatchEvent(new CustomEvent("theme"));
  }

  dark.addEventListener("change", show);
  document.addEventListener("choose-theme", (event) => {
    choice = event.detail;
    try { localStorage.setItem("theme", choice); } catch { /* for this page only */ }
    show();
  });
  show();
})();
