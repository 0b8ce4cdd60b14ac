import { type Field, type Fields, kindNames, type ModelKind, snakeCase } from '@dpar/nn';
import { z } from 'zod';
import { constantSchedule, cosineSchedule, type Schedule } from '../optimizer/schedule.js';

// Keys that the training configurations of all kinds of models share.

export const count = z.int().min(1);
export const positive = z.number().positive();
export const fraction = z.number().min(0).max(1);
export const rate = z.number().min(0).lt(1);

/**
 * Schema of the `model` part of a configuration, from the keys of a model kind. A preset provides omitted keys.
 * @param kinds All kinds of such models, for the description.
 */
export function modelSchema({ name, presets, fields }: ModelKind, kinds: readonly ModelKind[]) {
  return z.strictObject({
    kind: z.literal(name).describe(`Kind of model: ${kindNames(kinds)}`),
    preset: z.enum(Object.keys(presets)).optional().describe('Named size. The other keys of the model change it'),
    ...fieldSchemas(fields),
  });
}

function fieldSchemas<C extends object>(fields: Fields<C>): Record<string, z.ZodType> {
  const schemas: Record<string, z.ZodType> = {};
  for (const [name, { parse, expected, about, fields: inner }] of Object.entries<Field<unknown>>(fields)) {
    if (about === undefined) continue;
    const isValid = (value: unknown): boolean => parse(value, name, '') !== undefined;
    const schema = inner ? z.strictObject(fieldSchemas(inner)) : z.custom(isValid, { error: expected });
    schemas[snakeCase(name)] = schema.optional().describe(about);
  }
  return schemas;
}

/** Defaults of the optimizer that differ between models. */
interface OptimizerDefaults {
  readonly learningRate: number;
  readonly betas: [number, number];
  readonly weightDecay: number;
}

/** Schema of the `optimizer` part. */
export function optimizerSchema({ learningRate, betas, weightDecay }: OptimizerDefaults) {
  return z.strictObject({
    learning_rate: positive.default(learningRate).describe('Peak learning rate'),
    schedule: z
      .enum(['constant', 'cosine'])
      .default('constant')
      .describe('Schedule of the learning rate: constant or cosine'),
    warmup_steps: z.int().min(0).default(0).describe('Steps in which a cosine schedule rises to its peak'),
    final_fraction: fraction
      .default(0)
      .describe('Final value of a cosine schedule, as a fraction of the learning rate'),
    betas: z.tuple([rate, rate]).default(betas).describe("Decay rates of AdamW's moments"),
    epsilon: positive.default(1e-8).describe("AdamW's epsilon"),
    weight_decay: z.number().min(0).default(weightDecay).describe('Weight decay of tensors with 2 or more dimensions'),
    max_gradient_norm: positive.default(1).describe('Largest global norm of the gradients; larger ones are clipped'),
    average_decay: fraction
      .nullable()
      .default(null)
      .describe('Decay of a moving average of the parameters; null: no average'),
  });
}

/** Keys of the `checkpoints` part. */
export const checkpointKeys = z.strictObject({
  every: count.nullable().default(null).describe('Steps between checkpoints; null: only at the end'),
  keep: count.default(3).describe('Number of newest checkpoints to keep'),
  best: z.boolean().default(true).describe('Also write and keep the checkpoint with the lowest validation loss'),
});

/** Learning rates of a configuration. */
export function scheduleOf({
  optimizer,
  steps,
}: {
  readonly optimizer: z.infer<ReturnType<typeof optimizerSchema>>;
  readonly steps: number;
}): Schedule {
  const { learning_rate: learningRate, warmup_steps: warmupSteps, final_fraction: finalFraction } = optimizer;
  return optimizer.schedule === 'constant'
    ? constantSchedule(learningRate)
    : cosineSchedule({ learningRate, steps, warmupSteps, finalFraction });
}
