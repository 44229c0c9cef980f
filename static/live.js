// Polls for changes of an open page. A list says how many of its items have changed, but its rows never move; an item's
// page is updated in place. There is no polling while the page is hidden or in use: a dialog is open, or a form is
// being filled in.

const POLL_INTERVAL = 15_000; // milliseconds, as are all times here
const INTERVAL_AFTER_CHANGE = 60_000; // once the page says that something has changed
const MAX_RETRY_INTERVAL = 240_000; // while the server doesn't answer

const OPEN_DIALOG = CSS.supports("selector(:popover-open)") ? "dialog[open], :popover-open" : "dialog[open]";

const bar = document.querySelector("[data-live]");
const article = document.querySelector("article.item");
const control = (name) => bar.querySelector(`[data-${name}]`);
const message = bar?.querySelector("p");
let interval = POLL_INTERVAL;
let timer;
let isPolling = false;
let isStopped = false; // dismissed, signed out, or no longer accessible: responses still on their way are ignored, too

function isChanged(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.type === "select-one") {
    const initial = Math.max(0, [...field.options].findIndex((option) => option.defaultSelected));
    return field.selectedIndex !== initial;
  }
  return "defaultValue" in field && field.value !== field.defaultValue;
}

function isBusy() {
  return document.hidden
    || document.querySelector(OPEN_DIALOG) !== null
    || document.activeElement?.matches("select, textarea, input:not([type=checkbox])") === true
    || [...document.forms].some((form) => [...form.elements].some(isChanged));
}

/** Whether replacing parts of the item's page would disturb the reader: the focus or a text selection is in it. */
function isInUse() {
  const selection = getSelection();
  return isBusy() || article.contains(document.activeElement)
    || (!selection.isCollapsed && selection.containsNode(article, true));
}

/** Shows a message and the named controls. Without any, only screen readers get the message. */
function announce(text, ...controls) {
  if (message.textContent !== text) message.textContent = text;
  for (const name of ["show", "sign-in", "dismiss"]) control(name).hidden = !controls.includes(name);
  bar.classList.toggle("is-on", controls.length > 0);
}

function schedule(delay) {
  if (isStopped) return;
  interval = delay;
  clearTimeout(timer);
  timer = setTimeout(poll, interval);
}

function stop() {
  isStopped = true;
  clearTimeout(timer);
  timer = undefined;
}

const backOff = () => schedule(Math.min(interval * 2, MAX_RETRY_INTERVAL));

/** Fetches an address. If it returns null, the next poll is already scheduled, or polling has stopped. */
async function fetchOrNull(address, headers = {}) {
  let response;
  try {
    // The server mustn't take this for activity of the reader, who may have left.
    response = await fetch(address, { redirect: "manual", headers: { ...headers, "X-Pharos-Background": "1" } });
  } catch {
    backOff();
    return null;
  }
  if (isStopped) return null;
  if (response.type === "opaqueredirect" || response.status === 401) {
    stop();
    announce(bar.dataset.signedOut, "sign-in", "dismiss");
  } else if (response.status === 429 || response.status >= 500) backOff();
  else if (response.status >= 400) stop(); // the reader no longer has access, so polling again won't help
  else return response;
  return null;
}

async function poll() {
  if (isPolling) return;
  if (isBusy()) return void schedule(POLL_INTERVAL);
  isPolling = true;
  try {
    await (article ? pollItem() : pollList());
  } finally {
    isPolling = false;
  }
}

async function pollList() {
  const ids = [...document.querySelectorAll("[data-item-id]")].slice(0, 250).map((row) => row.dataset.itemId);
  const response = await fetchOrNull(`${bar.dataset.live}&shown=${ids}`);
  if (!response) return;
  if (response.status === 204) return void schedule(POLL_INTERVAL);
  const { text } = await response.json();
  if (isStopped) return;
  announce(text, "show", "dismiss");
  schedule(INTERVAL_AFTER_CHANGE);
}

async function pollItem() {
  const response = await fetchOrNull(bar.dataset.live, { "If-None-Match": `"${bar.dataset.version}"` });
  if (!response) return;
  if (response.status === 304) return void schedule(POLL_INTERVAL);
  if (isInUse()) announce(bar.dataset.changed, "show", "dismiss");
  else if (!await updateItem()) return;
  // After Back, an answer that was on its way when the page was left never comes.
  addEventListener("pageshow", (event) => {
    if (!event.persisted || isStopped) return;
    isPolling = false;
    schedule(0);
  });
  schedule(POLL_INTERVAL);
}

/** Replaces the parts of the item's page that have changed. Returns false if the new page can't be used. */
async function updateItem() {
  const response = await fetchOrNull(location.href);
  if (!response) return false;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (isStopped) return false;
  const newArticle = page.querySelector("article.item");
  const newBar = page.querySelector("[data-live]"); // missing if live updates have been turned off in the meantime
  if (!newArticle || !newBar) return void stop();
  if (isInUse()) { // the reader can have started something since the request was sent
    announce(bar.dataset.changed, "show", "dismiss");
    return true;
  }
  merge(newArticle, article);
  bar.dataset.version = newBar.dataset.version;
  // The time in the printed footer is that of the page as it is now.
  document.querySelector(".page-footer time").replaceWith(page.querySelector(".page-footer time"));
  document.dispatchEvent(new Event("pharos:updated"));
  const status = [...newArticle.querySelectorAll(".item-head .status")].map((element) => element.textContent.trim());
  announce([bar.dataset.updated, ...status].join(" "));
  return true;
}

/** Makes an element equal to another, part by part. Equal parts aren't touched, and open details stay open. */
function merge(newElement, element) {
  const newDetails = [...newElement.querySelectorAll("details")];
  element.querySelectorAll("details").forEach((details, index) => {
    if (newDetails[index]) newDetails[index].open = details.open;
  });
  if (element.isEqualNode(newElement)) return;
  if (!element.matches("article, .columns, .columns > *") || element.children.length !== newElement.children.length) {
    element.replaceWith(newElement.cloneNode(true));
    return;
  }
  for (const { name, value } of newElement.attributes) element.setAttribute(name, value);
  [...element.children].forEach((child, index) => merge(newElement.children[index], child));
}

if (bar) {
  control("dismiss").addEventListener("click", () => {
    stop();
    announce("");
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && timer !== undefined) poll();
  });
  // After Back, an answer that was on its way when the page was left never comes.
  addEventListener("pageshow", (event) => {
    if (!event.persisted || isStopped) return;
    isPolling = false;
    schedule(0);
  });
  schedule(POLL_INTERVAL);
}
