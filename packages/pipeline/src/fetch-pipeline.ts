import { parseSafetensors, toHostTensors } from '@dpar/io';
import { kindOfConfig, type ModelKind, type ModelOfKind, madeFromFiles, modelOf } from '@dpar/nn';
import { DparError } from '@dpar/tensor';
import { assemblePipeline, type PipelineOptions, pipelineOptionsKinds } from './assemble.js';
import { checkArguments } from './check-arguments.js';
import { EntropyMap } from './entropy-map.js';
import { decodeInBrowser, type ImageInput } from './image-input.js';
import { Images } from './images.js';
import type { Environment } from './loaded-pipeline.js';
import { type ModelSource, type PartKind, type PartName, partKinds, type ReadOptions } from './model-parts.js';
import type { Pipeline } from './pipeline.js';

const environment: Environment<Images, EntropyMap, ImageInput> = {
  images: (content) => new Images(content),
  entropyMap: (content) => new EntropyMap(content),
  decode: (input) => decodeInBrowser(input),
};

/**
 * Loads a model over the network, in a browser or in Node.
 * @param url Address of a model folder on a server, with `tokenizer/`, and `dpar/` or `llamagen/`, and `classes.json`. In a
 * page it may be relative.
 * @throws DparError with the address of a file that cannot be fetched or is damaged; the signal's reason when it is aborted.
 */
export async function fetchPipeline(url: string | URL, options: PipelineOptions = {}): Promise<Pipeline> {
  checkArguments('fetchPipeline', { url, options }, { url: 'string | object', 'options?': pipelineOptionsKinds });
  return assemblePipeline('fetchPipeline', urlSource(baseOf(url), options.signal), options, environment);
}

/** Address of a folder, which ends in a slash. */
function baseOf(url: string | URL): URL {
  const { location } = globalThis as { readonly location?: { readonly href: string } };
  try {
    const base = new URL(url, location?.href);
    return base.pathname.endsWith('/') ? base : new URL(`${base.pathname}/${base.search}`, base);
  } catch (cause) {
    throw new DparError(
      `fetchPipeline: expected the address of a model folder, got '${url}'. Pass one such as https://example.org/model/.`,
      { cause },
    );
  }
}

/** Files of a model folder on a server. */
function urlSource(base: URL, signal: AbortSignal | undefined): ModelSource {
  const files = new Map<string, Promise<unknown>>();
  const json = (path: string): Promise<unknown> => {
    const file = files.get(path) ?? fetchJson(path);
    files.set(path, file);
    return file;
  };
  const fetchJson = async (path: string): Promise<unknown> => {
    const response = await request(new URL(path, base), signal);
    // Servers of one-page programs answer with that page where a file is missing.
    if (response === undefined || /^text\/html\b/.test(response.headers.get('content-type') ?? '')) return undefined;
    const text = await response.text();
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw damaged(response.url, `'${text.slice(0, 40)}'`, cause);
    }
  };
  return {
    place: base.href.replace(/\/$/, ''),
    readConfig: (part) => json(`${part}/config.json`),
    async readClasses(part, numClasses) {
      const beside = await json('classes.json');
      const names = Array.isArray(beside) && beside.length === numClasses ? beside : await json(`${part}/classes.json`);
      if (names === undefined) return undefined;
      if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
      throw damaged(`${base.href}${part}/classes.json`, 'something else than a list of names', undefined);
    },
    async readModel<Name extends PartName>(part: Name, { signal, onProgress }: ReadOptions) {
      const address = new URL(`${part}/model.safetensors`, base);
      const [config, response] = await Promise.all([json(`${part}/config.json`), request(address, signal)]);
      if (response === undefined) {
        throw new DparError(`fetchPipeline: expected the file '${address}', got status 404. Copy it to the server.`);
      }
      const { tensors } = parsed(address, await bodyOf(response, onProgress));
      const place = `${base.href}${part}`;
      const kind = kindOfConfig<ModelKind>('fetchPipeline', partKinds[part], config, place);
      const model = madeFromFiles('fetchPipeline', place, () => modelOf(kind, config, toHostTensors(tensors)));
      return model as ModelOfKind<PartKind<Name>>;
    },
  };
}

function parsed(address: URL, bytes: Uint8Array): ReturnType<typeof parseSafetensors> {
  try {
    return parseSafetensors(bytes);
  } catch (cause) {
    throw damaged(address.href, (cause as Error).message, cause);
  }
}

function damaged(address: string, got: string, cause: unknown): DparError {
  return new DparError(
    `fetchPipeline: expected an intact file '${address}', got ${got}. Copy the model to the server again.`,
    { cause },
  );
}

/** Requests a file; undefined if it is missing. @throws DparError with the address. */
async function request(address: URL, signal: AbortSignal | undefined): Promise<Response | undefined> {
  let response: Response;
  try {
    response = await fetch(address, signal ? { signal } : {});
  } catch (cause) {
    signal?.throwIfAborted();
    throw new DparError(
      `fetchPipeline: expected the file '${address}', got no answer: ${(cause as Error).message}. Check the address, and that ` +
        'the server allows requests of this page (CORS).',
      { cause },
    );
  }
  if (response.status === 404 || response.status === 410) return undefined;
  if (response.ok) return response;
  throw new DparError(
    `fetchPipeline: expected the file '${address}', got status ${response.status}. Check the server and the address.`,
  );
}

/** Content of a response, with its progress. */
async function bodyOf(response: Response, onProgress: ReadOptions['onProgress']): Promise<Uint8Array> {
  // The length of a compressed response is that before decompression.
  const length = response.headers.has('content-encoding') ? null : response.headers.get('content-length');
  const total = length === null ? undefined : Number(length);
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  onProgress?.({ loaded, total });
  for (const reader = response.body?.getReader(); reader !== undefined; ) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    loaded += value.length;
    onProgress?.({ loaded, total: total === undefined ? undefined : Math.max(total, loaded) });
  }
  onProgress?.({ loaded, total: loaded });
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
