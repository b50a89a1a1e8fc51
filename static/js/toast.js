// Sentences in the live region at the foot of the page.
const region = document.querySelector("[data-toasts]");

export function toast(text, { extra = null, seconds = 6 } = {}) {
  if (!region) return null;
  const box = document.createElement("div");
  box.className = "toast";
  const words = document.createElement("span");
  words.textContent = text;
  box.append(words);
  if (extra) box.append(extra);
  region.replaceChildren(box);
  setTimeout(() => box.remove(), seconds * 1000);
  return box;
}
