// Asks whether the tests would notice: breaks the Channel in one place at a time, compiles it, runs the tests until one
// fails. `node contracts/scripts/mutate.ts [text]` prints the score and every survivor; with a text, only of the files whose
// name has it. A survivor is a missing test, or is explained in TESTING.md.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Mutant, mutantsOf } from './mutants.ts'
import { compileTolk, readSource } from './tolk.ts'

const files = ['channel', 'channel/claim', 'channel/keys', 'channel/coins', 'channel/state', 'channel/rules'].map(
  (name) => `${name}.tolk`,
)
/** Quick ones first. The gas and the committed code would notice any change whatever, so they are not asked. */
const tests = [
  'claim.test.ts',
  'claims-together.test.ts',
  'release.test.ts',
  'closing.test.ts',
  'keys.test.ts',
  'attacks.test.ts',
  'attacks-on-signatures.test.ts',
  'opening.test.ts',
  'coins.test.ts',
]

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'mutants-'))
const codeFile = join(folder, 'code.boc')

/** True when a test fails. */
function notice(which: readonly string[], environment: Record<string, string> = {}): boolean {
  const { status } = spawnSync(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--root', '.', '--config', 'contracts/scripts/mutation.config.ts'].concat(
      which.map((test) => `contracts/test/${test}`),
    ),
    { cwd: root, stdio: 'ignore', env: { ...process.env, CHANNEL_CODE: codeFile, ...environment } },
  )
  return status !== 0
}

async function codeOf({ file, source }: Mutant): Promise<string | undefined> {
  try {
    return (await compileTolk('channel', (path) => (path === file ? source : readSource(path)))).boc
  } catch {
    return undefined
  }
}

const only = process.argv[2] ?? ''
const original = (await compileTolk('channel')).boc
writeFileSync(codeFile, original)
if (notice(tests)) throw new Error('the tests fail without any mutation: mend that first')

const mutants = files.filter((file) => file.includes(only)).flatMap((file) => mutantsOf(file, readSource(file)))
const count = { killed: 0, byModel: 0, survived: 0, same: 0, broken: 0 }
const survivors: string[] = []
for (const [index, mutant] of mutants.entries()) {
  const boc = await codeOf(mutant)
  const name = `${mutant.file}:${mutant.line} ${mutant.what}`
  if (boc === undefined) count.broken++
  else if (boc === original) count.same++
  else {
    writeFileSync(codeFile, boc)
    if (notice(tests)) count.killed++
    else if (notice(['model.test.ts'], { MODEL_RUNS: '60' })) {
      count.byModel++
      console.log(`only the model notices: ${name}`)
    } else {
      count.survived++
      survivors.push(name)
      console.log(`SURVIVES: ${name}`)
    }
  }
  if (index % 20 === 19) console.log(`${index + 1} of ${mutants.length}`)
}
rmSync(folder, { recursive: true })
const alive = count.killed + count.byModel + count.survived
console.log(`${count.killed + count.byModel} of ${alive} mutants noticed (${count.byModel} by the model alone),`)
console.log(`${count.same} compiled to the same code, ${count.broken} did not compile. Survivors:`)
for (const survivor of survivors) console.log(`  ${survivor}`)
