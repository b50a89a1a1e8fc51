// The saved views of a list, in its menu: asked for when the menu is opened, each with how many rows it shows now, so
// that a list that nobody wants views of counts none. Taken from the page of saved views, which the menu's link opens.
function item(row) {
  const name = row.querySelector("[data-view-name]");
  const link = document.createElement("a");
  link.className = "menu-item";
  link.href = name.getAttribute("href");
  for (const part of [name, row.querySelector("[data-view-count]")]) {
    const text = document.createElement("span");
    text.textContent = part?.textContent ?? "";
    link.append(text);
  }
  link.lastChild.className = "count";
  return link;
}

async function fill(menu) {
  const place = menu.querySelector("[data-views-own]");
  const answer = await fetch(menu.dataset.views, { headers: { Accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  place.replaceChildren(...[...page.querySelectorAll("[data-view]")].filter((row) => row.querySelector("a[data-view-name]")).map(item));
}

// A toggle doesn't bubble: it is caught on its way down.
document.addEventListener(
  "toggle",
  (event) => {
    if (event.target.matches?.("details[data-views]") && event.target.open) fill(event.target);
  },
  true,
);
