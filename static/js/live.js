// Forms that answer while one types or chooses: the server's own page for the form, of which only the marked
// regions are taken over, so that what one types in stays as it is. The address goes along, as if it had been sent.
const PAUSE = 200;
let turn = 0;
let timer = 0;

async function ask(form) {
  const mine = ++turn;
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  const { origin, pathname } = new URL(form.action);
  const parts = query.toString();
  const answer = await fetch(origin + pathname + (parts ? `?${parts}` : ""), { headers: { Accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
  if (mine !== turn || !answer?.headers.get("content-type")?.startsWith("text/html")) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine !== turn || new URL(answer.url).pathname !== pathname) return;
  for (const region of document.querySelectorAll("[data-live-region]")) {
    const next = page.getElementById(region.id);
    if (next) region.replaceChildren(...document.adoptNode(next).childNodes);
  }
  history.replaceState(history.state, "", answer.url);
}

function later(event) {
  const form = event.target.form;
  if (!form?.matches?.("[data-live]")) return;
  clearTimeout(timer);
  timer = setTimeout(() => ask(form), PAUSE);
}

// Text says "input" with each letter; lists and boxes say "change" in every browser, "input" in most.
document.addEventListener("input", later);
document.addEventListener("change", (event) => {
  if (event.target.matches("select, [type=radio], [type=checkbox]")) later(event);
});
