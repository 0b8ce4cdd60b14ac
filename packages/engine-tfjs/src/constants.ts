import {
  checkCompileOptions,
  dequantizeMatrix,
  float32,
  type HostTensor,
  named,
  quantizeMatrix,
  type Tensors,
  type WeightFormat,
} from '@dpar/tensor';
import { copyToTfjs } from './host-tensor.js';
import type { Tfjs, TfjsTensor } from './tfjs.js';

/**
 * The constants of a compiled function, moved to the backend once. A constant matrix that others are multiplied with,
 * transposed, is kept as it is multiplied: rounded as the weight format says and, in WASM, transposed, because its fast
 * product takes matrices as they lie and keeps what it packs of them.
 */
export class Constants {
  private readonly plain = new Map<string, TfjsTensor>();
  private readonly matrices = new Map<string, TfjsTensor>();
  /** Whether matrices are kept transposed. */
  readonly transposesMatrices: boolean;
  /** Whether matrices differ from the constants. */
  readonly preparesMatrices: boolean;

  /** @throws DparError if the data of one are not what its type says, or for an unknown format. */
  constructor(
    private readonly tf: Tfjs,
    backend: string,
    readonly host: Tensors<HostTensor>,
    private readonly weights: WeightFormat,
  ) {
    checkCompileOptions({ constants: host, weights });
    this.transposesMatrices = backend === 'wasm';
    this.preparesMatrices = this.transposesMatrices || weights !== 'float32';
    for (const [name, tensor] of Object.entries(host)) this.plain.set(name, this.upload(tensor));
  }

  /** A constant as it is. */
  tensor(name: string): TfjsTensor {
    const found = this.plain.get(name) ?? this.upload(named(this.host, name));
    this.plain.set(name, found);
    return found;
  }

  /** A constant matrix as it is multiplied. */
  matrix(name: string): TfjsTensor {
    const found = this.matrices.get(name) ?? this.upload(this.prepared(named(this.host, name)));
    this.matrices.set(name, found);
    return found;
  }

  /** Frees one as it is; it is moved again if it is asked for. */
  forget(name: string): void {
    this.plain.get(name)?.dispose();
    this.plain.delete(name);
  }

  dispose(): void {
    for (const tensor of [...this.plain.values(), ...this.matrices.values()]) tensor.dispose();
    this.plain.clear();
    this.matrices.clear();
  }

  private upload(tensor: HostTensor): TfjsTensor {
    // Kept, also when the function is compiled within `tf.tidy`.
    return this.tf.keep(copyToTfjs(this.tf, tensor));
  }

  private prepared(matrix: HostTensor): HostTensor {
    const rounded = this.weights === 'float32' ? matrix : dequantizeMatrix(quantizeMatrix(matrix, this.weights));
    return this.transposesMatrices ? transposed(rounded) : rounded;
  }
}

/** A float32 matrix [N, K] as [K, N]. */
function transposed({ shape: [rows = 0, columns = 0], data }: HostTensor): HostTensor {
  const result = float32([columns, rows]);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result.data[column * rows + row] = data[row * columns + column] as number;
    }
  }
  return result;
}
