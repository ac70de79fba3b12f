/* The upload: dropping a file, sending it once chosen, and saying that it is under way. Without scripts the button does. */
(function () {
  "use strict";
  const send = (form) => { if (form.checkValidity()) form.requestSubmit(); };

  function accept(area, files) {
    const input = area.querySelector("input[type=file]");
    if (!files.length) return;
    if (files !== input.files) input.files = files;
    area.querySelector("[data-name]").textContent = files[0].name;
    send(input.form);
  }

  ["dragenter", "dragover", "dragleave", "drop"].forEach((name) => document.addEventListener(name, (event) => {
    const area = event.target.closest?.("[data-drop]");
    if (!area) return;
    event.preventDefault();
    area.classList.toggle("over", name === "dragenter" || name === "dragover");
    if (name === "drop") accept(area, event.dataTransfer.files);
  }));

  document.addEventListener("change", (event) => {
    const area = event.target.closest("[data-drop]");
    if (area) accept(area, event.target.files);
  });

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-upload]")) return;
    const button = event.target.querySelector("[data-busy]");
    if (!button) return;
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    button.textContent = button.dataset.busy;
  });

  // what was chosen before this script had come
  document.querySelectorAll("[data-drop]").forEach((area) => accept(area, area.querySelector("input[type=file]").files));
})();
