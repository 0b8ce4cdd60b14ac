import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@dpar/config/temporary-folder';
import { createOrtEngine } from '@dpar/engine-ort';
import type { Engine } from '@dpar/tensor';

/** Types and shapes of a node's inputs or outputs in a profile, such as `[{ int64: [2] }]`. */
type Tensors = readonly Readonly<Record<string, readonly number[]>>[];

/** Event of a profile of ONNX Runtime, as far as it is read here. */
interface ProfileEvent {
  readonly cat: string;
  readonly args?: {
    readonly op_name?: string;
    readonly provider?: string;
    readonly input_type_shape?: Tensors;
    readonly output_type_shape?: Tensors;
  };
}

/** Most numbers of a shape, of axes or of padding. */
const shapeNumbers = 16;

/** True for a node that computes shapes: few whole numbers from a shape or from others of their kind. */
function handlesShapes({ op_name: name, input_type_shape: from = [], output_type_shape: to = [] }: EventArgs): boolean {
  const areSmall = (tensors: Tensors): boolean =>
    tensors.every((tensor) =>
      Object.entries(tensor).every(
        ([type, shape]) => /^int(32|64)$/.test(type) && shape.reduce((a, b) => a * b, 1) <= shapeNumbers,
      ),
    );
  return areSmall(to) && (name === 'Shape' || areSmall(from));
}

type EventArgs = NonNullable<ProfileEvent['args']>;

/** Nodes of all sessions of an engine, by provider. */
export interface NodeCounts {
  /** Nodes that ran on the GPU. */
  readonly onGpu: number;
  /** Nodes that ran on the CPU or copied to or from it, by operator. Those that only handle shapes are left out. */
  readonly offGpu: Readonly<Record<string, number>>;
}

/** Counts the nodes that an engine on WebGPU runs, and where. */
export async function countNodes(use: (engine: Engine) => Promise<void>): Promise<NodeCounts> {
  const folder = await temporaryFolder();
  const engine = await createOrtEngine({ device: 'webgpu', threads: 1, profile: join(folder, 'profile') });
  await use(engine);
  await engine.dispose();
  let onGpu = 0;
  const offGpu: Record<string, number> = {};
  for (const file of await readdir(folder)) {
    const events: ProfileEvent[] = JSON.parse(await readFile(join(folder, file), 'utf8'));
    for (const { cat, args } of events) {
      if (cat !== 'Node' || args?.provider === undefined || args.op_name === undefined) continue;
      const isOnGpu = args.provider === 'WebGpuExecutionProvider' && !args.op_name.startsWith('Memcpy');
      if (isOnGpu) onGpu++;
      else if (!handlesShapes(args)) offGpu[args.op_name] = (offGpu[args.op_name] ?? 0) + 1;
    }
  }
  return { onGpu, offGpu };
}
