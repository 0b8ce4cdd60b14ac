import { expect, it } from 'vitest';
import { describeError } from './errors.js';

const systemError = (code: string, more: object = {}) => Object.assign(new Error(`${code}: bare`), { code, ...more });

it.each([
  [{ path: '/a' }, "expected room on the disk for '/a', got none left."],
  [{ path: '/.a.partial', dest: '/a' }, "expected room on the disk for '/a', got none left."],
  [{}, 'expected room on the disk, got none left.'],
])('a full disk is told with the place, if it is known: %o', (more, message) => {
  expect(describeError(systemError('ENOSPC', more))).toBe(`${message} Free some or choose another disk.`);
});

it('an error that names no place keeps its own words', () => {
  const more = ' (run again with --debug for the stack trace)';
  expect(describeError(systemError('EPERM'))).toBe(`EPERM: bare${more}`);
  expect(describeError(systemError('EPERM', { path: '/a' }))).toContain("expected access to '/a'");
  expect(describeError(systemError('EUNKNOWN', { path: '/a' }))).toBe(`EUNKNOWN: bare${more}`);
});
