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
 * Constants of a compiled function, moved to the backend once. The matrix W of a product x W^T is prepared for it: rounded
 * to the weight format and, in WASM, transposed. The fast kernel of WASM takes untransposed matrices and keeps them packed.
 */
export class Constants {
  private readonly plain = new Map<string, TfjsTensor>();
  private readonly matrices = new Map<string, TfjsTensor>();
  /** True if matrices are kept transposed. */
  readonly transposesMatrices: boolean;
  /** True if matrices differ from the constants. */
  readonly preparesMatrices: boolean;

  /** @throws DparError if the data of a constant do not fit its type, or for an unknown format. */
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

  /** Constant, unprepared. */
  tensor(name: string): TfjsTensor {
    const found = this.plain.get(name) ?? this.upload(named(this.host, name));
    this.plain.set(name, found);
    return found;
  }

  /** Constant matrix, prepared for products. */
  matrix(name: string): TfjsTensor {
    const found = this.matrices.get(name) ?? this.upload(this.prepared(named(this.host, name)));
    this.matrices.set(name, found);
    return found;
  }

  /** Frees an unprepared constant. {@link tensor} uploads it again. */
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
    // `keep` protects it from `tf.tidy` around the compilation.
    return this.tf.keep(copyToTfjs(this.tf, tensor));
  }

  private prepared(matrix: HostTensor): HostTensor {
    const rounded = this.weights === 'float32' ? matrix : dequantizeMatrix(quantizeMatrix(matrix, this.weights));
    return this.transposesMatrices ? transposed(rounded) : rounded;
  }
}

/** Transposes a float32 matrix [N, K]. */
function transposed({ shape: [rows = 0, columns = 0], data }: HostTensor): HostTensor {
  const result = float32([columns, rows]);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result.data[column * rows + row] = data[row * columns + column] as number;
    }
  }
  return result;
}
