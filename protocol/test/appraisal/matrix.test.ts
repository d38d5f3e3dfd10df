import { describe, expect, it } from 'vitest'
import {
  type Base,
  bases,
  type Switch,
  type SwitchName,
  switches,
  switchNames,
} from '../../../localnet/src/tee/index.ts'
import { appraiseUnder, planFor } from '../../src/appraisal/appraise.ts'
import { appraisalCodes } from '../../src/appraisal/failure.ts'
import { pins } from '../../src/appraisal/pins/development.ts'
import { pins as production } from '../../src/appraisal/pins/production.ts'
import type { Pins } from '../../src/appraisal/policy.ts'
import { inputOf, judge, sceneOf, verdictOf } from './judge.ts'
import { switchCodes } from './switch-codes.ts'

const switchOf = (name: SwitchName): Switch => switches[name]
const baseOf = (name: SwitchName): Base => switchOf(name).base ?? 'tdx'

describe('a machine in order', () => {
  it.each(Object.keys(bases) as Base[])('is private: %s', async (base) => {
    const scene = await sceneOf(base)
    const appraisal = await judge(await inputOf(scene))
    expect(appraisal.verdict).toBe('private')
    expect(appraisal.developmentMachine).toBe(true)
    expect(appraisal.steps.map(({ name, status }) => [name, status])).toEqual(
      planFor(scene.machine.tee).map(({ name }) => [name, 'passed']),
    )
  })
})

describe('every rule', () => {
  const cases = switchNames.map((name) => ({ name, rule: switchOf(name).rule, code: switchCodes[name] }))

  it.each(cases)('$name is refused with $code: $rule', async ({ name, code }) => {
    expect(await verdictOf(baseOf(name), switchOf(name).breaks)).toBe(code)
  })

  const kept = cases.filter(({ name }) => switchOf(name).keeps)
  it.each(kept)('$name goes no further than its rule: $rule', async ({ name }) => {
    expect(await verdictOf(baseOf(name), switchOf(name).keeps ?? (() => {}))).toBe('private')
  })
})

/** The cases that packaged verifiers were compared with, in their order. */
describe('the sixteen cases', () => {
  const refused: [case_: string, name: SwitchName][] = [
    ['debug TD', 'td-debug'],
    ['QE debug', 'qe-debug'],
    ['TCB status OutOfDate, without grace', 'tcb-out-of-date'],
    ['TCB status Revoked', 'tcb-revoked'],
    ['TCB info expired', 'tcb-info-expired'],
    ['FMSPC mismatch', 'tcb-info-fmspc'],
    ['PCK revoked in CRL', 'pck-revoked'],
    ['CRL forged signature', 'crl-forged'],
    ['CRL expired', 'crl-expired'],
    ['PCK cert expired', 'pck-expired'],
    ['non-CA cert issues PCK', 'pck-by-a-leaf'],
    ['MRSIGNERSEAM wrong', 'module-signer'],
    ['TDX module OutOfDate, without grace', 'module-out-of-date'],
    ['TDX_03 module unknown', 'module-unknown'],
  ]
  it.each(['tdx', 'tdx-v5'] as const)('valid: %s', async (base) => {
    expect(await verdictOf(base)).toBe('private')
  })
  it.each(refused)('%s', async (_, name) => {
    expect(await verdictOf('tdx', switchOf(name).breaks)).toBe(switchCodes[name])
  })
  it.each(['tcb-out-of-date', 'module-out-of-date'] as const)(
    '%s within grace is private until it ends',
    async (name) => {
      const scene = await sceneOf('tdx', switchOf(name).breaks)
      const until = scene.now + 3600
      scene.registry.registry.tdx.grace = { until, tcbDate: scene.now - 500 * 86_400, denied: [] }
      expect(await judge(await inputOf(scene))).toMatchObject({ verdict: 'private', expires: until })
    },
  )
})

describe('a production build', () => {
  const refusals: [code: string, build: Pins][] = [
    ['network-refused', production],
    ['registry-unpublished', { ...production, networks: pins.networks }],
    ['chain-untrusted', { ...production, networks: pins.networks, owners: pins.owners }],
  ]
  it.each(refusals)('refuses a simulated machine, whatever else it accepts: %s', async (code, build) => {
    for (const base of Object.keys(bases) as Base[]) {
      const input = await inputOf(await sceneOf(base))
      expect(await appraiseUnder(build, input)).toMatchObject({ verdict: 'refused', code, developmentMachine: false })
    }
  })

  it('refuses simulated GPUs under a genuine processor', async () => {
    const input = await inputOf(await sceneOf('tdx'))
    const build = { ...pins, nvidiaRoot: production.nvidiaRoot }
    expect(await appraiseUnder(build, input)).toMatchObject({ verdict: 'refused', code: 'chain-untrusted' })
  })
})

describe('the table', () => {
  it('has a case for every code of an appraisal', () => {
    // The first needs a verifier that leaves out a check, the second a build without owners: both are above or in
    // failure.test.ts.
    const tested = new Set<string>([...Object.values(switchCodes), 'not-checked', 'registry-unpublished'])
    expect(Object.keys(appraisalCodes).filter((code) => !tested.has(code))).toEqual([])
  })
})
