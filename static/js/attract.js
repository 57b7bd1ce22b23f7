// What a screen shows until somebody comes. Every ten seconds one listing makes way for the
// next; night and day take two minutes each, and all of it moves by four pixels, so that no
// panel keeps an image. After a night and a day the page is loaded anew, with the listings
// and the figures of now.

const turn = 10_000; // milliseconds
const day = 12, round = 24, rest = 4; // turns

const slides = document.querySelectorAll(".slides a");
const main = document.querySelector("main");

let touched = -Infinity;
addEventListener("pointerdown", () => { touched = performance.now(); }, { capture: true, passive: true });

const held = () => performance.now() - touched < turn || document.querySelector(".slides :focus-visible");

// renew stays with the page that is there when the server is away.
async function renew() {
  const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" }).catch(() => null);
  if (answer?.ok && !held()) location.reload();
}

let step = 0;

setInterval(() => {
  if (held()) return;
  slides[step % slides.length]?.classList.remove("shown");
  step = (step + 1) % round;
  slides[step % slides.length]?.classList.add("shown");
  document.body.classList.toggle("day", step >= day);
  main.className = `drift-${Math.floor(step / rest) % 4}`;
  if (step === 0) renew();
}, turn);
