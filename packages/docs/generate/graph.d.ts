export function packageGraph(root: string): string;
