export { type PageServer, type ServeOptions, servePage } from './node/serve-page.js';
export { isPage, type WritePageOptions, type WrittenPage, writePage } from './node/write-page.js';
