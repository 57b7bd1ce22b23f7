// Our own keys for the search field, on a terminal and, if wanted, on any wide screen that
// is touched. While they are open the page is the field, what it may become, and the keys.
// A key that leads to no word is pale; it still types, since the full text may have it.

const keys = document.getElementById("keyboard");
const field = document.getElementById("q");
const form = field.form;
const opener = form.querySelector(".to-keys");
const panels = [...keys.querySelectorAll(".keys")];
const terminal = document.documentElement.classList.contains("terminal");

const tell = () => field.dispatchEvent(new Event("input", { bubbles: true }));

function open(yes) {
  keys.hidden = !yes;
  document.body.classList.toggle("typing", yes);
  opener.setAttribute("aria-expanded", String(yes));
  field.inputMode = yes || terminal ? "none" : "search";
  if (yes) {
    field.focus({ preventScroll: true });
    tell();
  }
}

function type(text) {
  field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
  tell();
}

const acts = {
  delete() {
    if (field.selectionStart === field.selectionEnd && field.selectionStart > 0) {
      field.selectionStart -= [...field.value.slice(0, field.selectionStart)].at(-1).length;
    }
    type("");
  },
  clear() {
    field.value = "";
    tell();
  },
  space() { type(" "); },
  close() { open(false); },
  panel(key) {
    for (const p of panels) p.hidden = !p.hidden;
    [key.textContent, key.dataset.other] = [key.dataset.other, key.textContent];
  },
  search() { if (field.value.trim()) form.requestSubmit(); },
};

keys.addEventListener("click", (e) => {
  const key = e.target.closest("button");
  if (key?.dataset.key) type(key.dataset.key);
  else if (key) acts[key.dataset.do](key);
});
keys.addEventListener("mousedown", (e) => e.preventDefault()); // the field keeps the focus

// Codes and numbers are in no vocabulary, so only letters are ever pale.
form.addEventListener("suggested", (e) => {
  for (const key of panels[0].querySelectorAll("[data-key]")) {
    const dim = e.detail !== undefined && !e.detail.includes(key.dataset.key);
    key.classList.toggle("dim", dim);
    if (dim) key.setAttribute("aria-description", keys.dataset.dim);
    else key.removeAttribute("aria-description");
  }
});

opener.addEventListener("click", () => open(keys.hidden));
if (terminal) {
  field.addEventListener("pointerdown", () => { if (keys.hidden) open(true); });
  open(!field.value && !document.querySelector(".drop")); // who has chosen something came to read
}
opener.hidden = terminal || !matchMedia("(pointer: coarse) and (min-width: 1000px)").matches;
