// What a screen shows until somebody comes. Every ten seconds one listing makes way for the
// next; night and day take two minutes each, and all of it moves by four pixels, so that no
// panel keeps an image. After a night and a day listings and figures are fetched anew. The
// page is never left for that: a screen that nobody attends must not end on a browser's error.

const turn = 10_000, rest = 30_000, patience = 5_000; // milliseconds
const day = 12, round = 24, drift = 4; // turns

let touched = -Infinity;
for (const type of ["pointerdown", "keydown", "focusin"]) {
  addEventListener(type, () => { touched = performance.now(); }, { capture: true, passive: true });
}

// held lets nothing change under a finger, or under somebody who reads with keys.
const held = () => performance.now() - touched < rest;

// renew asks by XMLHttpRequest, which parses what comes; the policy lets no script do that.
// Without an answer, what is there stays until the next round.
function renew() {
  const ask = new XMLHttpRequest();
  ask.responseType = "document";
  ask.open("GET", location.href);
  ask.timeout = patience;
  ask.onload = () => {
    const fresh = ask.status === 200 && ask.response?.querySelector("main");
    if (fresh && !held()) document.querySelector("main").replaceWith(fresh);
  };
  ask.send();
}

let step = 0;

setInterval(() => {
  if (held()) return;
  step = (step + 1) % round;
  const slides = document.querySelectorAll(".slides a");
  document.querySelector(".slides .shown")?.classList.remove("shown");
  slides[step % slides.length]?.classList.add("shown");
  document.body.classList.toggle("day", step >= day);
  document.querySelector("main").className = `drift-${Math.floor(step / drift) % 4}`;
  if (step === 0) renew();
}, turn);
