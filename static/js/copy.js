// Copy a key without showing it; the clipboard is cleared again if it still holds that key.
import { fetchKey } from "./secret.js";
import { toast } from "./toast.js";
import { reveal } from "./reveal.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  event.preventDefault();
  if (button.disabled) return;
  button.disabled = true;
  try {
    const answer = await fetchKey(button.form.getAttribute("action"));
    if (answer) await put(button, answer);
  } finally {
    button.disabled = false;
  }
});

async function put(button, { key, hidden_after_seconds: seconds }) {
  try {
    await navigator.clipboard.writeText(key);
  } catch {
    // No clipboard on plain http, or not allowed: show the key, selected.
    reveal(button.closest("[data-key-cell]"), key, seconds, { select: true });
    toast("This page can’t reach the clipboard. The key is selected: copy it yourself. Recorded.");
    return;
  }
  toast(`Copied. Clears in ${seconds} s. Recorded.`);
  setTimeout(() => clear(key), seconds * 1000);
}

async function clear(key) {
  try {
    if ((await navigator.clipboard.readText()) === key) await navigator.clipboard.writeText("");
  } catch {
    // The clipboard may not be read: what it holds may be somebody else's, so it is left alone.
  }
}
