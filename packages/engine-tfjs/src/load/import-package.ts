/** Imports a package or a module of Node by its name. */
export type ImportModule = (name: string) => Promise<unknown>;

/** Imports by name. Names of packages for browsers are literal, so that bundlers find them. Others are hidden from bundlers. */
export const importPackage: ImportModule = (name) => {
  switch (name) {
    case '@tensorflow/tfjs-core':
      return import('@tensorflow/tfjs-core');
    case '@tensorflow/tfjs-backend-cpu':
      return import('@tensorflow/tfjs-backend-cpu');
    case '@tensorflow/tfjs-backend-wasm':
      return import('@tensorflow/tfjs-backend-wasm');
    case '@tensorflow/tfjs-backend-webgpu':
      return import('@tensorflow/tfjs-backend-webgpu');
    default:
      return import(/* @vite-ignore */ name);
  }
};
