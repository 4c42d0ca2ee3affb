// Draws the charts of a page, in its colours. Expressions are interpreted, so that nothing needs to be compiled.
"use strict";

function themed(config) {
  const styles = getComputedStyle(document.documentElement);
  const text = styles.getPropertyValue("--pico-color").trim() || "#373c44";
  const line = styles.getPropertyValue("--pico-muted-border-color").trim() || "#cfd5e2";
  const font = getComputedStyle(document.body).fontFamily;
  const words = { labelColor: text, titleColor: text };
  return {
    ...config,
    font,
    axis: { ...config.axis, ...words, gridColor: line, domainColor: line, tickColor: line },
    legend: { ...config.legend, ...words },
    title: { ...config.title, color: text },
  };
}

async function draw(figure) {
  const spec = JSON.parse(document.getElementById(figure.dataset.spec).textContent);
  spec.config = themed(spec.config || {});
  const place = figure.querySelector(".chart-drawing");
  if (!(window.vega && window.vegaLite && window.vegaEmbed)) {
    place.textContent = "The chart could not be drawn: a file of this page could not be loaded. Load it again.";
    return;
  }
  try {
    if (figure.drawn) figure.drawn.finalize();
    figure.drawn = await vegaEmbed(place, spec, {
      mode: "vega-lite",
      actions: false,
      ast: true,
      renderer: "svg",
      defaultStyle: false,
      tooltip: { disableDefaultStyle: true },
    });
    figure.dataset.drawn = spec.usermeta.kind;
  } catch (error) {
    place.textContent = `The chart could not be drawn: ${error.message}`;
  }
}

for (const figure of document.querySelectorAll("figure[data-spec]")) {
  draw(figure);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(figure));
}

// A choice is drawn at once, but for who goes through the choices by keys: Enter or the button ends that.
const choice = document.getElementById("chart-form");
if (choice) {
  let byKeys = false;
  choice.addEventListener("keydown", () => { byKeys = true; });
  choice.addEventListener("pointerdown", () => { byKeys = false; });
  choice.addEventListener("change", () => { if (!byKeys) choice.requestSubmit(); });
}
