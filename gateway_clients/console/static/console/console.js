// Renews the parts of a page that are marked with data-renew, without a reload: every few seconds the page is
// fetched again, and those parts are put in place of the old ones. Nothing is renewed while the page is hidden, while
// the keyboard is in a part, or while a text in it is selected.
"use strict";

(() => {
  const SECONDS = 4;
  const LONGEST_SECONDS = 60;
  let wait = SECONDS;

  const isInUse = (part) => {
    const selection = document.getSelection();
    const isSelected = selection && !selection.isCollapsed && part.contains(selection.anchorNode);
    const focus = document.activeElement;
    return isSelected || (focus && focus !== document.body && part.contains(focus) && focus.matches("input, select, textarea, a, button, summary"));
  };

  const tell = (text) => {
    for (const place of document.querySelectorAll("[data-renewal]")) {
      place.textContent = text;
    }
  };

  const put = (fresh, part) => {
    const open = new Set([...part.querySelectorAll("details[open][id]")].map((each) => each.id));
    const scrolled = [...part.querySelectorAll(".console-scroll")].map((each) => each.scrollLeft);
    part.replaceChildren(...fresh.childNodes);
    part.querySelectorAll(".console-scroll").forEach((each, number) => {
      each.scrollLeft = scrolled[number] || 0;
    });
    for (const each of part.querySelectorAll("details[id]")) {
      each.open = open.has(each.id);
    }
  };

  const renew = async () => {
    if (document.hidden) {
      return;
    }
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store", redirect: "error" });
      if (!answer.ok) {
        throw new Error(String(answer.status));
      }
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-renew]")) {
        const newer = fresh.getElementById(part.id);
        if (newer && !isInUse(part)) {
          put(newer, part);
        }
      }
      wait = SECONDS;
    } catch (error) {
      wait = Math.min(wait * 2, LONGEST_SECONDS);
      tell(`It could not be renewed; it is tried again in ${wait} seconds.`);
    }
  };

  const turn = async () => {
    await renew();
    setTimeout(turn, wait * 1000);
  };

  if (document.querySelector("[data-renew]")) {
    setTimeout(turn, wait * 1000);
  }
})();
