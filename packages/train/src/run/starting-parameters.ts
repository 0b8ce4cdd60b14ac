import { readCheckpoint } from '@dpar/io/node';
import { type Architecture, formatProblems, type Json, kindOfConfig, parameterProblems } from '@dpar/nn';
import { DparError, type HostTensor, type Tensors } from '@dpar/tensor';

/** Keys of config.json that change the meaning of weights but not their shapes. */
const meaningKeys = ['n_head', 'rope_base', 'norm_eps', 'encoder_block_causal'] as const;

/**
 * Parameters that a run starts from: those of a checkpoint, and drawn ones where it has none.
 * @param drawn Initial parameters of the model.
 * @throws DparError if the checkpoint is of another kind, or naming the parameters and keys that do not fit; IoError if a file is
 * missing or damaged.
 */
export async function startingParameters(
  folder: string,
  { kind, config }: Architecture,
  drawn: Tensors<HostTensor>,
): Promise<Record<string, HostTensor>> {
  const { config: json, parameters } = await readCheckpoint(folder);
  const source = kindOfConfig('init_from', [kind], json, folder);
  const given = Object.entries(parameters).filter(([name]) => !kind.ignored?.includes(name));
  const specs = kind.specs(config);
  const problems = [
    ...keyProblems(kind.writeConfig(config), source.writeConfig(source.readConfig(json))),
    // Missing parameters are drawn.
    ...parameterProblems(specs, { ...drawn, ...Object.fromEntries(given) }),
  ];
  if (problems.length > 0) {
    throw new DparError(
      `init_from: expected weights that fit the model of the configuration in '${folder}', got ${formatProblems(problems)}. ` +
        "Copy the keys of 'model' from its config.json, or choose another checkpoint.",
    );
  }
  return { ...drawn, ...Object.fromEntries(given) };
}

/** Keys with other values in a checkpoint than in the model, as text. */
function keyProblems(expected: Json, got: Json): string[] {
  const pairs: [key: string, expected: unknown, got: unknown][] = meaningKeys.map((key) => [
    key,
    expected[key],
    got[key],
  ]);
  // Models without a head have no weights of one.
  const [head, other] = [expected, got].map((json) => json.boundary_head as { neighbours: unknown } | undefined);
  if (head && other) pairs.push(['boundary_head.neighbours', head.neighbours, other.neighbours]);
  return pairs.flatMap(([key, a, b]) => {
    const [wanted, found] = [JSON.stringify(a), JSON.stringify(b)];
    return wanted === found ? [] : [`${key} ${found} instead of ${wanted}`];
  });
}
