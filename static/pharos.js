// Improves pages that also work without it: nothing here is needed to see or to change anything.
"use strict";

// "Select this page" selects every row, and the bulk form shows how many rows are selected.
for (const selectPage of document.querySelectorAll(".select-page")) {
  const boxes = [...document.querySelectorAll('input[name="ids"]')];
  const option = document.querySelector('#which option[value="ids"]');
  const selected = new Set(history.state?.selected);
  const update = () => {
    const ids = boxes.filter((box) => box.checked).map((box) => box.value);
    const count = ids.length;
    history.replaceState({ ...history.state, selected: ids }, "");
    option.textContent = count ? `${option.dataset.label} (${count})` : option.dataset.label;
    selectPage.checked = count === boxes.length;
    selectPage.indeterminate = count > 0 && count < boxes.length;
  };
  selectPage.hidden = false;
  selectPage.addEventListener("change", () => {
    boxes.forEach((box) => { box.checked = selectPage.checked; });
    update();
  });
  boxes.forEach((box) => {
    box.checked = selected.has(box.value); // after Back; browsers would restore it by place, perhaps in another row
    box.addEventListener("change", update);
  });
  update();
}

// People send the address of a list to colleagues, so empty fields are left out of it. After Back, the fields say what
// the list is, not what was chosen just before leaving it.
for (const form of document.querySelectorAll("form.search, form.sorting")) {
  form.addEventListener("submit", () => {
    for (const field of form.elements) field.disabled = field.name !== "" && field.value === "";
  });
  addEventListener("pageshow", (event) => {
    for (const field of form.elements) field.disabled = false;
    if (!event.persisted) return;
    form.reset();
    if (form.contains(document.activeElement)) document.activeElement.blur(); // live updates wait for a field in use
  });
}

// A search box has one line, so pasted lines become a list with semicolons. A list that is too long for it is sent with
// a form of its own.
for (const field of document.querySelectorAll("#id_q")) {
  field.addEventListener("paste", (event) => {
    const lines = event.clipboardData.getData("text").split(/[\r\n]+/).filter((line) => line.trim() !== "");
    const text = lines.map((line) => line.trim()).join("; ");
    const whole = field.value.slice(0, field.selectionStart) + text + field.value.slice(field.selectionEnd);
    const form = document.querySelector("[data-many-names]");
    if (whole.length > field.maxLength && form) {
      event.preventDefault();
      form.elements.names.value = lines.join("\n");
      form.submit();
    } else if (lines.length > 1) {
      event.preventDefault();
      field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    }
  });
}

// A note sent after the session had expired isn't lost: this tab stores it, and the form shows it again after signing
// in.
{
  const KEY = "pharos:note";
  const field = document.querySelector("main textarea[name=note]");
  const user = document.querySelector(".user-menu .email")?.textContent;
  const status = performance.getEntriesByType("navigation")[0]?.responseStatus;
  const store = (note) => {
    try {
      if (note) sessionStorage.setItem(KEY, JSON.stringify(note));
      else sessionStorage.removeItem(KEY);
    } catch { /* the browser has no storage: the note is lost, as it would be without this script */ }
  };
  let sent = null;
  try {
    sent = JSON.parse(sessionStorage.getItem(KEY));
  } catch { /* as above */ }
  if (sent && (status >= 400 || document.querySelector("main input[name=login]"))) store({ ...sent, waits: true });
  else if (!sent?.waits || sent.who !== user) store(null); // it was accepted, or it is another user's
  if (field && sent?.waits && sent.who === user && location.pathname === sent.path) {
    if (field.value === field.defaultValue) field.value = sent.text;
    store(null);
  }
  field?.form.addEventListener("submit", () => store({ who: user, path: location.pathname, text: field.value }));
}

// Copy buttons copy every <pre> in an element or, if it has none, its text. If the browser doesn't allow that, the text
// is selected so that the reader can copy it.
{
  const region = document.querySelector("[data-copied]");
  const announce = (text) => {
    const line = region.querySelector(".copied") ?? document.createElement("p");
    line.className = "copied visually-hidden";
    line.textContent = text;
    line.remove();
    region.append(line); // added again each time, so that screen readers read it each time
  };
  const showButtons = () => {
    for (const button of document.querySelectorAll("[data-copy]")) {
      button.hidden = false;
      if (!navigator.clipboard) button.remove(); // browsers don't let pages without TLS copy
    }
  };
  showButtons();
  document.addEventListener("pharos:updated", showButtons);
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
      announce(region.dataset.notCopied);
      return;
    }
    for (const other of document.querySelectorAll(".is-copied")) other.classList.remove("is-copied");
    button.classList.add("is-copied");
    announce(region.dataset.copied);
  });
}

// A note template fills the field in place, after what has already been typed.
for (const link of document.querySelectorAll("[data-fill]")) {
  link.parentElement.hidden = false;
  link.addEventListener("click", (event) => {
    const field = document.getElementById(link.dataset.fill);
    event.preventDefault();
    field.value = field.value.trim() ? `${field.value.trimEnd()}\n${link.dataset.text}` : link.dataset.text;
    field.focus();
  });
}

// Counts that would have delayed the page are fetched after it has loaded, one at a time.
(async () => {
  for (const element of document.querySelectorAll("[data-count-at]")) {
    const response = await fetch(element.dataset.countAt, { redirect: "manual" }).catch(() => null);
    if (!response?.ok) return;
    element.textContent = (await response.json()).text;
  }
})();

// The sort order and the number of rows apply as soon as they are chosen, without the button.
for (const select of document.querySelectorAll(".sorting select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}
for (const button of document.querySelectorAll(".sorting button")) button.hidden = true;

// While the page of a bulk change is open, it runs one batch after another.
for (const form of document.querySelectorAll("form.auto-continue")) form.requestSubmit();
