// Swagger UI over the contract of this very server. Nothing is asked of another.

const nothing = () => () => null;

// The page says itself what this is, and there is one server. A button to copy stands
// inside another button, where assistive technology cannot reach it.
const quiet = () => ({
  wrapComponents: { InfoContainer: nothing, ServersContainer: nothing, CopyToClipboardBtn: nothing },
});

// What Swagger UI leaves without a name, or out of reach of the keyboard.
function mend(at) {
  for (const s of at.querySelectorAll("select:not([aria-label])")) {
    s.setAttribute("aria-label", s.closest("tr")?.dataset.paramName ?? s.closest("tr")?.dataset.code ?? "application/json");
  }
  for (const p of at.querySelectorAll("pre:not([tabindex])")) p.tabIndex = 0;
}

// The contract has Chinese beside English: x-summary-zh, x-description-zh.
function inChinese(v) {
  if (v === null || typeof v !== "object") return;
  for (const name of ["title", "summary", "description"]) {
    const text = v[`x-${name}-zh`];
    if (typeof text === "string") v[name] = text;
  }
  Object.values(v).forEach(inChinese);
}

addEventListener("DOMContentLoaded", async () => {
  const at = document.getElementById("contract");
  new MutationObserver(() => mend(at)).observe(at, { childList: true, subtree: true });
  const contract = await (await fetch(at.dataset.contract)).json();
  if (document.documentElement.lang.startsWith("zh")) inChinese(contract);
  SwaggerUIBundle({
    spec: contract,
    domNode: at,
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [quiet],
    layout: "BaseLayout",
    deepLinking: false, // its links stand inside buttons, too
    syntaxHighlight: false,
    docExpansion: "none",
    defaultModelsExpandDepth: -1,
    validatorUrl: null,
  });
});
