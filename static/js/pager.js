// The arrows of a list on a terminal turn what the screen shows: what of this page lies
// below it, or above, comes first, so that nobody who touches an arrow misses a record.

const pager = document.querySelector(".pager");
const main = document.querySelector("main");
const bar = document.querySelector(".bar");
const range = pager.querySelector("p");
const [first, , total] = range.textContent.match(/[\d,]+/g).map((n) => Number(n.replaceAll(",", "")));
const slack = 2; // pixels that do not count as hidden

// An arrow that leads to no other page may still lead to more of this one.
const [back, on] = [pager.firstElementChild, pager.lastElementChild].map((e) => {
  if (e.matches("a")) return e;
  const b = document.createElement("button");
  b.type = "button";
  b.append(...e.childNodes);
  e.replaceWith(b);
  return b;
});

// view returns what scrolls, and between which heights of the screen it is seen.
function view() {
  const box = getComputedStyle(main).overflowY === "auto" ? main : document.scrollingElement;
  const foot = Math.min(...[pager, bar].map((e) => e.getBoundingClientRect().top).filter((y) => y > innerHeight / 2));
  return { box, top: box === main ? main.getBoundingClientRect().top : 0, foot };
}

// boxes returns where the things lie that match selector, without the space below them.
const boxes = (selector) => [...main.querySelectorAll(selector)].filter((e) => e.offsetHeight).map((e) => {
  const b = e.getBoundingClientRect();
  return { top: b.top, bottom: b.bottom - parseFloat(getComputedStyle(e.querySelector(".card") ?? e).paddingBottom) };
});

// step returns by how much the next touch of an arrow scrolls, 0 where it leads to another
// page: to the first thing that is not seen whole, or as far back as a screen reaches.
function step(forward) {
  const { box, top, foot } = view();
  const things = boxes("li, tr");
  if (forward) {
    const below = things.filter((b) => b.bottom > foot + slack);
    if (!below.length || box.scrollTop + box.clientHeight >= box.scrollHeight - slack) return 0;
    const next = Math.min(...below.map((b) => b.top).filter((y) => y > top + slack));
    return Math.min(next, foot) - top;
  }
  if (box.scrollTop <= slack) return 0;
  const back = Math.min(...things.map((b) => b.top).filter((y) => y >= top - (foot - top)));
  const before = things.some((b) => b.top < back - slack);
  return before && back < top - slack ? back - top : before ? top - foot : -box.scrollTop;
}

// tell names the records that are seen whole, unless the range stands behind them, and
// lets go of arrows that lead nowhere.
function tell() {
  const { top, foot } = view();
  const records = boxes(".cards > li");
  const behind = getComputedStyle(pager).position === "static" && pager.getBoundingClientRect().top > records[0]?.top;
  const seen = records.flatMap((b, i) => (b.top >= top - slack && b.bottom <= foot + slack ? [first + i] : []));
  const numbers = [seen[0], seen.at(-1), total];
  if (seen.length && !behind) range.textContent = range.textContent.replace(/[\d,]+/g, () => numbers.shift().toLocaleString("en"));
  if (on.matches("button")) on.disabled = !step(true);
  if (back.matches("button")) back.disabled = !step(false);
}

pager.addEventListener("click", (e) => {
  const arrow = e.target.closest("a, button");
  if (!arrow) return;
  const by = step(arrow === on);
  if (!by) return;
  e.preventDefault();
  e.stopPropagation(); // the way to the next page is not taken
  view().box.scrollBy(0, by);
});

addEventListener("scroll", tell, { capture: true, passive: true });
new ResizeObserver(tell).observe(main);
document.fonts.ready.then(tell);
