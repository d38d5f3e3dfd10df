import { type ChildProcess, spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { instrument, type Site } from './instrument.ts'

/**
 * `node protocol/fuzz/disable-steps.ts`: shows that no check of the appraisal can be taken out unnoticed. In a copy of
 * this folder every check gets a switch; then one after another is switched off, and the tests have to fail: first the
 * table of matrix.test.ts, then, for what it did not notice, every other test of the appraisal in Node.
 *
 * Prints a line of JSON for each check that survived and one with the sums; ends with 1 when any survived.
 * ONLY=condition,throw looks at these kinds alone; FILES=tdx/ at files whose path contains it.
 */
const repository = resolve(fileURLToPath(new URL('../..', import.meta.url)))
const SILENCE_MS = 180_000
const HANGS = 'hangs or dies'

const copied = [
  'protocol/src',
  'protocol/test',
  'protocol/fuzz',
  'protocol/vectors',
  'protocol/package.json',
  'protocol/tsconfig.json',
  'tsconfig.base.json',
  'localnet/src/tee',
]

function copyRepository(): string {
  const copy = join(mkdtempSync(join(tmpdir(), 'cocoon-disabled-')), 'main')
  mkdirSync(join(copy, 'localnet/src'), { recursive: true })
  for (const path of copied) {
    cpSync(join(repository, path), join(copy, path), { recursive: true })
  }
  writeFileSync(join(copy, 'package.json'), '{ "type": "module", "private": true }')
  symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'))
  // Vectors of others lie beside the repository, where they are present.
  const shared = join(repository, '../shared')
  if (existsSync(shared)) symlinkSync(shared, join(copy, '../shared'))
  return copy
}

/** Gives every check of the copy a switch. Pins and the words of results check nothing. */
function instrumentAll(copy: string): Site[] {
  const folder = join(copy, 'protocol/src/appraisal')
  const sites: Site[] = []
  for (const path of globSync('**/*.ts', { cwd: folder, exclude: ['pins/**', 'result.ts', 'index.ts'] }).toSorted()) {
    const file = join(folder, path)
    const { code, sites: found } = instrument(path, readFileSync(file, 'utf8'), sites.length)
    writeFileSync(file, code)
    sites.push(...found)
  }
  return sites
}

interface Line {
  readonly id: number
  readonly started?: true
  readonly noticed?: string | null
}

/**
 * Runs a program that works through `sites` in order. A check whose absence makes it hang or die is noticed by that, and
 * the program starts again after it.
 */
async function work(
  program: string,
  sites: readonly Site[],
  copy: string,
  told: string,
): Promise<Map<number, string | null>> {
  const results = new Map<number, string | null>()
  let left = [...sites]
  while (left.length > 0) {
    const child = spawn(
      process.execPath,
      [join(copy, program), JSON.stringify(left.map(({ id, code }) => [id, code])), copy, told],
      { cwd: copy, env: { ...process.env, DISABLED_SITE_FILE: told }, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const stuck = await follow(child, results)
    if (stuck !== null && stuck < 0) throw new Error(`${program} did not get as far as the first check`)
    if (stuck !== null) results.set(stuck, HANGS)
    left = left.filter(({ id }) => !results.has(id))
    if (stuck === null && left.length > 0) throw new Error(`${program} ended early`)
  }
  return results
}

/** The check that was off when the program went silent or died; null when it came to its end. */
async function follow(child: ChildProcess, results: Map<number, string | null>): Promise<number | null> {
  let current: number | null = -1
  let timer: NodeJS.Timeout | undefined
  const rest = () => {
    clearTimeout(timer)
    timer = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS)
  }
  rest()
  const lines = child.stdout ? createInterface({ input: child.stdout }) : []
  for await (const text of lines) {
    if (!text.startsWith('{"id"')) continue
    rest()
    const line = JSON.parse(text) as Line
    if (line.started) current = line.id
    else {
      results.set(line.id, line.noticed ?? null)
      current = null
    }
  }
  const code =
    child.exitCode ?? (await new Promise<number>((done) => child.once('exit', (status) => done(status ?? 1))))
  clearTimeout(timer)
  return code === 0 ? null : current
}

const started = performance.now()
const copy = copyRepository()
const told = join(copy, 'disabled-site')
try {
  const [kinds, files] = [process.env['ONLY']?.split(','), process.env['FILES'] ?? '']
  const all = instrumentAll(copy)
  const sites = all.filter(({ kind, file }) => (!kinds || kinds.includes(kind)) && file.includes(files))
  const byMatrix = await work('protocol/fuzz/disabled-matrix.ts', sites, copy, told)
  const passed = sites.filter(({ id }) => byMatrix.get(id) === null)
  console.error(`${sites.length} checks; the matrix notices ${sites.length - passed.length}`)
  const byTests = await work('protocol/fuzz/disabled-tests.ts', passed, copy, told)
  const survivors = passed.filter(({ id }) => byTests.get(id) === null)
  for (const { file, line, kind, code, text } of survivors)
    console.log(JSON.stringify({ file, line, kind, code, text }))
  console.log(
    JSON.stringify({
      checks: sites.length,
      noticedByMatrix: sites.length - passed.length,
      noticedByOtherTests: passed.length - survivors.length,
      ofTheseByHanging: [...byMatrix.values(), ...byTests.values()].filter((noticed) => noticed === HANGS).length,
      survivors: survivors.length,
      seconds: Math.round((performance.now() - started) / 1000),
    }),
  )
  process.exitCode = survivors.length > 0 ? 1 : 0
} finally {
  rmSync(join(copy, '..'), { recursive: true, force: true })
}
