export function markdownFiles(root: string, folder?: string): string[];
