// What the pages do beyond links and forms: follow changes, count on, follow a log, keys, confirmations.
// Every page works without it.
"use strict";

(() => {
  const body = document.body;
  const SILENCE = 20000; // without a beat for so long (ms), nothing on the page counts as present
  const FIRST_EVENT = 5000; // a proxy that holds events back for so long is polled through
  const THROTTLE = 150;
  const DEAR = 2000; // the longest pause (ms) between two looks at a part that is dear to draw
  const POLL = 2000;
  const offset = Date.parse(document.documentElement.dataset.now) - Date.now();
  const serverNow = () => Date.now() + offset;
  const utc = (time) => new Date(time).toISOString().slice(11, 19) + " UTC";
  const all = (selector) => [...document.querySelectorAll(selector)];

  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "open" && (node.tagName === "DETAILS" || node.tagName === "DIALOG")) &&
    !(name === "checked" && node.getAttribute("form") === "many");
  Idiomorph.defaults.ignoreActiveValue = true;

  // The connection, and what the page says about it.

  const connection = document.getElementById("connection");
  let alive = false;
  let lastHeard = Date.now();
  let polling = false;
  let signedOut = false;
  let outdated = false;
  let forbidden = false;

  function say(text, link) {
    if (connection.dataset.text === text) return;
    connection.dataset.text = text;
    connection.textContent = text;
    if (link) {
      const anchor = document.createElement("a");
      anchor.textContent = link.text;
      anchor.href = link.href;
      if (link.elsewhere) anchor.target = "_blank";
      connection.append(" ", anchor);
    }
    connection.hidden = !text;
  }

  function describe() {
    body.classList.toggle("stale", !alive || signedOut || forbidden);
    if (outdated) return say("The manager was upgraded. Reload this page before you do anything.", { text: "Reload", href: location.href });
    if (signedOut)
      return say("Your session has ended; this page shows what was known at " + utc(lastHeard + offset) + ".", {
        text: "Sign in again", href: body.dataset.signIn + "?next=" + encodeURIComponent(location.pathname + location.search), elsewhere: true });
    if (forbidden) return say("You may not see this any more: your role has changed. This is what was known at " + utc(lastHeard + offset) + ".");
    if (!alive) return say("No connection to the manager. All that is shown is as of " + utc(lastHeard + offset) + ". Trying again ...");
    if (polling) return say("Live events do not pass the proxy; this page asks every two seconds instead.");
    say("");
  }

  function heard() {
    lastHeard = Date.now();
    if (!alive || signedOut) {
      alive = true;
      signedOut = false;
      refreshAll();
    }
    describe();
  }

  function lost() {
    alive = false;
    describe();
  }

  function onMessage({ kind, data }) {
    if (kind === "ready") { polling = false; followed = true; heard(); refreshAll(); return; }
    if (kind === "changed") { heard(); onChange(data); return; }
    if (kind === "lost") { heard(); refreshAll(); return; }
    if (kind === "beat") { heard(); return; }
    if (kind === "signed_out") { signedOut = true; describe(); again(); return; }
    if (kind === "end" || kind === "broken") { lost(); return; }
    if (kind === "dead") { lost(); again(); }
  }

  let port = null;
  let source = null;
  let followed = false;
  let retry = null;

  function follow() {
    if (!body.dataset.changes || document.hidden) return;
    const address = new URL(body.dataset.changes, location.href).href;
    if (window.SharedWorker) {
      if (!port) {
        port = new SharedWorker(body.dataset.worker).port;
        port.addEventListener("message", (event) => onMessage(event.data));
        port.start();
      }
      port.postMessage({ follow: address });
    } else if (!source) {
      source = new EventSource(address);
      for (const kind of ["ready", "changed", "lost", "beat", "end", "signed_out"])
        source.addEventListener(kind, (event) => onMessage({ kind, data: event.data ? JSON.parse(event.data) : null }));
      source.addEventListener("error", () => {
        const dead = source.readyState === EventSource.CLOSED;
        onMessage({ kind: dead ? "dead" : "broken" });
      });
    }
    setTimeout(() => { if (!followed && !signedOut && !document.hidden) { polling = true; poll(); } }, FIRST_EVENT);
  }

  function leave() {
    if (port) port.postMessage({ leave: true });
    if (source) { source.close(); source = null; }
    followed = false;
  }

  // The stream was refused: it may be the session, or a manager that is not there yet.
  function again() {
    if (source) { source.close(); source = null; }
    clearTimeout(retry);
    retry = setTimeout(async () => {
      if (document.hidden) return;
      await beat();
      if (alive && !signedOut) follow();
      else again();
    }, forbidden ? 10000 : 1000);
  }

  async function beat() {
    try {
      const response = await fetch(body.dataset.beat, { headers: { "HX-Request": "true" }, cache: "no-store" });
      if (response.status === 401) { signedOut = true; describe(); }
      else if (response.ok) {
        // After signing in anew, the forms belong to the new session.
        for (const field of all("input[name=csrf]")) field.value = response.headers.get("X-Console-Form");
        heard();
      }
      else lost();
    } catch { lost(); }
  }

  async function poll() {
    if (!polling || document.hidden) return;
    await beat();
    if (alive && !signedOut) refreshAll();
    setTimeout(poll, POLL);
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) leave();
    else { follow(); refreshAll(); if (polling) poll(); if (signedOut) again(); }
  });
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => { if (event.persisted) { follow(); refreshAll(); } });

  // What changed is asked for again, each part of the page at most every so often.

  const waiting = new WeakMap();

  function refresh(element) {
    const state = waiting.get(element) || { last: 0, timer: null, cost: 0 };
    waiting.set(element, state);
    if (state.timer) return;
    // A part that is dear to draw is asked for less often: the manager has executions to run.
    const delay = Math.max(0, state.last + Math.max(THROTTLE, Math.min(DEAR, 4 * state.cost)) - Date.now());
    state.timer = setTimeout(() => {
      state.timer = null;
      state.last = Date.now();
      if (outdated || signedOut) return;
      htmx.trigger(element, "changed");
    }, delay);
  }

  function refreshAll() {
    all("[data-live]").forEach(refresh);
    if (log) readOn();
  }

  function onChange({ kind, id, deployment_id }) {
    for (const element of all("[data-live]")) {
      const wanted = element.dataset.live.split(" ");
      if (wanted.includes(`${kind}:${id}`) || wanted.includes(`${kind}s`) || (deployment_id && wanted.includes(`deployment:${deployment_id}`)))
        refresh(element);
    }
    if (log && kind === "execution" && id === log.dataset.execution) readOn();
  }

  document.addEventListener("htmx:configRequest", (event) => {
    const list = event.target.matches("[data-live]") && event.target.querySelector("[data-top]");
    if (list && isBusy(event.target)) event.detail.parameters.top = list.dataset.top;
  });

  // Rows stay where they are while somebody is about to use them.
  function isBusy(element) {
    return element.matches(":hover") || element.contains(document.activeElement) || scrollY > 300 || element.querySelector("input:checked") !== null;
  }

  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401) { signedOut = true; describe(); again(); }
    else if (event.detail.xhr.status === 403 && event.detail.requestConfig.verb === "get") { forbidden = true; describe(); }
    else if (event.detail.requestConfig.verb !== "get") showAnswer(event.detail.xhr);
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (event.detail.requestConfig.verb !== "get")
      showText("The manager could not be reached. It is not known whether it received this; the page shows what is stored as soon as it is back.");
    lost();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const state = waiting.get(event.target);
    if (state) state.cost = Date.now() - state.last;
    if (event.detail.successful && forbidden) { forbidden = false; describe(); }
    const digest = event.detail.xhr && event.detail.xhr.getResponseHeader("X-Console-Assets");
    if (digest && digest !== document.documentElement.dataset.assets) { outdated = true; describe(); }
  });
  document.addEventListener("htmx:afterSwap", afterSwap);

  function afterSwap() {
    const titled = document.querySelector("[data-title]");
    if (titled) document.title = titled.dataset.title;
    const end = document.getElementById("log-end");
    const banner = document.querySelector(".banner");
    if (end && banner) end.hidden = banner.hasAttribute("data-moving");
    showSelected();
  }

  function showText(text) {
    let notice = document.querySelector("main > .notice");
    if (!notice) {
      notice = document.createElement("p");
      notice.className = "notice";
      notice.setAttribute("role", "status");
      document.getElementById("main").prepend(notice);
    }
    notice.textContent = text;
  }

  function showAnswer(xhr) {
    const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
    const said = page.querySelector(".problem-card p") || page.querySelector("main p, h1");
    showText(said ? said.textContent : `The manager responded with ${xhr.status}.`);
  }

  // Clocks count on by the manager's clock, and stand still without a connection.

  function words(seconds) {
    if (seconds < 60) return seconds.toFixed(seconds < 10 ? 1 : 0) + " s";
    const whole = Math.floor(seconds);
    for (const [size, large, small, part] of [[86400, "d", "h", 3600], [3600, "h", "min", 60], [60, "min", "s", 1]])
      if (whole >= size) return `${Math.floor(whole / size)} ${large} ${Math.floor((whole % size) / part)} ${small}`;
  }

  setInterval(() => {
    if (Date.now() - lastHeard > SILENCE && alive) lost();
    if (port && !document.hidden && !signedOut && followed) port.postMessage({ follow: new URL(body.dataset.changes, location.href).href });
    if (!alive || document.hidden) return;
    for (const element of all("[data-every]")) {
      const state = waiting.get(element);
      if (state && Date.now() - state.last > element.dataset.every * 1000) refresh(element);
    }
    for (const element of all("[data-since]"))
      element.textContent = words(Math.max(0, (serverNow() - Date.parse(element.dataset.since)) / 1000));
  }, 1000);
  setInterval(() => {
    if (alive && !document.hidden) all("[data-live]").filter((element) => element.querySelector("[data-moving]")).forEach(refresh);
  }, 2000);

  // The log: read on from the last line, followed while its end is in view.

  const log = document.getElementById("lines");
  const toEnd = document.getElementById("to-end");
  const MOST_LINES = 2000;
  let reading = false;
  let readAgain = false;
  let unseen = 0;

  const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 24;
  const isSelecting = () => { const chosen = getSelection(); return !chosen.isCollapsed && log.contains(chosen.anchorNode); };

  async function readOn() {
    if (!log.hasAttribute("data-follow") || document.hidden) return;
    if (reading) { readAgain = true; return; }
    reading = true;
    try {
      do {
        readAgain = false;
        const address = new URL(log.dataset.tail, location.href);
        address.searchParams.set("after", log.dataset.last);
        const response = await fetch(address, { headers: { "HX-Request": "true" }, cache: "no-store" });
        if (!response.ok) break;
        const holder = document.createElement("template");
        holder.innerHTML = await response.text();
        const lines = [...holder.content.querySelectorAll(".line")].filter((line) => !document.getElementById(line.id));
        if (lines.length) append(lines);
        if (lines.length >= 300) readAgain = true;
      } while (readAgain);
    } catch { /* the connection's own watch says so */ } finally { reading = false; }
  }

  function append(lines) {
    const following = isAtEnd() && !isSelecting();
    log.append(...lines);
    log.dataset.last = lines[lines.length - 1].dataset.id;
    if (following) {
      const shown = log.querySelectorAll(".line");
      for (let number = 0; number < shown.length - MOST_LINES; number++) shown[number].remove();
      log.scrollTop = log.scrollHeight;
    } else {
      unseen += lines.length;
      toEnd.textContent = `${unseen} new line${unseen === 1 ? "" : "s"}: go to the end`;
      toEnd.hidden = false;
    }
  }

  if (log) {
    if (location.hash.startsWith("#line-")) document.querySelector(location.hash)?.scrollIntoView({ block: "center" });
    else log.scrollTop = log.scrollHeight;
    toEnd.addEventListener("click", () => { log.scrollTop = log.scrollHeight; });
    log.addEventListener("scroll", () => { if (isAtEnd()) { unseen = 0; toEnd.hidden = true; } }, { passive: true });
    log.addEventListener("click", async (event) => {
      const link = event.target.closest("[data-older]");
      if (!link) return;
      event.preventDefault();
      const response = await fetch(link.dataset.older, { headers: { "HX-Request": "true" } });
      if (!response.ok) return;
      const before = log.scrollHeight - log.scrollTop;
      const holder = document.createElement("template");
      holder.innerHTML = await response.text();
      link.closest(".older").replaceWith(holder.content);
      log.scrollTop = log.scrollHeight - before;
    });
  }

  // What cannot be taken back is asked once more.

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (outdated) { event.preventDefault(); event.stopImmediatePropagation(); return; }
    if (!button || !button.dataset.confirm || button.dataset.confirmed) { if (button) delete button.dataset.confirmed; return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    const dialog = document.createElement("dialog");
    dialog.className = "confirm";
    dialog.setAttribute("aria-labelledby", "confirm-text");
    const text = document.createElement("p");
    text.id = "confirm-text";
    text.textContent = button.dataset.confirm;
    const back = document.createElement("button");
    back.textContent = "Back";
    const go = document.createElement("button");
    go.textContent = button.dataset.verb || button.textContent;
    go.className = "danger";
    const row = document.createElement("div");
    row.className = "dialog-buttons";
    row.append(back, go);
    dialog.append(text, row);
    body.append(dialog);
    const form = event.target;
    back.addEventListener("click", () => dialog.close());
    go.addEventListener("click", () => {
      dialog.close();
      const present = button.isConnected ? button : document.getElementById(button.id);
      if (!present || present.disabled) return showText("Nothing was done: it changed meanwhile.");
      present.dataset.confirmed = "yes";
      (present.form || form).requestSubmit(present);
    });
    dialog.addEventListener("close", () => dialog.remove());
    dialog.showModal();
  }, true);

  // What is selected in a list stays selected while rows change.

  function showSelected() {
    const picks = all("input[form=many][name=id]");
    const chosen = picks.filter((pick) => pick.checked).length;
    const words = document.getElementById("selected");
    if (words) words.textContent = chosen ? `${chosen} selected:` : "Selected:";
    const every = document.querySelector("[data-select-all]");
    if (every) { every.checked = chosen > 0 && chosen === picks.length; every.indeterminate = chosen > 0 && chosen < picks.length; }
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-select-all]")) for (const pick of all("input[form=many][name=id]")) pick.checked = event.target.checked;
    if (event.target.matches("[data-select-all], [form=many]")) showSelected();
  });

  // A menu closes when something else is looked at.

  document.addEventListener("click", (event) => {
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  // Keys.

  let prefix = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
    const now = Date.now();
    if (now - prefix < 1500) {
      prefix = 0;
      const link = document.querySelector(`nav [data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
    } else if (event.key === "g") prefix = now;
    else if (event.key === "/") { const field = document.querySelector("[data-search]"); if (field) { event.preventDefault(); field.focus(); field.select(); } }
    else if (event.key === "?") document.getElementById("keys").showModal();
    else if (event.key === "c") { const button = document.getElementById("act-cancel"); if (button) { event.preventDefault(); button.scrollIntoView({ block: "nearest" }); button.focus(); } }
  });

  alive = true;
  afterSwap();
  follow();
})();
