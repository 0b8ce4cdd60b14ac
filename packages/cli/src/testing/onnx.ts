import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { HostTensor, Tensors } from '@dpar/tensor';
import * as node from 'onnxruntime-node';
import * as web from 'onnxruntime-web';

/** The runtimes that open exported files, as programs without this repository have them. */
export const runtimes: readonly { readonly name: string; readonly ort: typeof node }[] = [
  { name: 'onnxruntime-node', ort: node },
  { name: 'onnxruntime-web', ort: web as unknown as typeof node },
];

/** Opens a file: by its path in Node; its bytes, and those of its data file, in the web's runtime. */
export async function openOnnx(ort: typeof node, path: string, hasData = false): Promise<node.InferenceSession> {
  if (ort === node) return node.InferenceSession.create(path);
  const data = `${path}.data`;
  const externalData = hasData ? { externalData: [{ path: basename(data), data: await readFile(data) }] } : {};
  return ort.InferenceSession.create(await readFile(path), externalData);
}

/** Runs a file once. */
export async function runOnnx(
  ort: typeof node,
  path: string,
  inputs: Tensors<HostTensor>,
  hasData = false,
): Promise<Record<string, HostTensor>> {
  const session = await openOnnx(ort, path, hasData);
  const feeds = Object.entries(inputs).map(([name, { dtype, data, shape }]) => [
    name,
    new ort.Tensor(dtype, data as Int32Array, shape),
  ]);
  const outputs = await session.run(Object.fromEntries(feeds));
  await session.release();
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { type, dims, data }]) => [
      name,
      { dtype: type, shape: dims, data } as unknown as HostTensor,
    ]),
  );
}
