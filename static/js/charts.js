/* Draws every [data-chart] from the JSON beside it, in the colours of the stylesheet. */
(function () {
  "use strict";
  const root = document.documentElement;
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const TONES = { ok: "--c-ok", bad: "--c-bad", wait: "--c-wait", prev: "--c-prev" };
  const toneColour = (tone, place) => colour(TONES[tone] || "--" + (tone || "c" + (place % 6 + 1)));
  const chinese = root.lang.startsWith("zh");
  const whole = new Intl.NumberFormat(root.lang);
  const drawn = new Map();

  function short(value, unit) {
    if (unit) return whole.format(value) + unit;
    if (chinese && Math.abs(value) >= 10000) return whole.format(value / 10000) + "万";
    if (!chinese && Math.abs(value) >= 1000) return whole.format(value / 1000) + "k";
    return whole.format(value);
  }

  function frame(data, kind) {
    const family = colour("--sans");
    const label = { color: colour("--text-3"), fontSize: 12, fontFamily: family };
    return {
      animation: false,
      aria: { enabled: true, label: { description: data.summary } },
      textStyle: { fontFamily: family, color: colour("--text-2"), fontSize: 12 },
      grid: { left: 4, right: 8, top: 14, bottom: 4, containLabel: true },
      tooltip: {
        trigger: "axis", confine: true, backgroundColor: colour("--surface"), borderColor: colour("--line-strong"), borderWidth: 1,
        padding: [8, 12], textStyle: { color: colour("--text"), fontSize: 12, fontFamily: family },
        axisPointer: { type: "line", lineStyle: { color: colour("--line-strong") } },
        valueFormatter: (value) => (value == null ? "—" : whole.format(value) + (data.unit || "")),
      },
      xAxis: {
        type: "category", data: data.x, boundaryGap: kind === "bars", axisTick: { show: false },
        axisLine: { lineStyle: { color: colour("--line-strong") } }, axisLabel: { ...label, margin: 10, hideOverlap: true },
      },
      yAxis: {
        type: "value", splitNumber: 4, min: data.min, max: data.max, minInterval: data.unit ? undefined : 1,
        axisLine: { show: false }, axisTick: { show: false }, splitLine: { lineStyle: { color: colour("--c-grid") } },
        axisLabel: { ...label, formatter: (value) => short(value, data.unit) },
      },
    };
  }

  function marks(data) {
    const lines = [];
    if (data.target) lines.push({ yAxis: data.target.value, label: { formatter: data.target.label, position: "insideEndTop" } });
    if (data.event) lines.push({ xAxis: data.event.x, label: { formatter: data.event.label, position: "insideEndTop" } });
    return lines.length ? {
      symbol: "none", silent: true, data: lines, label: { color: colour("--text-2"), fontSize: 12 },
      lineStyle: { color: colour("--text-3"), type: "dashed", width: 1 },
    } : undefined;
  }

  function bar(one, place, data) {
    const incomplete = data.incomplete_from;
    return {
      name: one.name, type: "bar", stack: one.stack || "all", barWidth: "62%", emphasis: { disabled: true },
      itemStyle: { color: (item) => (incomplete != null && item.dataIndex >= incomplete && one.tone !== "bad" ? colour("--c-wait") : toneColour(one.tone, place)) },
      data: one.data,
    };
  }

  function line(one, place) {
    const previous = one.tone === "prev";
    return {
      name: one.name, type: "line", symbol: "none", data: one.data, step: one.step ? "middle" : false, connectNulls: false,
      lineStyle: { color: toneColour(one.tone, place), width: previous ? 1.5 : 2, type: previous ? "dashed" : "solid" },
      itemStyle: { color: toneColour(one.tone, place) }, emphasis: { disabled: true },
    };
  }

  function options(data, kind) {
    const series = data.series.map((one, place) =>
      (kind === "bars" && one.tone !== "prev" && one.type !== "line") ? bar(one, place, data) : line(one, place));
    if (series.length) series[0].markLine = marks(data);
    return { ...frame(data, kind), series };
  }

  function draw(element) {
    const source = document.getElementById(element.dataset.source);
    if (!source || !window.echarts) return;
    const data = JSON.parse(source.textContent);
    data.summary = element.getAttribute("aria-label");
    drawn.get(element)?.dispose();
    const chart = window.echarts.init(element, null, { renderer: "svg" });
    chart.setOption(options(data, element.dataset.chart));
    drawn.set(element, chart);
  }

  function drawAll() {
    for (const [element, chart] of drawn) if (!element.isConnected) { chart.dispose(); drawn.delete(element); }
    document.querySelectorAll("[data-chart]").forEach(draw);
  }

  let frameAsked = 0;
  addEventListener("resize", () => {
    cancelAnimationFrame(frameAsked);
    frameAsked = requestAnimationFrame(() => drawn.forEach((chart) => chart.resize()));
  });
  document.addEventListener("theme", drawAll);
  document.addEventListener("htmx:afterSwap", drawAll);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", drawAll); else drawAll();
})();
