import { writeFileSync } from 'node:fs'
import { createVitest, type TestSpecification } from 'vitest/node'
import { readReached } from './reached.ts'

/**
 * All tests of the appraisal but the matrix, once for each switched-off check, until one fails. First argument: JSON of
 * `[id, code]`; second: the folder of the copy; third: the file that tells tests which check is off.
 */
const [, , list = '[]', root = '.', told = ''] = process.argv
const sites = JSON.parse(list) as [id: number, code: string | null][]

const vitest = await createVitest('test', {
  root,
  watch: false,
  bail: 1,
  reporters: [{}],
  setupFiles: ['protocol/fuzz/disabled-setup.ts'],
  exclude: ['**/matrix.test.ts', '**/fuzz.test.ts'],
  include: ['protocol/test/appraisal/**/*.test.ts', 'protocol/test/node/appraisal*.test.ts'],
  maxWorkers: 2,
  // A machine that is busy must not pass for a test that fails.
  testTimeout: 60_000,
  hookTimeout: 60_000,
})
const say = (line: object) => console.log(JSON.stringify(line))

/** Null when every test passed. */
async function firstFailure(id: number, specifications: TestSpecification[]): Promise<string | null> {
  writeFileSync(told, String(id))
  const { testModules } = await vitest.runTestSpecifications(specifications, true)
  for (const module of testModules) {
    for (const test of module.children.allTests('failed')) return test.fullName
    const [error] = module.errors()
    if (error) return `${module.relativeModuleId}: ${error.message}`
  }
  return null
}

say({ id: -1, started: true })
const all = await vitest.globTestSpecifications()
const sound = await firstFailure(-1, all)
if (sound !== null) throw new Error(`fails with every check in place: ${sound}`)
const duration = ({ moduleId }: TestSpecification) =>
  vitest.state
    .getTestModules()
    .find((module) => module.moduleId === moduleId)
    ?.diagnostic().duration ?? 0
const files = all
  .map((specification) => ({ specification, reached: readReached(told, specification.moduleId) }))
  .sort((a, b) => duration(a.specification) - duration(b.specification))

for (const [id] of sites) {
  say({ id, started: true })
  // Of the files that reach the check, the quickest alone and then the others: most checks are noticed at once.
  const [quickest, ...others] = files.filter(({ reached }) => reached.has(id)).map(({ specification }) => specification)
  let noticed = quickest ? await firstFailure(id, [quickest]) : null
  if (noticed === null && others.length > 0) noticed = await firstFailure(id, others)
  say({ id, noticed })
}
const after = await firstFailure(-1, all)
if (after !== null) throw new Error(`fails with every check in place again: ${after}`)
await vitest.close()
process.exit(0)
