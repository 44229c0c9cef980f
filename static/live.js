// Says that what a page shows has changed, and brings an item's page up to date. It never moves a row.
// It asks while nobody does anything with the page: not while it is hidden, a dialog is open, or a form is being filled in.

const EVERY = 15_000;
const ONCE_TOLD = 60_000;
const AT_MOST = 240_000; // between two tries while the server does not answer

const OPEN = CSS.supports("selector(:popover-open)") ? "dialog[open], :popover-open" : "dialog[open]";

const box = document.querySelector("[data-live]");
const article = document.querySelector("article.item");
const part = (name) => box.querySelector(`[data-${name}]`);
const said = box?.querySelector("p");
let wait = EVERY;
let timer;
let asking = false;
let isOver = false; // dismissed, signed out, or not this reader's any more: also what is under way is of no use then

function isTouched(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.type === "select-one") {
    const first = Math.max(0, [...field.options].findIndex((option) => option.defaultSelected));
    return field.selectedIndex !== first;
  }
  return "defaultValue" in field && field.value !== field.defaultValue;
}

function isBusy() {
  return document.hidden
    || document.querySelector(OPEN) !== null
    || document.activeElement?.matches("select, textarea, input:not([type=checkbox])") === true
    || [...document.forms].some((form) => [...form.elements].some(isTouched));
}

/** Whether replacing a part of the item's page would take something from under somebody. */
function isInUse() {
  const chosen = getSelection();
  return isBusy() || article.contains(document.activeElement)
    || (!chosen.isCollapsed && chosen.containsNode(article, true));
}

function tell(text, ...shown) {
  if (said.textContent !== text) said.textContent = text;
  for (const name of ["show", "sign-in", "dismiss"]) part(name).hidden = !shown.includes(name);
  box.classList.toggle("is-on", shown.length > 0);
}

function next(after) {
  if (isOver) return;
  wait = after;
  clearTimeout(timer);
  timer = setTimeout(look, wait);
}

function stop() {
  isOver = true;
  clearTimeout(timer);
  timer = undefined;
}

const later = () => next(Math.min(wait * 2, AT_MOST));

/** The answer to a question, or null where there is none worth reading; then it is clear how to go on. */
async function ask(address, headers = {}) {
  let answer;
  try {
    answer = await fetch(address, { redirect: "manual", headers });
  } catch {
    later();
    return null;
  }
  if (isOver) return null;
  if (answer.type === "opaqueredirect" || answer.status === 401) {
    stop();
    tell(box.dataset.signedOut, "sign-in", "dismiss");
  } else if (answer.status === 429 || answer.status >= 500) later();
  else if (answer.status >= 400) stop(); // not this reader's any more: asking again will not help
  else return answer;
  return null;
}

async function look() {
  if (asking) return;
  if (isBusy()) return void next(EVERY);
  asking = true;
  try {
    await (article ? lookAtItem() : lookAtList());
  } finally {
    asking = false;
  }
}

async function lookAtList() {
  const shown = [...document.querySelectorAll("[data-item-id]")].slice(0, 250).map((row) => row.dataset.itemId);
  const answer = await ask(`${box.dataset.live}&shown=${shown}`);
  if (!answer) return;
  if (answer.status === 204) return void next(EVERY);
  const { text } = await answer.json();
  if (isOver) return;
  tell(text, "show", "dismiss");
  next(ONCE_TOLD);
}

async function lookAtItem() {
  const answer = await ask(box.dataset.live, { "If-None-Match": `"${box.dataset.version}"` });
  if (!answer) return;
  if (answer.status === 304) return void next(EVERY);
  if (isInUse()) tell(box.dataset.changed, "show", "dismiss");
  else if (!await bringUpToDate()) return;
  next(EVERY);
}

/** Puts the page as it is now in the place of what it was; false where it could not be had. */
async function bringUpToDate() {
  const answer = await ask(location.href);
  if (!answer) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (isOver) return false;
  const fresh = page.querySelector("article.item");
  const probe = page.querySelector("[data-live]"); // none where live updates were switched off meanwhile
  if (!fresh || !probe) return void stop();
  if (isInUse()) { // since the question was asked
    tell(box.dataset.changed, "show", "dismiss");
    return true;
  }
  put(fresh, article);
  box.dataset.version = probe.dataset.version;
  document.querySelector(".foot time").replaceWith(page.querySelector(".foot time")); // on paper it says when this was so
  document.dispatchEvent(new Event("pharos:fresh"));
  const words = [...fresh.querySelectorAll(".item-head .status")].map((one) => one.textContent.trim());
  tell([box.dataset.updated, ...words].join(" "));
  return true;
}

/** Makes an element like another, part by part. What is the same is left alone, and what is folded open stays so. */
function put(fresh, old) {
  const folds = [...fresh.querySelectorAll("details")];
  old.querySelectorAll("details").forEach((fold, place) => {
    if (folds[place]) folds[place].open = fold.open;
  });
  if (old.isEqualNode(fresh)) return;
  if (!old.matches("article, .columns, .columns > *") || old.children.length !== fresh.children.length) {
    old.replaceWith(fresh.cloneNode(true));
    return;
  }
  for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
  [...old.children].forEach((child, place) => put(fresh.children[place], child));
}

if (box) {
  part("dismiss").addEventListener("click", () => {
    stop();
    tell("");
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && timer !== undefined) look();
  });
  next(EVERY);
}
