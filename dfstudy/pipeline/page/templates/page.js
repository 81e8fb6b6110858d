"use strict";
// Comfort only: without this script everything is still there and readable.

// A link into a folded part opens it.
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  const fold = target.querySelector(":scope > details.fold");
  if (fold && target.classList.contains("appendix")) fold.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", reveal);
if (location.hash) reveal();

// The contents mark the section that is on screen.
const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const onScreen = new Set();
const watch = new IntersectionObserver((entries) => {
  for (const entry of entries) entry.isIntersecting ? onScreen.add(entry.target.id) : onScreen.delete(entry.target.id);
  const first = [...links.keys()].find((name) => onScreen.has(name));
  for (const [name, link] of links) name === first ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
}, { rootMargin: "-10% 0px -60% 0px" });
for (const name of links.keys()) { const part = document.getElementById(name); if (part) watch.observe(part); }

// Search and filter in the table of numbers.
const filter = document.querySelector(".filter");
if (filter) {
  const search = document.getElementById("number-search"), chapter = document.getElementById("number-chapter");
  const count = document.getElementById("number-count"), rows = [], heads = [];
  for (const row of document.querySelectorAll("#numbers tbody tr")) {
    if (row.id) heads.push({ row, rows: [] });
    else { const one = { row, text: row.textContent.toLowerCase(), head: heads.at(-1) }; rows.push(one); one.head?.rows.push(one); }
  }
  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of rows) {
      const fits = (!chapter.value || one.head?.row.id === chapter.value) && words.every((word) => one.text.includes(word));
      one.row.hidden = !fits;
      shown += fits;
    }
    for (const head of heads) head.row.hidden = head.rows.every((one) => one.row.hidden);
    count.textContent = `${shown} of ${rows.length} numbers`;
  };
  filter.hidden = false;
  filter.addEventListener("input", apply);
  apply();
}

// A figure at twice its size on click or with Enter.
const dialog = document.createElement("dialog");
dialog.className = "zoom";
dialog.setAttribute("aria-label", "Enlarged figure");
document.body.append(dialog);
dialog.addEventListener("click", () => dialog.close());
function enlarge(image) {
  const large = image.cloneNode();
  large.removeAttribute("tabindex");
  large.removeAttribute("role");
  large.width = 2 * image.getAttribute("width");
  large.removeAttribute("height");
  const close = document.createElement("button");
  close.textContent = "Close";
  dialog.replaceChildren(close, large);
  dialog.showModal();
}
for (const image of document.querySelectorAll("figure img[width]")) {
  image.tabIndex = 0;
  image.setAttribute("role", "button");
  image.title = "Enlarge";
  image.addEventListener("click", () => enlarge(image));
  image.addEventListener("keydown", (event) => { if (event.key === "Enter") enlarge(image); });
}
