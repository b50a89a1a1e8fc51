// Asks the server for one key. Answers of the server: 200 with the key, 403 when the password is wanted
// again, 429 when too many were asked for. Returns {key, hidden_after_seconds}, or null after saying why not.
import { toast } from "./toast.js";

const json = { Accept: "application/json" };

export async function fetchKey(action) {
  let answer = await post(action);
  if (answer?.status === 403 && (await askedToConfirm(answer))) {
    if (!(await confirmed())) return null;
    answer = await post(action);
  }
  if (!answer) {
    toast("Keyward can’t be reached. The key was not shown.");
    return null;
  }
  if (answer.ok) return answer.json();
  const body = await answer.json().catch(() => ({}));
  toast(body.message ?? "The key can’t be shown now. Reload the page and try again.");
  return null;
}

async function post(action) {
  try {
    return await fetch(action, { method: "POST", headers: json, credentials: "same-origin" });
  } catch {
    return null;
  }
}

async function askedToConfirm(answer) {
  const body = await answer.clone().json().catch(() => ({}));
  return body.error === "confirm";
}

// Opens the dialog that asks for the password; true once it was right.
function confirmed() {
  const dialog = document.querySelector("[data-confirm-dialog]");
  const form = dialog?.querySelector("[data-confirm-form]");
  if (!form) return Promise.resolve(false);
  const field = form.elements.namedItem("password");
  const error = form.querySelector("[data-confirm-error]");
  return new Promise((resolve) => {
    let right = false;
    const submit = async (event) => {
      event.preventDefault();
      const body = new URLSearchParams({ password: field.value });
      const answer = await fetch(form.action, { method: "POST", headers: json, body }).catch(() => null);
      if (answer?.ok) {
        right = true;
        dialog.close();
        return;
      }
      const why = await answer?.json().catch(() => ({}));
      error.textContent = why?.message ?? "That isn’t your password. Try again.";
      field.setAttribute("aria-invalid", "true");
      field.select();
    };
    const close = () => {
      form.removeEventListener("submit", submit);
      form.reset();
      error.textContent = "";
      field.removeAttribute("aria-invalid");
      resolve(right);
    };
    form.addEventListener("submit", submit);
    dialog.addEventListener("close", close, { once: true });
    dialog.showModal();
    field.focus();
  });
}
