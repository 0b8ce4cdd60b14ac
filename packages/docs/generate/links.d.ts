export function refreshLinks(text: string, path: string): string;
