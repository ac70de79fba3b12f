/* The template editor: inserting at the cursor, and replacing characters in place. Without it the buttons post the form. */
(function () {
  "use strict";
  const editor = document.querySelector("[data-editor]");
  if (!editor) return;
  const area = editor.querySelector("textarea[name=body]");
  const changed = () => area.dispatchEvent(new Event("input", { bubbles: true }));

  editor.querySelector("[data-tools]").hidden = false;
  editor.addEventListener("click", (event) => {
    const insert = event.target.closest("[data-insert]");
    if (insert) put(insert.dataset.insert, insert.dataset.then || "");
    const replace = event.target.closest("[data-replace]");
    /* only what was counted is replaced in place; if somebody typed on meanwhile, the form is posted instead */
    if (replace && replace.dataset.of === area.value.trim()) {
      event.preventDefault();
      area.value = replace.dataset.replace;
      area.focus();
      changed();
    }
  });

  /* `after` is put behind the cursor and left selected but for its closing brace: {name} is typed over at once. */
  function put(text, after) {
    const at = area.selectionStart;
    const before = area.value.slice(0, at);
    const space = !after && before && !/\s$/.test(before) ? " " : "";
    area.setRangeText(space + text + after, at, area.selectionEnd, "end");
    if (after) area.setSelectionRange(at + text.length, at + text.length + after.length - 1);
    area.focus();
    changed();
  }
})();
