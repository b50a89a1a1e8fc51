// Lighthouse over the pages that people open first, signed in, wide and narrow: prints the scores and fails
// where one is below 95. Starts a demo of its own on loopback and ends it. Lighthouse comes by npm into target/.
//
// CHROMIUM_BIN names another browser, KEYWARD_BIN another program; LIGHTHOUSE_PAGES other pages, a space between.
// The full reports are left in target/lighthouse/.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const VERSION = "12.8.2";
const LEAST = 95;
const CATEGORIES = ["performance", "accessibility", "best-practices"];
const PAGES = (process.env.LIGHTHOUSE_PAGES ?? "/ /products /contracts").split(" ");

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const home = join(root, "target", "lighthouse");

function fail(sentence) {
  throw new Error(sentence);
}

function fetchLighthouse() {
  const package_ = join(home, "node_modules", "lighthouse", "package.json");
  if (existsSync(package_) && JSON.parse(readFileSync(package_, "utf8")).version === VERSION) return;
  mkdirSync(home, { recursive: true });
  const wanted = ["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--prefix", home];
  const install = spawnSync("npm", [...wanted, `lighthouse@${VERSION}`], { stdio: ["ignore", "ignore", "inherit"] });
  if (install.error) fail(`npm is missing (${install.error.message}): install Node.js with npm, which fetches lighthouse`);
  if (install.status !== 0) fail(`npm can't fetch lighthouse ${VERSION}`);
}

function browser() {
  if (process.env.CHROMIUM_BIN) return process.env.CHROMIUM_BIN;
  const places = (process.env.PATH ?? "").split(":");
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const found = names.flatMap((name) => places.map((place) => join(place, name))).find((path) => existsSync(path));
  return found ?? fail("Chromium is missing: run scripts/ensure-chromium.sh, or set CHROMIUM_BIN");
}

// A port that nobody listens on now.
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject).listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// Starts a demo and waits until it is ready.
async function demo() {
  const program = process.env.KEYWARD_BIN ?? join(root, "target", "debug", "keyward");
  const data = join(home, "demo");
  rmSync(data, { recursive: true, force: true });
  const [port, responder] = [await freePort(), await freePort()];
  const child = spawn(
    program,
    ["demo", "--data-dir", data, "--listen", `127.0.0.1:${port}`, "--responder-listen", `127.0.0.1:${responder}`],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const end = async () => {
    child.kill("SIGTERM");
    await ended;
    rmSync(data, { recursive: true, force: true });
  };
  let printed = "";
  const ready = new Promise((resolve, reject) => {
    const read = (chunk) => {
      printed += chunk;
      if (printed.includes("Keyward is ready")) resolve();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", (fault) => reject(new Error(`${program}: ${fault.message}`)));
    child.once("exit", () => reject(new Error(`the demo ended before it was ready:\n${printed}`)));
  });
  await ready;
  return { base: `http://127.0.0.1:${port}`, password: readFileSync(join(data, "demo-password"), "utf8").trim(), end };
}

// The cookie of somebody who sees everything.
async function signIn(base, password) {
  const answer = await fetch(`${base}/sign-in`, {
    method: "POST",
    headers: { origin: base, "sec-fetch-site": "same-origin" },
    body: new URLSearchParams({ email: "admin@northwind.example", password }),
    redirect: "manual",
  });
  const cookies = answer.headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
  if (answer.status !== 303 || cookies.length === 0) fail(`signing in answers ${answer.status}`);
  return cookies.join("; ");
}

// One page; how many of its scores are too low.
async function measure(lighthouse, base, page, [width, config], settings) {
  const { lhr, report } = await lighthouse(base + page, { ...settings, onlyCategories: CATEGORIES }, config);
  if (new URL(lhr.finalDisplayedUrl).pathname !== page) fail(`${page} leads to ${lhr.finalDisplayedUrl}`);
  const name = `${page.replaceAll("/", "-").slice(1) || "overview"}-${width}`;
  writeFileSync(join(home, `${name}.html`), report);
  const scores = CATEGORIES.map((category) => Math.round(lhr.categories[category].score * 100));
  const said = CATEGORIES.map((category, at) => `${category} ${scores[at]}`).join("  ");
  process.stdout.write(`${width.padEnd(8)} ${page.padEnd(12)} ${said}\n`);
  for (const category of CATEGORIES) {
    for (const { id, weight } of lhr.categories[category].auditRefs) {
      const { score, title, displayValue } = lhr.audits[id];
      if (weight > 0 && score !== null && score < 0.9) {
        process.stdout.write(`         ${category}: ${title} ${displayValue ?? ""}\n`);
      }
    }
  }
  return scores.filter((score) => score < LEAST).length;
}

async function main() {
  fetchLighthouse();
  const from = (path) => import(pathToFileURL(join(home, "node_modules", path)));
  const { default: lighthouse, desktopConfig } = await from("lighthouse/core/index.js");
  const { launch } = await from("chrome-launcher/dist/index.js");
  const flags = ["--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const chromeFlags = [...flags, "--disable-component-update", "--disable-sync", ...sandbox];
  const portal = await demo();
  let chrome;
  let low = 0;
  try {
    const cookie = await signIn(portal.base, portal.password);
    chrome = await launch({ chromePath: browser(), chromeFlags });
    const settings = { port: chrome.port, logLevel: "error", output: "html", extraHeaders: { cookie } };
    for (const width of [["desktop", desktopConfig], ["mobile", undefined]]) {
      for (const page of PAGES) low += await measure(lighthouse, portal.base, page, width, settings);
    }
  } finally {
    chrome?.kill();
    await portal.end();
  }
  if (low > 0) fail(`${low} scores are below ${LEAST}; the reports are in ${home}`);
}

main().catch((fault) => {
  process.stderr.write(`lighthouse: ${fault.message}\n`);
  process.exitCode = 1;
});
