// Suggestions for what stands in the search field, from the interface that anybody may
// ask. The page is complete without them: the form is sent and answered as a page. keys.js
// hears by an event which keys lead on.

const list = document.getElementById("suggestions");
const form = list.closest("form");
const field = form.elements.q;
const told = document.getElementById("suggested");
const english = document.documentElement.lang === "en";
const pause = 60; // milliseconds between the last key and the question

let timer, asked, chosen = -1;

field.setAttribute("role", "combobox");
field.setAttribute("aria-autocomplete", "list");
field.setAttribute("aria-controls", list.id);
field.setAttribute("aria-expanded", "false");

// address is that of the search for text with everything else the form sends.
function address(text) {
  const q = new URLSearchParams(new FormData(form));
  q.set("q", text);
  return form.getAttribute("action") + "?" + q;
}

// page is that of a record, with the visitor's choices.
function page(item) {
  const q = new URLSearchParams(new FormData(form));
  for (const name of [...q.keys()]) {
    if (!["lang", "type", "contrast", "reach", "take"].includes(name)) q.delete(name);
  }
  return `/${item.dataset}/${item.id}${q.size ? "?" + q : ""}`;
}

// marked returns text with the part that was typed marked; ends are code points.
function marked(text, ranges) {
  const all = [...text], parts = document.createDocumentFragment(), span = ranges?.[0];
  if (!span) {
    parts.append(text);
    return parts;
  }
  const mark = document.createElement("mark");
  mark.append(all.slice(span[0], span[1]).join(""));
  parts.append(all.slice(0, span[0]).join(""), mark, all.slice(span[1]).join(""));
  return parts;
}

function option(item, i) {
  const li = document.createElement("li"), a = document.createElement("a"), text = document.createElement("span"), note = document.createElement("small");
  li.setAttribute("role", "none");
  a.id = "suggestion-" + i;
  a.setAttribute("role", "option");
  a.setAttribute("aria-selected", "false");
  const name = english && item.text_en ? item.text_en : item.text;
  if (english && !item.text_en) text.lang = "zh-Hans";
  text.append(marked(name, item.matched === name ? item.ranges : null));
  if (item.matched !== name && item.matched !== item.text) text.append(" ", marked(item.matched, item.ranges));
  note.append(item.kind === "title" ? item.id : item.count.toLocaleString("en"));
  a.href = item.id ? page(item) : address(item.text);
  li.className = item.kind;
  a.tabIndex = -1;
  a.append(text, note);
  li.append(a);
  return li;
}

function show(items) {
  list.replaceChildren(...items.map(option));
  list.hidden = items.length === 0;
  field.setAttribute("aria-expanded", String(!list.hidden));
  told.textContent = items.length ? list.dataset.told.replace("%s", items.length) : field.value.trim() && list.dataset.none;
  choose(-1);
}

function choose(i) {
  const options = list.querySelectorAll("a");
  chosen = i < -1 ? options.length - 1 : i >= options.length ? -1 : i;
  for (let k = 0; k < options.length; k++) options[k].setAttribute("aria-selected", String(k === chosen));
  if (chosen < 0) {
    field.removeAttribute("aria-activedescendant");
    return;
  }
  field.setAttribute("aria-activedescendant", options[chosen].id);
  options[chosen].scrollIntoView({ block: "nearest" });
}

async function ask() {
  asked?.abort();
  const text = field.value.trim(), keys = document.body.classList.contains("typing");
  if (!text && !keys) return show([]);
  asked = new AbortController();
  const q = new URLSearchParams({ limit: keys ? "16" : "8" });
  if (text) q.set("q", text);
  const dataset = form.elements.dataset?.value;
  if (dataset) q.set("dataset", dataset);
  try {
    const answer = await fetch(list.dataset.from + "?" + q, { signal: asked.signal });
    const { data = [], meta } = answer.ok ? await answer.json() : {};
    show(data);
    form.dispatchEvent(new CustomEvent("suggested", { detail: meta?.next_keys }));
  } catch (e) {
    if (e.name !== "AbortError") show([]);
  }
}

function later(e) {
  clearTimeout(timer);
  timer = setTimeout(ask, e.isTrusted ? pause : 0); // a finger on a key is slow by itself
}

field.addEventListener("input", (e) => { if (!e.isComposing) later(e); });
field.addEventListener("compositionend", later);
field.addEventListener("keydown", (e) => {
  if (e.isComposing || list.hidden) return;
  switch (e.key) {
    case "ArrowDown": choose(chosen + 1); break;
    case "ArrowUp": choose(chosen < 0 ? -2 : chosen - 1); break;
    case "Escape": show([]); break;
    case "Enter":
      if (chosen < 0) return;
      document.getElementById("suggestion-" + chosen).click();
      break;
    default: return;
  }
  e.preventDefault();
});
document.addEventListener("pointerdown", (e) => {
  if (!form.contains(e.target) && !document.body.classList.contains("typing")) show([]);
});
