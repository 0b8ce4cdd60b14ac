/** Style sheet of all pages, with colours for light and dark mode. */
export const style = `
:root { color-scheme: light dark; --page: #ffffff; --card: #f6f7f9; --ink: #1b1f24; --soft: #57606a; --rule: #d8dee4; --accent: #0f766e; }
@media (prefers-color-scheme: dark) { :root { --page: #14171b; --card: #1d2126; --ink: #e6e9ed; --soft: #9aa4af; --rule: #353c44; --accent: #4fd1c5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 24px 20px 64px; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 8px 0 4px; }
h2 { font-size: 1.3rem; margin: 44px 0 8px; padding-top: 12px; border-top: 1px solid var(--rule); }
p { margin: 8px 0; max-width: 75ch; }
.lead { font-size: 1.08rem; }
.soft, figcaption, .legend { color: var(--soft); font-size: 0.9rem; }
figure { margin: 0; }
figcaption { margin-bottom: 4px; }
img { display: block; max-width: 100%; height: auto; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 12px; margin: 20px 0; }
.tile { background: var(--card); border-radius: 8px; padding: 12px 14px; }
.tile b { display: block; font-size: 1.55rem; line-height: 1.25; }
.tile span { color: var(--soft); font-size: 0.86rem; line-height: 1.35; display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 12px 0; font-size: 0.94rem; }
th, td { padding: 5px 14px 5px 0; text-align: right; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { font-weight: 600; }
th:first-child { text-align: left; font-weight: 400; }
thead th { color: var(--soft); font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 440px), 1fr)); gap: 18px; margin: 12px 0; }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 28px; align-items: start; margin: 18px 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 8px 20px; font-size: 0.94rem; }
dt { color: var(--soft); } dd { margin: 0; max-width: 80ch; overflow-wrap: anywhere; }
.chart { background: var(--card); border-radius: 8px; padding: 12px; max-width: 640px; }
.chart > svg { width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: var(--soft); }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .axis { stroke: var(--soft); stroke-width: 1; }
svg .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg .cloud { fill: none; stroke-width: 3; stroke-linecap: round; stroke-opacity: 0.35; }
svg .bar { fill: var(--accent); }
.picture { display: block; width: 100%; height: auto; background: #fff; border-radius: 4px; } .picture image { image-rendering: pixelated; }
.picture path { fill: none; stroke-linejoin: round; vector-effect: non-scaling-stroke; stroke: #db2777; stroke-width: 1.5px; }
.picture .halo { stroke: #fff; stroke-width: 3.5px; stroke-opacity: 0.55; }
.group { display: grid; grid-template-columns: repeat(3, 1fr); gap: 18px; margin: 14px 0; }
.note { border-left: 4px solid var(--accent); background: var(--card); padding: 10px 14px; max-width: none; }
.narrow { display: none; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; max-width: none; } .legend svg { vertical-align: middle; }
@media (max-width: 620px) { dl { grid-template-columns: 1fr; gap: 2px; } dd { margin-bottom: 10px; } .narrow { display: block; }
  .group { grid-template-columns: 1fr; gap: 10px; margin-bottom: 28px; } svg text { font-size: 15px; } }
`;

/** Additional style sheet of training reports: colours of runs, for light and dark mode. */
export const trainingStyle = `
:root { --run-1: #1d4ed8; --run-2: #c2410c; --run-3: #0f766e; --run-4: #a21caf; --run-5: #a16207; --run-6: #be123c; --run-7: #4d7c0f; --run-8: #0369a1;
  --alarm: #b91c1c; }
@media (prefers-color-scheme: dark) { :root { --run-1: #7aa7ff; --run-2: #fb923c; --run-3: #4fd1c5; --run-4: #e879f9; --run-5: #facc15; --run-6: #fb7185;
  --run-7: #a3e635; --run-8: #38bdf8; --alarm: #f87171; } }
${Array.from({ length: 8 }, (_, i) => `.run-${i + 1} { stroke: var(--run-${i + 1}); }`).join(' ')}
.validation { stroke: var(--run-2); } .raw { stroke: var(--run-1); } svg .raw { stroke-width: 1; opacity: 0.35; }
svg .dot { stroke-width: 2; fill: var(--card); }
svg .mark { stroke: var(--alarm); stroke-width: 1.5; stroke-dasharray: 3 3; }
.alarm { border-left: 4px solid var(--alarm); background: var(--card); padding: 10px 14px; max-width: none; overflow-wrap: anywhere; }
.switch input { position: absolute; opacity: 0; }
.switch label { display: inline-block; padding: 3px 14px; border: 1px solid var(--rule); color: var(--soft); font-size: 0.9rem; cursor: pointer; }
.switch label[for='by-step'] { border-radius: 6px 0 0 6px; } .switch label[for='by-time'] { border-radius: 0 6px 6px 0; margin-left: -1px; }
.switch input:checked + label { background: var(--ink); border-color: var(--ink); color: var(--page); }
.switch input:focus-visible + label { outline: 2px solid var(--run-1); outline-offset: 2px; }
#by-step:not(:checked) ~ .by-step, #by-time:not(:checked) ~ .by-time { display: none; }
.samples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); gap: 16px; align-items: start; }
.samples img { width: 100%; image-rendering: pixelated; border-radius: 4px; }
.settings td { overflow-wrap: anywhere; min-width: 9ch; } .start td:last-child { text-align: left; }
summary { cursor: pointer; color: var(--soft); } h3 { font-size: 1rem; margin: 16px 0 0; }
`;
