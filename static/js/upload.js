// A file that is sent in tells how far it is, and can be stopped. Without this, the form sends it all the same.
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const words = (bytes) => {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  let value = bytes;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${number.format(value)} ${units[at]}`;
};

function send(form) {
  const area = form.querySelector("[data-upload-progress]");
  const bar = area.querySelector("progress");
  const status = area.querySelector("[data-upload-status]");
  const button = form.querySelector(".buttons button");
  const request = new XMLHttpRequest();
  let told = 0;
  const over = (text) => {
    bar.hidden = true;
    area.querySelector("[data-upload-stop]").hidden = true;
    button.disabled = false;
    status.textContent = text;
  };
  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    bar.max = event.total;
    bar.value = event.loaded;
    // A tenth at a time: a screen reader reads each of them out.
    const tenth = Math.floor((event.loaded / event.total) * 10);
    if (tenth === told) return;
    told = tenth;
    status.textContent = `${words(event.loaded)} of ${words(event.total)} sent`;
  });
  request.addEventListener("load", () => {
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    if (request.status < 400) {
      location.assign(request.responseURL);
      return;
    }
    const next = page.querySelector("aside.panel");
    const panel = form.closest(".panel");
    if (request.status === 422 && next && panel) {
      panel.replaceWith(document.adoptNode(next));
      document.querySelector("[data-summary], .panel .error")?.scrollIntoView({ block: "center" });
      document.querySelector("[data-summary]")?.focus();
      return;
    }
    over(page.querySelector("main")?.textContent.trim().replace(/\s+/g, " ") || "It wasn’t taken. Try again.");
  });
  request.addEventListener("error", () => over("The connection broke off, or the file is too large. Nothing was kept. Try again."));
  request.addEventListener("abort", () => over("Stopped. Nothing was kept."));
  area.querySelector("[data-upload-stop]").addEventListener("click", () => request.abort());
  area.hidden = false;
  bar.hidden = false;
  bar.removeAttribute("value");
  area.querySelector("[data-upload-stop]").hidden = false;
  button.disabled = true;
  status.textContent = "Sending";
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "text/html");
  request.send(new FormData(form));
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const file = form.matches?.("[data-upload]") && form.querySelector("input[type=file]").files[0];
  if (!file) return;
  event.preventDefault();
  const limit = Number(form.dataset.uploadLimit);
  if (file.size > limit) {
    const status = form.querySelector("[data-upload-status]");
    form.querySelector("[data-upload-progress]").hidden = false;
    form.querySelector("[data-upload-progress] progress").hidden = true;
    form.querySelector("[data-upload-stop]").hidden = true;
    status.textContent = `This file has ${words(file.size)}, at most ${words(limit)} are taken here. Link it instead.`;
    return;
  }
  send(form);
});
