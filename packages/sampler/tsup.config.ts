import { library } from '@dpar/config/tsup';

export default library({ index: 'src/index.ts', onnx: 'src/onnx.ts' });
