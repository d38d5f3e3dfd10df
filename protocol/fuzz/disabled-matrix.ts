import { type Base, bases, type Switch, type SwitchName, switches, switchNames } from '../../localnet/src/tee/index.ts'
import type { AppraisalInput } from '../src/appraisal/appraise.ts'
import { inputOf, judge, sceneOf } from '../test/appraisal/judge.ts'
import { switchCodes } from '../test/appraisal/switch-codes.ts'
import { rememberCrypto } from './remembered-crypto.ts'
import type { SiteId } from './switched-off.ts'
import './switched-off.ts'

/** One row of matrix.test.ts, signed once and judged many times. */
interface Case {
  readonly name: string
  readonly input: AppraisalInput
  readonly expected: string
}

/** The table of matrix.test.ts, in this process: asks for each switched-off check whether some row comes out otherwise. */
async function makeCases(): Promise<Case[]> {
  const cases: Case[] = []
  for (const base of Object.keys(bases) as Base[]) {
    cases.push({ name: base, input: await inputOf(await sceneOf(base)), expected: 'private' })
  }
  for (const name of switchNames) {
    const { base = 'tdx', breaks, keeps }: Switch = switches[name as SwitchName]
    const expected = switchCodes[name]
    if (expected === 'bad-statement') continue
    cases.push({ name, input: await inputOf(await sceneOf(base, breaks)), expected })
    if (keeps)
      cases.push({ name: `${name}, kept`, input: await inputOf(await sceneOf(base, keeps)), expected: 'private' })
  }
  return cases
}

/** An appraisal never throws; one without some check may. */
async function verdict({ input }: Case): Promise<string> {
  try {
    const { code, verdict: word, steps } = await judge(input)
    return code ?? (steps.every(({ status }) => status === 'passed') ? word : 'steps')
  } catch {
    return 'thrown'
  }
}

/** Sites come as JSON in the first argument: `[id, code]`. One line of JSON for each: the case that noticed, or null. */
const sites = JSON.parse(process.argv[2] ?? '[]') as [id: number, code: string | null][]
globalThis.disabledSite = -1
const cases = await makeCases()
rememberCrypto(crypto.subtle)
const reached = new Map<Case, ReadonlySet<SiteId>>()
for (const row of cases) {
  const visited = new Set<SiteId>()
  globalThis.reachedSites = visited
  const found = await verdict(row)
  if (found !== row.expected) throw new Error(`${row.name} is ${found} with every check in place`)
  reached.set(row, visited)
}
globalThis.reachedSites = undefined
/** The rows that come as far as the check, those first that it should decide. */
const rowsFor = (id: SiteId, code: string | null) =>
  cases
    .filter((row) => reached.get(row)?.has(id))
    .sort((a, b) => Number(b.expected === code) - Number(a.expected === code))
for (const [id, code] of sites) {
  console.log(JSON.stringify({ id, started: true }))
  globalThis.disabledSite = id
  let noticed: string | null = null
  for (const row of rowsFor(id, code)) {
    if ((await verdict(row)) === row.expected) continue
    noticed = row.name
    break
  }
  console.log(JSON.stringify({ id, noticed }))
}
console.error(`${Math.round(performance.now() / 1000)} seconds in the matrix`)
