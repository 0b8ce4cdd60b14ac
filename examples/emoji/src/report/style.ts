/** Style sheet of this report, added to the common one: colours of the models and layout of pictures. */
export const style = `
:root { --dpar: #c2410c; --llamagen: #1d4ed8; --entropy: #0f766e; }
@media (prefers-color-scheme: dark) { :root { --dpar: #fb923c; --llamagen: #7aa7ff; --entropy: #4fd1c5; } }
.dpar { stroke: var(--dpar); } .llamagen { stroke: var(--llamagen); } .entropy { stroke: var(--entropy); }
svg .training { stroke-width: 1.2; stroke-dasharray: 4 3; }
.grid-classes { display: grid; grid-template-columns: minmax(90px, auto) repeat(3, minmax(0, 1fr)); gap: 8px 14px; align-items: center; }
.grid-classes .head { font-weight: 600; }
.grid-classes .name { font-size: 0.88rem; color: var(--soft); }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(74px, 1fr)); gap: 10px; }
.pairs img { width: 100%; image-rendering: pixelated; margin-bottom: 3px; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 440px), 1fr)); gap: 14px; }
.cards img { width: 100%; image-rendering: pixelated; }
.ramp { height: 12px; border-radius: 3px; flex: 0 0 160px; }
.scale { display: flex; gap: 8px; align-items: center; color: var(--soft); font-size: 0.86rem; margin: 8px 0; }
@media (max-width: 620px) { .grid-classes { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .grid-classes .name, .grid-classes .real { grid-column: 1 / -1; } .grid-classes .head { display: none; } }
`;
