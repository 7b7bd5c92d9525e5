"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const darkColours = read("dark-colours");
  const touched = window.matchMedia("(hover: none)").matches; // its buttons would lie over the points all the time
  const hoverTexts = read("hover-texts");
  const plots = [...document.querySelectorAll(".plot")];

  // The legend of all figures of a comparison: which methods are shown.
  const buttons = [...document.querySelectorAll("button.pen")];
  const pens = new Map(buttons.map((button) => [button.dataset.pen, button.getAttribute("aria-pressed") === "true"]));

  // Figures: drawn from the JSON beside them, in the colours of the reader's scheme.
  const draw = (plot, asDark, width) => {
    let text = document.getElementById(plot.dataset.figure).textContent;
    if (asDark) for (const [light, other] of Object.entries(darkColours)) text = text.replaceAll(light, other);
    const figure = JSON.parse(text);
    for (const trace of figure.data) if (trace.customdata) trace.text = trace.customdata.map((id) => hoverTexts[id]);
    for (const trace of figure.data) if (pens.has(trace.legendgroup)) trace.visible = pens.get(trace.legendgroup);
    if (asDark) figure.layout.hoverlabel = { ...figure.layout.hoverlabel, bordercolor: "#333b43" };
    if (plot.clientWidth < 460) {
      figure.layout.margin = { ...figure.layout.margin, l: 52, r: 6 };
      figure.layout.font.size = 12;
    }
    if (width) Object.assign(figure.layout, { width, height: Number(plot.dataset.height) || 300, autosize: false });
    const options = {
      responsive: !width, displaylogo: false, scrollZoom: false, displayModeBar: width || touched || plot.clientWidth < 460 ? false : "hover",
      modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
    };
    Plotly.react(plot, figure.data, figure.layout, options);
  };
  const drawAll = (asDark, width) => plots.forEach((plot) => draw(plot, asDark, width));
  // Plotly's code: compressed, so that the file is small. It is run as one more script of the page, which the policy allows.
  const unpack = async () => {
    const packed = Uint8Array.from(atob(document.getElementById("plotly-code").textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  };
  const start = () => {
    drawAll(dark.matches);
    dark.addEventListener("change", () => drawAll(dark.matches));
    window.addEventListener("beforeprint", () => drawAll(false, 660));
    window.addEventListener("afterprint", () => drawAll(dark.matches));
    for (const button of buttons) {
      button.addEventListener("click", () => {
        const name = button.dataset.pen;
        pens.set(name, !pens.get(name));
        for (const other of buttons) if (other.dataset.pen === name) other.setAttribute("aria-pressed", String(pens.get(name)));
        drawAll(dark.matches);
      });
    }
  };
  const older = () => {
    for (const plot of plots) plot.textContent = "The figures need a browser of 2023 or later; all tables and texts are here without it.";
  };
  if (plots.length) unpack().then(start, older);

  // The table of candidates: sorting by a column, filtering by words and status.
  const table = document.querySelector("table.candidates");
  if (table) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const key = (row, column) => {
      const value = row.cells[column].dataset.v;
      if (value === undefined) return row.cells[column].textContent;
      return value === "" ? null : Number(value);
    };
    const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => {
        const usual = head.dataset.first || "ascending";
        const other = usual === "ascending" ? "descending" : "ascending";
        const order = head.getAttribute("aria-sort") === usual ? other : usual;
        for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", order);
        const sign = order === "ascending" ? 1 : -1;
        const keys = new Map(rows.map((row) => [row, key(row, column)]));
        rows.sort((a, b) => {
          const x = keys.get(a), y = keys.get(b);
          if (x === null || y === null) return (x === null) - (y === null); // what has no value comes last
          return sign * compare(x, y);
        });
        body.append(...rows);
      });
    });
    const words = document.getElementById("filter-words");
    const status = document.getElementById("filter-status");
    const count = document.getElementById("filter-count");
    const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
    const filter = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const fits = (!status.value || row.dataset.status === status.value) && wanted.every((word) => texts.get(row).includes(word));
        row.hidden = !fits;
        shown += fits;
      }
      count.textContent = `${shown} of ${rows.length} shown`;
    };
    words.addEventListener("input", filter);
    status.addEventListener("change", filter);
    filter();
  }

  for (const button of document.querySelectorAll("button.copy")) {
    button.addEventListener("click", () => {
      const source = document.getElementById(button.dataset.copy);
      const done = () => { button.textContent = "Copied"; setTimeout(() => { button.textContent = "Copy"; }, 1500); };
      const select = () => window.getSelection().selectAllChildren(source);
      if (navigator.clipboard) navigator.clipboard.writeText(source.textContent).then(done, select); else select();
    });
  }
})();
