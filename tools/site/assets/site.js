"use strict";
(() => {
  const form = document.querySelector("form"), query = document.getElementById("query"), results = document.getElementById("results");
  const shownAtMost = 30;
  let loaded;

  // The index comes when somebody first searches.
  function load() {
    loaded ||= new Promise((done) => {
      const script = document.createElement("script");
      script.src = "search-index.js";
      script.onload = done;
      document.head.append(script);
    });
    return loaded;
  }

  // Every word must occur. A section whose heading or page has the words comes first.
  function score(section, words) {
    const page = section.page.toLowerCase(), heading = section.heading.toLowerCase(), text = section.text.toLowerCase();
    let sum = 0;
    for (const word of words) {
      const points = (heading.includes(word) ? 10 : 0) + (page.includes(word) ? 5 : 0) + (text.includes(word) ? 1 : 0);
      if (points === 0) return 0;
      sum += points;
    }
    return sum + (text.includes(words.join(" ")) ? 2 : 0);
  }

  function find(words) {
    return window.searchIndex.map((section) => ({ section, points: score(section, words) }))
      .filter((found) => found.points > 0).sort((a, b) => b.points - a.points).map((found) => found.section);
  }

  // whole is a part of a text, without the words that are cut at its ends.
  function whole(text, from, to) {
    let part = text.slice(from, to);
    if (from > 0) part = part.replace(/^\S*/, "…");
    if (to < text.length) part = part.replace(/\s\S*$/, " …");
    return part;
  }

  // excerpt is the text around the first word, with the words marked.
  function excerpt(text, words) {
    const at = Math.max(0, Math.min(...words.map((word) => text.toLowerCase().indexOf(word)).map((i) => (i < 0 ? text.length : i))) - 60);
    const part = whole(text, at, at + 200), line = document.createElement("p");
    const pattern = new RegExp(`(${words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "gi");
    part.split(pattern).forEach((piece, i) => {
      const node = i % 2 ? document.createElement("mark") : document.createTextNode("");
      node.textContent = piece;
      line.append(node);
    });
    return line;
  }

  function show(sections, words) {
    const list = document.createElement("ol");
    for (const section of sections.slice(0, shownAtMost)) {
      const entry = document.createElement("li"), link = document.createElement("a");
      link.href = section.link;
      link.textContent = section.page === section.heading ? section.page : `${section.page}: ${section.heading}`;
      entry.append(link, excerpt(section.text, words));
      list.append(entry);
    }
    const count = document.createElement("p");
    count.textContent = sections.length === 1 ? "1 section found" : `${sections.length} sections found`;
    results.replaceChildren(count, list);
    results.hidden = false;
  }

  async function search() {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) {
      results.hidden = true;
      return;
    }
    await load();
    show(find(words), words);
  }

  form.hidden = false;
  query.addEventListener("input", search);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    results.querySelector("a")?.click();
  });
  results.addEventListener("click", (event) => {
    if (event.target.closest("a")) results.hidden = true;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") results.hidden = true;
    if (event.key === "/" && document.activeElement !== query) {
      event.preventDefault();
      query.focus();
    }
  });
  if (matchMedia("(max-width: 48rem)").matches) {
    document.querySelectorAll("nav details").forEach((part) => { part.open = false; });
  }
  const given = new URLSearchParams(location.search).get("q");
  if (given) {
    query.value = given;
    search();
  }
})();
