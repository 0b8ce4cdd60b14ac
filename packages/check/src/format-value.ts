/** Formats a value for an error message, in few words. */
export function formatValue(value: unknown): string {
  if (typeof value === 'string') return value.length > 60 ? `'${value.slice(0, 57)}...'` : `'${value}'`;
  if (typeof value === 'function') return `the function ${value.name || 'without a name'}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) {
    return value.length <= 4 && value.every((item) => typeof item !== 'object')
      ? `[${value.map(formatValue).join(', ')}]`
      : `an array of ${value.length}`;
  }
  if (ArrayBuffer.isView(value)) return `${typeName(value)} of ${(value as Uint8Array).length ?? value.byteLength}`;
  const type = typeName(value);
  if (type !== 'Object') return `an object of type ${type}`;
  const names = Object.keys(value);
  if (names.length === 0) return '{}';
  return `{ ${names.slice(0, 4).join(', ')}${names.length > 4 ? ', ...' : ''} }`;
}

/** Name of a value's type: `Float32Array`, `Map`, the name of a class, or `Object`. Values of other frames work too. */
function typeName(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1) === 'Object'
    ? ((value.constructor as { name?: string } | undefined)?.name ?? 'Object')
    : Object.prototype.toString.call(value).slice(8, -1);
}
