/** Style sheet of training reports, added to the common one: colours of runs, for light and dark mode. */
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
.settings td { overflow-wrap: anywhere; min-width: 9ch; }
summary { cursor: pointer; color: var(--soft); } h3 { font-size: 1rem; margin: 16px 0 0; }
`;
