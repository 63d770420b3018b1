/* A light touch: without this script every page works, with a reload. No eval, nothing inline, nothing from elsewhere. */
"use strict";
(() => {
  const waiting = new WeakMap();

  const later = (form, work) => {
    clearTimeout(waiting.get(form));
    waiting.set(form, setTimeout(work, 180));
  };

  /* Put what the server says into a part of the page; the newest question wins. */
  const asked = new WeakMap();
  const ask = async (target, url, options = {}) => {
    asked.get(target)?.abort();
    const question = new AbortController();
    asked.set(target, question);
    target.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(url, {
        ...options,
        signal: question.signal,
        headers: { "X-Part": target.id, Accept: "text/html", ...(options.headers || {}) },
      });
      if (answer.redirected && new URL(answer.url).pathname === "/login") {
        location.assign("/login?next=" + encodeURIComponent(location.pathname + location.search));
        return;
      }
      target.innerHTML = await answer.text();
      start(target);
    } catch (error) {
      if (error.name !== "AbortError") target.classList.add("stale");
      return;
    } finally {
      if (asked.get(target) === question) target.removeAttribute("aria-busy");
    }
    target.classList.remove("stale");
  };

  /* Forms that answer while they are filled in: data-live names the part that shows the answer. */
  const live = (form) => {
    const target = document.getElementById(form.dataset.live);
    const url = form.dataset.url || form.action;
    const send = () => {
      const fields = new URLSearchParams(new FormData(form));
      if ((form.dataset.method || form.method) === "post") {
        ask(target, url, { method: "POST", body: fields });
      } else {
        const address = new URL(url, location.href);
        address.search = fields.toString();
        history.replaceState(null, "", address);
        ask(target, address);
      }
    };
    form.addEventListener("input", () => later(form, send));
    form.addEventListener("change", () => later(form, send));
    if (form.hasAttribute("data-once")) send();
  };

  /* A slider and the number beside it say the same. */
  const twin = (slider) => {
    const field = document.getElementById(slider.dataset.twin);
    slider.addEventListener("input", () => { field.value = slider.value; });
    field.addEventListener("input", () => { slider.value = field.value; });
  };

  const start = (root) => {
    root.querySelectorAll("form[data-live]").forEach(live);
    root.querySelectorAll("input[data-twin]").forEach(twin);
    root.querySelectorAll("[data-poll]").forEach((part) => {
      setTimeout(() => ask(part.parentElement, part.dataset.poll), 1200);
    });
    root.querySelectorAll("[data-print]").forEach((button) => {
      button.hidden = false;
      button.addEventListener("click", () => window.print());
    });
    root.querySelectorAll("form[data-progress]").forEach((form) => {
      form.addEventListener("submit", (event) => upload(event, form));
    });
    root.querySelectorAll("[data-reload]").forEach(() => setTimeout(() => location.reload(), 400));
  };

  /* A file on its way, with how far it has come. */
  const upload = (event, form) => {
    event.preventDefault();
    const bar = document.getElementById(form.dataset.progress);
    const request = new XMLHttpRequest();
    bar.hidden = false;
    request.upload.addEventListener("progress", (told) => {
      if (told.lengthComputable) bar.querySelector("progress").value = told.loaded / told.total;
    });
    request.addEventListener("load", () => {
      if (request.responseURL && new URL(request.responseURL).pathname !== new URL(form.action).pathname) {
        location.assign(request.responseURL);
      } else {
        const page = new DOMParser().parseFromString(request.responseText, "text/html");
        document.title = page.title;
        document.getElementById("main").replaceWith(page.getElementById("main"));
        start(document.getElementById("main"));
        document.getElementById("main").focus();
      }
    });
    request.addEventListener("error", () => { bar.hidden = true; HTMLFormElement.prototype.submit.call(form); });
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "text/html");
    request.send(new FormData(form));
  };

  start(document);
  document.querySelector(".side nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
})();
