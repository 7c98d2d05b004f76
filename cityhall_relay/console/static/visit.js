"use strict";
// What makes board and visit quicker. Everything that it does can be done without it: forms are forms, and a page can be read again.
(() => {
  const stale = document.getElementById("stale");

  // --- a page whose stream is cut says so, until it lives again ---
  document.body.addEventListener("htmx:sseError", () => { if (stale) stale.hidden = false; });
  document.body.addEventListener("htmx:sseOpen", () => { if (stale) stale.hidden = true; });

  // --- digits press the choice that shows them ---
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || !/^[1-9]$/.test(event.key)) return;
    if (event.target.matches("input:not([type=radio]):not([type=checkbox]):not([type=file]), select, textarea")) return;
    const choice = document.querySelector(`[data-digit="${event.key}"]`);
    if (!choice) return;
    event.preventDefault();
    choice.focus();
    choice.click();
  });

  // --- pressed once is sent once ---
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (!form.hasAttribute("data-upload")) form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // --- a page begins where something is to be done ---
  if (!document.querySelector("[autofocus]")) document.querySelector(".todo h2[tabindex], .calls [data-first]")?.focus();

  // --- where the eye was, the keyboard stays: a part that was put in anew gets its focus back ---
  let held = null; // the part that had the keyboard, and the button's form in it
  document.body.addEventListener("htmx:sseBeforeMessage", (event) => {
    const at = document.activeElement;
    const form = at.tagName === "BUTTON" ? at.closest("form") : null;
    held = at !== document.body && event.target.contains(at) ? { place: event.target, form: form && form.getAttribute("action") } : null;
  });
  document.body.addEventListener("htmx:sseMessage", (event) => {
    const place = event.target;
    if (document.activeElement !== document.body) return;
    if (held && held.place === place) {
      const again = held.form && place.querySelector(`form[action="${CSS.escape(held.form)}"] button`);
      (again || place.querySelector("h2[tabindex]") || place.querySelector("button, a"))?.focus();
    } else if (place.matches(".calls")) place.querySelector("[data-first]")?.focus();
    held = null;
  });

  // --- a document: dropped or chosen, sent as it is; its name stays here ---
  const uploads = new WeakSet();
  const dropped = new WeakMap();

  function say(form, text) {
    const said = form.querySelector(".said");
    said.textContent = text;
    said.hidden = !text;
  }

  function send(form, file) {
    const fields = new FormData(form);
    dropped.set(form, file);
    if (!fields.get("service")) { say(form, form.dataset.choose); form.querySelector("[name=service]").focus(); return; }
    for (const field of form.querySelectorAll("input:not([type=file])")) if (!field.reportValidity()) return;
    if (uploads.has(form)) return;
    uploads.add(form);
    const query = new URLSearchParams();
    for (const [name, value] of fields) if (typeof value === "string") query.set(name, value);
    const bar = form.querySelector("progress");
    const request = new XMLHttpRequest();
    const over = (text) => { uploads.delete(form); dropped.delete(form); bar.hidden = true; say(form, text); };
    request.open("POST", `${new URL(form.action).pathname}?${query}`);
    request.setRequestHeader("X-CSRF", form.dataset.csrf);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", "application/pdf");
    request.upload.onprogress = (event) => {
      bar.value = event.total ? Math.round((100 * event.loaded) / event.total) : 0;
      if (event.loaded === event.total) say(form, form.dataset.checking);
    };
    request.onload = () => {
      if (request.status === 200 || request.status === 201) {
        // Where the stream has brought the next step already, nothing is read again under somebody's hand.
        if (form.isConnected || location.search) location.assign(location.pathname);
        return;
      }
      let sentences = [form.dataset.failed];
      try { sentences = JSON.parse(request.responseText).sentences; } catch { /* not ours: the sentence above */ }
      over(sentences.join(" "));
      form.querySelector("[type=file]").value = "";
    };
    request.onerror = () => over(form.dataset.failed);
    bar.hidden = false;
    say(form, form.dataset.sending);
    request.send(file);
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.hasAttribute("data-upload")) return;
    event.preventDefault();
    const file = dropped.get(form) || form.querySelector("[type=file]").files[0];
    if (file) send(form, file);
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-upload]");
    if (!form) return;
    const file = dropped.get(form) || form.querySelector("[type=file]").files[0];
    if (event.target.type === "file") dropped.delete(form);
    if (event.target.type === "file" && event.target.files[0]) send(form, event.target.files[0]);
    else if (event.target.name === "service" && file) { say(form, ""); send(form, file); }
  });
  for (const kind of ["dragover", "drop"]) {
    document.addEventListener(kind, (event) => {
      const form = document.querySelector("form[data-upload]");
      if (!form) return;
      event.preventDefault(); // also beside the zone: a browser would open the document in place of the visit
      const file = event.dataTransfer && event.dataTransfer.files[0];
      if (kind === "drop" && file) send(form, file);
    });
  }
})();
