export function refreshSizes(text: string, root: string): Promise<string>;
