import type { HostTensor as TensorsHostTensor } from '@dpar/tensor';
import { expectTypeOf, it } from 'vitest';
import type { HostTensor } from './stored.js';

it('is the HostTensor of @dpar/tensor', () => {
  expectTypeOf<HostTensor>().toEqualTypeOf<TensorsHostTensor>();
});
