// Single keys for what the mouse does. Each of them moves the focus or follows a link or button that is on the page, so that it
// is read out, and done, as if it had been reached otherwise. Who has switched them off under "My account" gets no such script.

const help = document.querySelector("[data-keys]");
const WAIT = 1500; // for the second key after g
const WRITES = "select, textarea, [contenteditable], input:not([type=checkbox], [type=radio], [type=submit])";
const OPEN = CSS.supports("selector(:popover-open)") ? "dialog[open], :popover-open" : "dialog[open]";
let sheet;
let since = -WAIT;

const press = (selector, within = document) => within?.querySelector(selector)?.click();
const rows = () => [...document.querySelectorAll("tr[data-item-id]")];
/** The row with the focus; else the one that the address names, as after marking an item. */
const row = () => document.activeElement.closest("tr[data-item-id]") ?? document.querySelector("tr[data-item-id]:target");

function go(step) {
  const all = rows();
  const here = all.indexOf(row());
  const there = here < 0 ? all.at(step > 0 ? 0 : -1) : all[here + step];
  there?.querySelector(".name > a").focus();
}

function search(event) {
  const field = document.querySelector("#id_q");
  if (!field) return;
  event.preventDefault(); // or the key would be typed there
  field.focus();
  field.select();
}

function select() {
  const here = row();
  press("input[name=ids]", here);
  here?.querySelector(".name > a").focus();
}

async function explain() {
  sheet ??= fetch(help.href, { redirect: "manual" }).then(async (answer) => {
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const made = page.querySelector("[data-sheet]").content.firstElementChild.cloneNode(true);
    made.querySelector("[data-keys-here]").append(page.querySelector("[data-keys-list]"));
    document.body.append(made);
    return made;
  });
  try {
    (await sheet).showModal();
  } catch {
    location.assign(help.href);
  }
}

const KEYS = {
  "/": search,
  j: () => go(1),
  k: () => go(-1),
  x: select,
  r: () => press("button.toggle:not(.is-on)", row()),
  n: () => press("a[rel=next]"),
  p: () => press("a[rel=prev]"),
  u: () => press(".item-nav > a"),
  s: () => press("[data-live] [data-show]:not([hidden])"),
  g: (event) => { since = event.timeStamp; },
  "?": explain,
};
const AFTER_G = { l: "list", o: "overview" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (event.target.closest(WRITES) || document.querySelector(OPEN)) return;
  const own = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  const address = event.timeStamp - since < WAIT ? help.dataset[AFTER_G[event.key]] : undefined;
  if (event.key !== "g") since = -WAIT;
  if (address) location.assign(address);
  else if (own && event.repeat) return; // one mark for one press
  else if (own) own.click(); // a page's own key comes before what the key means elsewhere
  else if (Object.hasOwn(KEYS, event.key)) KEYS[event.key](event);
});

help.ariaHasPopup = "dialog";
help.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return; // in a window of its own
  event.preventDefault();
  explain();
});
