// Sharpens pages that work without it. Nothing here is needed to see or to change anything.
"use strict";

// "Select this page": ticks every row; and the bulk form says how many are ticked.
for (const whole of document.querySelectorAll(".select-page")) {
  const boxes = [...document.querySelectorAll('input[name="ids"]')];
  const ticked = document.querySelector('#which option[value="ids"]');
  const tell = () => {
    const number = boxes.filter((box) => box.checked).length;
    ticked.textContent = number ? `${ticked.dataset.label} (${number})` : ticked.dataset.label;
    whole.checked = number === boxes.length;
    whole.indeterminate = number > 0 && number < boxes.length;
  };
  whole.hidden = false;
  whole.addEventListener("change", () => {
    boxes.forEach((box) => { box.checked = whole.checked; });
    tell();
  });
  boxes.forEach((box) => box.addEventListener("change", tell));
  tell();
}

// The address of a list is for sending to colleagues: fields without a value stay out of it.
for (const form of document.querySelectorAll("form.search, form.sorting")) {
  form.addEventListener("submit", () => {
    for (const field of form.elements) field.disabled = field.name !== "" && field.value === "";
  });
  addEventListener("pageshow", () => { for (const field of form.elements) field.disabled = false; });
}

// A note that was sent by somebody who had been signed out meanwhile is not lost: it waits in this tab, and the form has it again.
{
  const KEY = "pharos:note";
  const field = document.querySelector("main textarea[name=note]");
  const who = document.querySelector(".person .email")?.textContent;
  const was = performance.getEntriesByType("navigation")[0]?.responseStatus;
  const keep = (note) => {
    try {
      if (note) sessionStorage.setItem(KEY, JSON.stringify(note));
      else sessionStorage.removeItem(KEY);
    } catch { /* a browser that keeps nothing: then it is as without this */ }
  };
  let sent = null;
  try {
    sent = JSON.parse(sessionStorage.getItem(KEY));
  } catch { /* as above */ }
  if (sent && (was >= 400 || document.querySelector("main input[name=login]"))) keep({ ...sent, waits: true });
  else if (!sent?.waits || sent.who !== who) keep(null); // it has arrived, or it is somebody else's
  if (field && sent?.waits && sent.who === who && location.pathname === sent.path) {
    if (field.value === field.defaultValue) field.value = sent.text;
    keep(null);
  }
  field?.form.addEventListener("submit", () => keep({ who, path: location.pathname, text: field.value }));
}

// Copying: of an element all its <pre>, or its text. Where the browser does not let us, the text is selected for the reader's own keys.
{
  const region = document.querySelector("[data-copied]");
  const say = (text) => {
    const line = region.querySelector(".copied") ?? document.createElement("p");
    line.className = "copied visually-hidden";
    line.textContent = text;
    line.remove();
    region.append(line);  // anew each time, so that it is read out again
  };
  const show = () => {
    for (const button of document.querySelectorAll("[data-copy]")) {
      button.hidden = false;
      if (!navigator.clipboard) button.remove(); // a page without TLS may not copy
    }
  };
  show();
  document.addEventListener("pharos:fresh", show);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    const parts = [...source.querySelectorAll("pre")];
    const text = parts.length ? parts.map((part) => part.textContent).join("\n") : source.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection().selectAllChildren(source);
      say(region.dataset.notCopied);
      return;
    }
    for (const other of document.querySelectorAll(".is-copied")) other.classList.remove("is-copied");
    button.classList.add("is-copied");
    say(region.dataset.copied);
  });
}

// A start for a note: fills the field in place, and keeps what was typed after it.
for (const link of document.querySelectorAll("[data-fill]")) {
  link.parentElement.hidden = false;
  link.addEventListener("click", (event) => {
    const field = document.getElementById(link.dataset.fill);
    event.preventDefault();
    field.value = field.value.trim() ? `${field.value.trimEnd()}\n${link.dataset.text}` : link.dataset.text;
    field.focus();
  });
}

// Numbers that would have kept the page waiting are asked for one after the other, once it is there.
(async () => {
  for (const place of document.querySelectorAll("[data-count-at]")) {
    const answer = await fetch(place.dataset.countAt, { redirect: "manual" }).catch(() => null);
    if (!answer?.ok) return;
    place.textContent = (await answer.json()).text;
  }
})();

// A choice that has a button beside it takes effect at once.
for (const select of document.querySelectorAll(".sorting select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}
for (const button of document.querySelectorAll(".sorting button")) button.hidden = true;

// A bulk act goes on piece by piece while its page is open.
for (const form of document.querySelectorAll("form.goes-on")) form.requestSubmit();
