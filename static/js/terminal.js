// What a screen in a hall does and a web site must not: it forgets each visitor, holds
// on to the page while the server is away, and lets nobody out.
//
// Every way leads over go(), which replaces the page: there is never anything to go
// back to. Time is performance.now() alone; what the clock says does not matter.

const attract = "/attract";
const pause = 2000; // milliseconds between two attempts to reach the server
const attempts = 6;

const idle = document.getElementById("idle"); // not on the attract page
const calm = document.getElementById("calm");

// here reports whether the server answers, by asking for this very file.
async function here() {
  try {
    return (await fetch(import.meta.url, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(pause) })).ok;
  } catch {
    return false;
  }
}

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

function say(text) {
  if (!calm) return;
  calm.textContent = text ?? "";
  calm.hidden = !text;
}

let going = 0;

// go leaves for href as soon as the server answers, and stays where it is until then. A
// later call takes the place of an earlier one.
async function go(href, most = attempts) {
  const turn = ++going;
  for (let i = 0; i < most; i++) {
    const reached = await here();
    if (turn !== going) return;
    if (reached) return location.replace(href);
    say(calm?.dataset.waiting);
    await wait(pause);
    if (turn !== going) return;
  }
  say(calm?.dataset.later);
}

// end leaves nothing of the visitor on the screen, whether or not the server answers.
function end() {
  if (idle?.open) idle.close();
  document.querySelector("main")?.replaceChildren();
  document.querySelector("header")?.replaceChildren();
  document.querySelectorAll(".pager, .keyboard, .to-take").forEach((e) => e.remove());
  document.querySelectorAll(".bar a").forEach((a) => { a.search = ""; });
  scrollTo(0, 0);
  go(attract, Infinity);
}

document.addEventListener("click", (e) => {
  const a = e.target.closest("a[href]");
  if (!a) return;
  const to = new URL(a.href);
  if (to.origin === location.origin && to.hash && to.pathname === location.pathname && to.search === location.search) return;
  e.preventDefault();
  if (to.origin !== location.origin) return;
  if (to.pathname === attract) end();
  else go(to.href);
});

document.addEventListener("submit", (e) => {
  e.preventDefault();
  const to = new URL(e.target.action);
  to.search = new URLSearchParams(new FormData(e.target));
  go(to.href);
});

// Idle

let touched = performance.now();

function touch() {
  touched = performance.now();
}

for (const type of ["pointerdown", "input", "keydown", "scroll", "wheel"]) {
  addEventListener(type, touch, { capture: true, passive: true });
}

function tick() {
  const after = 1000 * idle.dataset.after, within = 1000 * idle.dataset.within;
  const since = performance.now() - touched;
  if (since >= after + within) return end();
  if (since < after) {
    if (idle.open) idle.close();
    return;
  }
  idle.querySelector(".left").textContent = Math.ceil((after + within - since) / 1000);
  if (!idle.open) idle.showModal();
}

if (idle) {
  setInterval(tick, 500);
  idle.addEventListener("cancel", touch);
  idle.addEventListener("click", (e) => {
    if (e.target.closest("a")) return;
    touch();
    tick();
  });
}

// A page that a browser kept would show the visitor before.
addEventListener("pageshow", (e) => { if (e.persisted) location.replace(attract); });

// Hands off

const refuse = (e) => e.preventDefault();

addEventListener("contextmenu", refuse);
addEventListener("dragstart", refuse);
addEventListener("wheel", (e) => { if (e.ctrlKey) e.preventDefault(); }, { passive: false });
addEventListener("touchstart", (e) => { if (e.touches.length > 1) e.preventDefault(); }, { passive: false });
addEventListener("auxclick", refuse);
