// Copies a text that is no secret: the one that the button names by its id, or the line beside it.
import { toast } from "./toast.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy-text]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copyText) ?? button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(text.textContent);
    toast("Copied.");
  } catch {
    // No clipboard on plain http, or not allowed: the text is selected instead.
    getSelection().selectAllChildren(text);
    toast("This page can’t reach the clipboard. The text is selected: copy it yourself.");
  }
});
