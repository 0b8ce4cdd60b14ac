import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium, launchChromium } from '@dpar/config/chromium';
import { measurePage, showPage } from '@dpar/config/measured-page';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawPictures, tinyCreate } from '../testing/pictures.js';
import { runCli } from '../testing/run-cli.js';

const chromium = findChromium();

const folders: string[] = [];
const newFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'dpar-create-'));
  folders.push(folder);
  return folder;
};
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

const create = (...argv: string[]) => runCli(['create', ...argv]);

describe('a run with tiny settings', { timeout: 120_000 }, () => {
  let [folder, pictures, output] = ['', '', ''];
  let first: Awaited<ReturnType<typeof runCli>>;

  beforeAll(async () => {
    folder = await newFolder();
    [pictures, output] = [join(folder, 'pictures'), join(folder, 'run')];
    await drawPictures(pictures, 26);
    await copyFile(join(pictures, 'stripes', '0.png'), join(pictures, 'stripes', 'copy.png'));
    await writeFile(join(pictures, 'squares', 'broken.png'), 'no picture');
    first = await create(pictures, '--output', output, ...tinyCreate, '--json');
  }, 120_000);

  it('makes a model, a grid and a report of a folder of pictures', async () => {
    expect([first.status, first.stderr.includes('error')]).toEqual([0, false]);
    const result = JSON.parse(first.stdout);
    expect(result).toMatchObject({ images: 26, classes: ['squares', 'stripes'], resolution: 32, size: 'XS' });
    expect(result.left_out.map(({ path }: { path: string }) => path)).toEqual([
      'squares/broken.png',
      'stripes/copy.png',
    ]);
    expect(result.psnr).toBeGreaterThan(8);
    expect(result.dpar_loss).toBeLessThan(Math.log(512));
    const model = ['classes.json', 'dpar', 'entropy', 'examples', 'tokenizer'];
    expect(await readdir(join(output, 'model'))).toEqual(model);
    expect(await readdir(join(output, 'model', 'examples'))).toContain('squares');
    const [example = ''] = await readdir(join(output, 'model', 'examples', 'squares'));
    const picture = decode(await readFile(join(output, 'model', 'examples', 'squares', example)));
    expect([picture.width, picture.height]).toEqual([32, 32]);
    expect(JSON.parse(await readFile(join(output, 'model', 'classes.json'), 'utf8'))).toEqual(['squares', 'stripes']);
    const grid = decode(await readFile(join(output, 'grid.png')));
    expect(grid.width).toBe(2 * (32 + 2) + 2);
    expect(grid.height).toBeGreaterThan(4 * (32 + 2) + 2); // names over the columns
    expect(await readdir(join(output, 'grids'))).toContain('dpar-step-000009.png');
    const report = (await readFile(join(output, 'report.html'), 'utf8')).replace(
      /data:image\/png;base64,[\w+/=]*/g,
      '',
    );
    for (const text of ['squares, stripes', 'broken.png', 'DPAR', 'Tokenizer', '--minutes 2'])
      expect(report).toContain(text);
    expect(report.match(/.{0,40}(NaN|undefined|\[object).{0,40}/)).toBeNull();
  });

  it('reports with a picture, its entropies and its patches first, and says that the run was too short', async () => {
    const report = await readFile(join(output, 'report.html'), 'utf8');
    const places = [
      'class="group"',
      'class="tiles"',
      'Too short to draw well.',
      'class="drawings"',
      '<h2>DPAR</h2>',
    ].map((text) => report.indexOf(text));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
    expect(report).toContain('Leave out <code>--set dpar.steps</code>, or raise it.');
    expect(report).toContain(`dpar create ${pictures} --output ${output} --minutes 2 --resolution 32 --size XS --set`);
  });

  it.skipIf(chromium === undefined)('stacks the pictures of a report on phones, each with its name', async () => {
    const browser = await launchChromium(chromium as string);
    try {
      const report = await readFile(join(output, 'report.html'), 'utf8');
      const show = async (width: number) => {
        const page = await showPage(browser, report, width);
        const boxes = async (selector: string) => {
          const found = await page.locator(selector).all();
          return (await Promise.all(found.map((element) => element.boundingBox()))).map(
            (box) => box ?? { x: 0, y: 0, width: 0 },
          );
        };
        const names = await page.locator('.drawn figcaption').allTextContents();
        const note = await page.getByText('From top to bottom').isVisible();
        const first = await boxes('.group:first-of-type figure');
        return {
          ...(await measurePage(page)),
          names,
          note,
          panels: first.slice(0, 3),
          drawn: await boxes('.drawn figure'),
        };
      };
      const [wide, phone] = [await show(1280), await show(390)];
      expect(phone.contentWidth).toBeLessThanOrEqual(390);
      expect(wide.smallestChartText).toBeGreaterThanOrEqual(11);
      expect([wide.note, phone.note]).toEqual([false, true]);
      expect([wide.names, phone.names]).toEqual(Array(2).fill(['squares', 'stripes']));
      for (const stacked of [phone.panels, phone.drawn]) {
        expect(new Set(stacked.map(({ x }) => x)).size).toBe(1);
        for (const { width } of stacked) expect(width).toBeGreaterThan(300);
      }
      for (const beside of [wide.panels, wide.drawn]) expect(new Set(beside.map(({ y }) => y)).size).toBe(1);
    } finally {
      await browser.close();
    }
  });

  it('tells what it found and what it plans before it trains', () => {
    expect(first.stderr).toContain('squares/broken.png (');
    expect(first.stderr).toContain('stripes/copy.png (the same file as stripes/0.png)');
    expect(first.stderr.indexOf('planned')).toBeLessThan(first.stderr.indexOf('steps/s'));
  });

  it('draws with the model, which knows its classes', async () => {
    const model = join(output, 'model');
    const drawn = await runCli([
      ...['sample', '--checkpoint', join(model, 'dpar'), '--tokenizer', join(model, 'tokenizer')],
      ...['--classes', 'stripes', '--count', '2', '--output', join(folder, 'drawn.png')],
    ]);
    expect(drawn).toMatchObject({ status: 0 });
  });

  it('does nothing again when all is done', async () => {
    const again = await create(pictures, '--output', output, ...tinyCreate);
    expect(again).toMatchObject({ status: 0 });
    expect(again.stdout).toContain('done before');
    expect(again.stderr).not.toContain('steps/s');
  });

  it('continues the training for more minutes, from the weights so far', async () => {
    const more = await create(pictures, '--output', output, ...tinyCreate, '--minutes', '2', '--json');
    expect(more).toMatchObject({ status: 0 });
    const settings = JSON.parse(await readFile(join(output, 'dpar-2', 'train.json'), 'utf8'));
    expect(settings.init_from).toBe(join(output, 'model', 'dpar'));
    const [before, after] = [JSON.parse(first.stdout), JSON.parse(more.stdout)];
    expect(after.dpar_loss).toBeLessThanOrEqual(before.dpar_loss);
    expect(after.stages.at(-1)).toMatchObject({ round: 2, name: 'result' });
  });

  it('starts from the models of another run, with its tokenizer', async () => {
    const other = join(folder, 'other');
    const from = await create(
      pictures,
      '--output',
      other,
      '--from',
      output,
      '--minutes',
      '1',
      '--json',
      '--size',
      'XS',
      ...[...['--set', 'entropy.steps=3', '--set', 'dpar.steps=3', '--set', 'dpar.samples.count=2', '--threads', '1']],
    );
    expect(from.status, from.stderr).toBe(0);
    const weights = (run: string) => readFile(join(run, 'model', 'tokenizer', 'model.safetensors'));
    expect((await weights(other)).equals(await weights(output))).toBe(true);
  });

  it.each([
    [['--seed', '3'], '--seed 3 in place of 0'],
    [['--minutes', '0.5'], 'expected --minutes from'],
  ])('refuses other settings: %s', async (argv, message) => {
    const { status, stderr } = await create(pictures, '--output', output, ...tinyCreate, ...argv);
    expect([status, stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  it('explains what to do with more pictures', async () => {
    const more = join(folder, 'more');
    await drawPictures(more, 28);
    const { status, stderr } = await create(more, '--output', output, ...tinyCreate);
    expect([status, stderr]).toEqual([1, expect.stringContaining(`28 in place of 26. To train`)]);
    expect(stderr).toContain(`--from '${output}'`);
  });
});

describe('refused pictures and settings', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await newFolder();
    await drawPictures(join(folder, 'few'), 6);
    await drawPictures(join(folder, 'mixed'), 24);
    await copyFile(join(folder, 'mixed', 'stripes', '0.png'), join(folder, 'mixed', 'alone.png'));
    await mkdir(join(folder, 'empty'));
    await mkdir(join(folder, 'broken'));
    await writeFile(join(folder, 'broken', 'a.png'), 'no picture');
    await mkdir(join(folder, 'used'));
    await writeFile(join(folder, 'used', 'notes.txt'), 'mine');
    await drawPictures(join(folder, 'good'), 24);
  });

  it.each([
    ['few', [], 1, 'expected at least 20 pictures'],
    ['empty', [], 1, 'expected images in'],
    ['broken', [], 1, "got 0, and 1 that cannot be used, such as 'a.png'"],
    ['none', [], 1, 'expected a file or folder'],
    ['good', ['--set', 'steps=3'], 2, '--set: expected a key that begins with tokenizer., entropy., dpar., such as'],
    ['good', ['--set', 'dpar.optimizer.learning_rat=3'], 2, "'optimizer.learning_rate'"],
    ['good', ['--output', 'used'], 1, "got other files, such as 'notes.txt'"],
    ['good', ['--minutes', '0'], 2, '--minutes: expected a number above 0'],
  ])('%s %s', async (name, argv, status, message) => {
    const output = argv[0] === '--output' ? join(folder, argv[1] ?? '') : join(folder, 'run');
    const rest = argv[0] === '--output' ? [] : argv;
    const result = await create(join(folder, name), '--output', output, ...rest);
    expect([result.status, result.stderr]).toEqual([status, expect.stringContaining(message)]);
    expect(result.stdout).toBe('');
  });
});
