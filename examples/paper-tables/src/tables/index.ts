import type { Lab } from '../lab/lab.js';
import type { TableContent, TableName } from '../report/result.js';
import { makeCompression } from './compression.js';
import { makeLargerPatches } from './larger-patches.js';
import { makeS1 } from './s1.js';
import { makeS2 } from './s2.js';
import { makeS3 } from './s3.js';
import { makeS4 } from './s4.js';
import { makeS5 } from './s5.js';
import { makeS6 } from './s6.js';
import { makeS7 } from './s7.js';
import { makeS8 } from './s8.js';
import { makeS9 } from './s9.js';

/** What makes each table. */
export const tableMakers: Readonly<Record<TableName, (lab: Lab) => TableContent | Promise<TableContent>>> = {
  s1: makeS1,
  s2: makeS2,
  s3: makeS3,
  s4: makeS4,
  s5: makeS5,
  s6: makeS6,
  '1.8': makeCompression,
  s7: makeS7,
  s8: makeS8,
  s9: makeS9,
  'larger-patches': makeLargerPatches,
};
