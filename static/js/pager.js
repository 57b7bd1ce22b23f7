// The arrows of a list on a terminal turn what the screen shows: records of this page that
// lie below it, or above, come first, so that nobody who touches an arrow misses one.

// To measure a page before it is painted holds it back.
await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));

const pager = document.querySelector(".pager");
const main = document.querySelector("main");
const bar = document.querySelector(".bar");
const range = pager.querySelector("p");
const [first, , total] = range.textContent.match(/[\d,]+/g).map((n) => Number(n.replaceAll(",", "")));
const slack = 2; // pixels that do not count as hidden

range.setAttribute("role", "status");

// An arrow that leads to no other page may still lead to more of this one.
const [back, on] = [pager.firstElementChild, pager.lastElementChild].map((e) => {
  if (e.matches("a")) return e;
  const b = document.createElement("button");
  b.type = "button";
  b.append(...e.childNodes);
  e.replaceWith(b);
  return b;
});
if (back.matches("a")) back.hash = "end"; // the page before is entered from its end

// What scrolls. Where the arrows do not stay in sight, whoever sees them has seen the records.
const box = getComputedStyle(main).overflowY === "auto" ? main : document.scrollingElement;
const stays = box === main || getComputedStyle(pager).position === "sticky";

// measure returns between which heights of the screen records are seen, and where they lie,
// without the space below them.
function measure() {
  const top = box === main ? main.getBoundingClientRect().top : 0;
  const foot = Math.min(pager.getBoundingClientRect().top, bar.getBoundingClientRect().top);
  const records = [...main.querySelectorAll(":is(.cards, .gauges, .branches) > li")].map((e) => {
    const b = e.getBoundingClientRect();
    return { top: b.top, bottom: b.bottom - parseFloat(getComputedStyle(e.querySelector(".card") ?? e).paddingBottom) };
  });
  return { top, foot, records };
}

// step returns by how much the next touch of an arrow scrolls, 0 where it leads to another
// page: on to the first record that is not seen whole, or back by as many as fill a screen.
function step(forward, { top, foot, records }) {
  if (!stays) return 0;
  const screen = foot - top;
  if (forward) {
    if (box.scrollTop + box.clientHeight >= box.scrollHeight - slack) return 0;
    const cut = records.filter((b) => b.bottom > foot + slack).map((b) => b.top);
    if (!cut.length) return on.matches("a") ? 0 : screen;
    // A record that began above and is higher than the screen goes on by a screen.
    return Math.min(foot, ...cut.filter((y) => y > top + slack)) - top;
  }
  if (box.scrollTop <= slack) return 0;
  // What is hidden above, down to where it ends, must be seen next.
  const above = records.filter((b) => b.top < top - slack);
  const end = Math.max(...above.map((b) => b.bottom));
  if (end + box.scrollTop <= foot) return -box.scrollTop;
  const fit = above.map((b) => b.top).filter((y) => y >= end - screen);
  return fit.length ? Math.min(...fit) - top : -screen;
}

// tell names the records that are seen, whole where any is, and pales the arrows that lead
// nowhere.
function tell() {
  const now = measure();
  if (stays) {
    const { top, foot, records } = now;
    const seen = (edge) => records.flatMap((b, i) => (edge(b) ? [first + i] : []));
    const whole = seen((b) => b.top >= top - slack && b.bottom <= foot + slack);
    const some = whole.length ? whole : seen((b) => b.top < foot && b.bottom > top);
    const numbers = [some[0], some.at(-1), total];
    if (some.length) range.textContent = range.textContent.replace(/[\d,]+/g, () => numbers.shift().toLocaleString("en"));
  }
  for (const arrow of [on, back]) {
    if (arrow.matches("button")) arrow.ariaDisabled = String(!step(arrow === on, now));
  }
}

pager.addEventListener("click", (e) => {
  const arrow = e.target.closest("a, button");
  if (!arrow) return;
  const by = step(arrow === on, measure());
  if (!by) return;
  e.preventDefault();
  e.stopPropagation(); // the way to the next page is not taken
  box.scrollBy(0, by);
});

addEventListener("scroll", tell, { capture: true, passive: true });
addEventListener("toggle", tell, { capture: true });
new ResizeObserver(tell).observe(main);
document.fonts.ready.then(() => {
  if (location.hash === "#end") box.scrollTo(0, box.scrollHeight);
  tell();
});
