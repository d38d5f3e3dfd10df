// Asks whether the tests would notice: breaks Channel and Registry in one place at a time, compiles it, runs the tests until one
// fails. `node contracts/scripts/mutate.ts [text]` prints the score and every survivor; with a text, only of the files whose
// name has it. A survivor is a missing test, or is explained in TESTING.md.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Mutant, mutantsOf } from './mutants.ts'
import { compileTolk, readSource } from './tolk.ts'

interface Room {
  readonly contract: string
  readonly files: readonly string[]
  /** Quick ones first. The gas and the committed code would notice any change whatever, so they are not asked. */
  readonly tests: readonly string[]
  /** Asked last, with what makes it long enough. */
  readonly model: readonly [test: string, environment: Record<string, string>]
  /** Names the file whose code is tested. */
  readonly variable: string
}

const rooms: readonly Room[] = [
  {
    contract: 'channel',
    files: ['channel', 'channel/claim', 'channel/keys', 'channel/coins', 'channel/state', 'channel/rules'],
    tests: [
      'claim.test.ts',
      'claims-together.test.ts',
      'release.test.ts',
      'closing.test.ts',
      'keys.test.ts',
      'attacks.test.ts',
      'attacks-on-signatures.test.ts',
      'opening.test.ts',
      'coins.test.ts',
    ],
    model: ['model.test.ts', { MODEL_RUNS: '60' }],
    variable: 'CHANNEL_CODE',
  },
  {
    contract: 'registry',
    files: ['registry', 'registry/changes', 'registry/state', 'registry/rules'],
    tests: ['registry.test.ts', 'registry-guardian.test.ts'],
    model: ['registry-model.test.ts', {}],
    variable: 'REGISTRY_CODE',
  },
]

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'mutants-'))
const codeFile = join(folder, 'code.boc')

/** True when a test fails. */
function notice({ variable }: Room, which: readonly string[], environment: Record<string, string> = {}): boolean {
  const { status } = spawnSync(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--root', '.', '--config', 'contracts/scripts/mutation.config.ts'].concat(
      which.map((test) => `contracts/test/${test}`),
    ),
    { cwd: root, stdio: 'ignore', env: { ...process.env, [variable]: codeFile, ...environment } },
  )
  return status !== 0
}

async function codeOf(contract: string, { file, source }: Mutant): Promise<string | undefined> {
  try {
    return (await compileTolk(contract, (path) => (path === file ? source : readSource(path)))).boc
  } catch {
    return undefined
  }
}

const only = process.argv[2] ?? ''
const count = { killed: 0, byModel: 0, survived: 0, same: 0, broken: 0 }
const survivors: string[] = []

async function judge(room: Room): Promise<void> {
  const original = (await compileTolk(room.contract)).boc
  const files = room.files.map((name) => `${name}.tolk`).filter((file) => file.includes(only))
  const mutants = files.flatMap((file) => mutantsOf(file, readSource(file)))
  if (mutants.length === 0) return
  writeFileSync(codeFile, original)
  if (notice(room, room.tests)) throw new Error('the tests fail without any mutation: mend that first')
  for (const [index, mutant] of mutants.entries()) {
    const boc = await codeOf(room.contract, mutant)
    const name = `${mutant.file}:${mutant.line} ${mutant.what}`
    if (boc === undefined) count.broken++
    else if (boc === original) count.same++
    else {
      writeFileSync(codeFile, boc)
      if (notice(room, room.tests)) count.killed++
      else if (notice(room, [room.model[0]], room.model[1])) {
        count.byModel++
        console.log(`only the model notices: ${name}`)
      } else {
        count.survived++
        survivors.push(name)
        console.log(`SURVIVES: ${name}`)
      }
    }
    if (index % 20 === 19) console.log(`${index + 1} of ${mutants.length} of ${room.contract}`)
  }
}

for (const room of rooms) await judge(room)
rmSync(folder, { recursive: true })
const alive = count.killed + count.byModel + count.survived
console.log(`${count.killed + count.byModel} of ${alive} mutants noticed (${count.byModel} by the model alone),`)
console.log(`${count.same} compiled to the same code, ${count.broken} did not compile. Survivors:`)
for (const survivor of survivors) console.log(`  ${survivor}`)
