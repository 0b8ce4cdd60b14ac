import type { TableName } from '../report/result.js';
import { boundaryHead, emoji } from './boundary-head.js';
import { compression } from './compression.js';
import { s4, s5 } from './entropy-models.js';
import { largerPatches } from './larger-patches.js';
import { s1 } from './s1.js';
import { s6 } from './s6.js';
import { s7 } from './s7.js';
import { s8 } from './s8.js';
import { s9 } from './s9.js';
import type { Table } from './table.js';
import { s2, s3 } from './variants.js';

/** All tables by name. */
export const tables: Readonly<Record<TableName, Table>> = {
  s1,
  s2,
  s3,
  s4,
  s5,
  s6,
  '1.8': compression,
  s7,
  s8,
  s9,
  'larger-patches': largerPatches,
  'boundary-head': boundaryHead,
  emoji,
};
