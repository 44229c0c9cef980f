// Keyboard shortcuts. Each one moves the focus, or clicks a link or button that is on the page, so screen readers
// announce it as usual. The script isn't loaded for users who have turned shortcuts off under "My account".

const helpLink = document.querySelector("[data-keys]");
const SEQUENCE_TIMEOUT = 1500; // milliseconds between g and the second key
const TYPING_FIELDS = "select, textarea, [contenteditable], input:not([type=checkbox], [type=radio], [type=submit])";
const OPEN_DIALOG = CSS.supports("selector(:popover-open)") ? "dialog[open], :popover-open" : "dialog[open]";
let dialogPromise;
let gPressedAt = -SEQUENCE_TIMEOUT;

const click = (selector, within = document) => within?.querySelector(selector)?.click();
const rows = () => [...document.querySelectorAll("tr[data-item-id]")];
/** The row with the focus, or else the one in the page's address, as after marking an item. */
const currentRow = () => document.activeElement.closest("tr[data-item-id]")
  ?? document.querySelector("tr[data-item-id]:target");

function moveFocus(step) {
  const all = rows();
  const index = all.indexOf(currentRow());
  const target = index < 0 ? all.at(step > 0 ? 0 : -1) : all[index + step];
  target?.querySelector(".name > a").focus();
}

function focusSearch(event) {
  const field = document.querySelector("#id_q");
  if (!field) return;
  event.preventDefault(); // otherwise the key would be typed into the field
  field.focus();
  field.select();
}

function toggleSelection() {
  const row = currentRow();
  click("input[name=ids]", row);
  row?.querySelector(".name > a").focus();
}

async function loadDialog() {
  const response = await fetch(helpLink.href, { redirect: "manual" });
  if (!response.ok) throw new Error(String(response.status));
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const dialog = page.querySelector("[data-dialog-template]").content.firstElementChild.cloneNode(true);
  dialog.querySelector("[data-dialog-body]").append(page.querySelector("[data-shortcuts]"));
  document.body.append(dialog);
  return dialog;
}

async function showShortcuts() {
  dialogPromise ??= loadDialog();
  try {
    (await dialogPromise).showModal();
  } catch {
    location.assign(helpLink.href);
  }
}

const KEYS = {
  "/": focusSearch,
  j: () => moveFocus(1),
  k: () => moveFocus(-1),
  x: toggleSelection,
  r: () => click("button.toggle:not(.is-on)", currentRow()),
  n: () => click("a[rel=next]"),
  p: () => click("a[rel=prev]"),
  u: () => click(".item-nav > a"),
  s: () => click("[data-live] [data-show]:not([hidden])"),
  g: (event) => { gPressedAt = event.timeStamp; },
  "?": showShortcuts,
};
const AFTER_G = { l: "list", o: "overview" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (event.target.closest(TYPING_FIELDS) || document.querySelector(OPEN_DIALOG)) return;
  const ownControl = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  const address = event.timeStamp - gPressedAt < SEQUENCE_TIMEOUT ? helpLink.dataset[AFTER_G[event.key]] : undefined;
  if (event.key !== "g") gPressedAt = -SEQUENCE_TIMEOUT;
  if (address) location.assign(address);
  else if (ownControl && event.repeat) return; // holding the key down counts once
  else if (ownControl) ownControl.click(); // a page's own key takes precedence over the general ones
  else if (Object.hasOwn(KEYS, event.key)) KEYS[event.key](event);
});

helpLink.ariaHasPopup = "dialog";
helpLink.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return; // opens the page in a new tab or window
  event.preventDefault();
  showShortcuts();
});
