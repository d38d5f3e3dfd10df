import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isoDate, type TcbInfo, type TdxPlan } from '../../../localnet/src/tee/index.ts'
import type { AppraisalCode } from '../../src/appraisal/failure.ts'
import { platformStatuses, type TcbGrace, type TcbStatus, worst } from '../../src/appraisal/tdx/tcb.ts'
import { appraiseTdx } from '../../src/appraisal/tdx/verify.ts'
import { runs } from '../property.ts'
import { DAY, first, inputOf, NOW, pck, plan, refusalOf, svns } from './simulated.ts'

type Case = [name: string, code: AppraisalCode, change: (planned: TdxPlan) => void]
const refuses = (blame: string, cases: Case[]) =>
  it.each(cases)('%s is refused: %s', async (_, code, change) => {
    expect(await refusalOf(await inputOf({ plan: change }))).toEqual({ code, step: 'tdx.tcb', blame })
  })

describe('checklist step 9, the level', () => {
  const status =
    (tcbStatus: string, more: object = {}) =>
    (planned: TdxPlan) =>
      void Object.assign(first(planned.collateral.tcbInfo.content.tcbLevels), { tcbStatus, ...more })

  refuses('policy', [
    ['revoked', 'tcb-revoked', status('Revoked')],
    ...platformStatuses
      .filter((word) => word !== 'UpToDate' && word !== 'Revoked')
      .map((word): Case => [word, 'tcb-not-up-to-date', status(word)]),
    [
      'of a processor that fell behind',
      'tcb-not-up-to-date',
      (p) => first(p.collateral.tcbInfo.content.tcbLevels).tcb.pcesvn++,
    ],
    ['of a module that fell behind', 'tcb-not-up-to-date', ({ quote }) => (quote.td.teeTcbSvn = svns(5, 1, 3))],
    ['of a quoting enclave that fell behind', 'tcb-not-up-to-date', ({ quote }) => (quote.qe.svn = 3)],
    [
      'of a revoked module',
      'tcb-revoked',
      ({ collateral }) =>
        (first(first(collateral.tcbInfo.content.tdxModuleIdentities).tcbLevels).tcbStatus = 'Revoked'),
    ],
    [
      'of a revoked quoting enclave',
      'tcb-revoked',
      ({ collateral }) => (first(collateral.qeIdentity.content.tcbLevels).tcbStatus = 'Revoked'),
    ],
  ])
  const everyLevel = (change: (level: TcbInfo['tcbLevels'][number]['tcb']) => void) => (planned: TdxPlan) =>
    planned.collateral.tcbInfo.content.tcbLevels.forEach(({ tcb }) => change(tcb))
  refuses('endorsement', [
    [
      'below all in a processor component',
      'tcb-no-level',
      everyLevel((tcb) => tcb.sgxtcbcomponents.splice(15, 1, { svn: 1 })),
    ],
    [
      'below all in a TDX component',
      'tcb-no-level',
      everyLevel((tcb) => tcb.tdxtcbcomponents.splice(15, 1, { svn: 1 })),
    ],
    ['below all in PCESVN', 'tcb-no-level', everyLevel((tcb) => (tcb.pcesvn = 14))],
    ['of a platform without levels', 'tcb-no-level', (p) => (p.collateral.tcbInfo.content.tcbLevels = [])],
  ])
  it('leaves the module’s own bytes to its own levels', async () => {
    const high = everyLevel((tcb) => tcb.tdxtcbcomponents.splice(0, 2, { svn: 255 }, { svn: 255 }))
    expect(await refusalOf(await inputOf({ plan: high }))).toBe('accepted')
    const old = await inputOf({
      plan: (planned) => {
        high(planned)
        planned.quote.td.teeTcbSvn = svns(5, 0, 3)
      },
    })
    expect(await refusalOf(old)).toMatchObject({ code: 'tcb-no-level' })
  })

  describe('merged', () => {
    const statuses = fc.constantFrom(...platformStatuses)
    it('does not depend on order, and repeating changes nothing', () => {
      fc.assert(
        fc.property(statuses, statuses, statuses, (a, b, c) => {
          expect(worst(a, b)).toBe(worst(b, a))
          expect(worst(worst(a, b), c)).toBe(worst(a, worst(b, c)))
          expect(worst(a, a)).toBe(a)
          expect(worst(a, 'UpToDate')).toBe(a)
          expect(worst(a, 'Revoked')).toBe('Revoked')
        }),
        runs(343),
      )
    })
    it.each([
      ['SWHardeningNeeded', 'OutOfDate', 'OutOfDate'],
      ['ConfigurationNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
      ['ConfigurationAndSWHardeningNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
      ['ConfigurationNeeded', 'SWHardeningNeeded', 'ConfigurationAndSWHardeningNeeded'],
      ['OutOfDateConfigurationNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
    ] as [TcbStatus, TcbStatus, TcbStatus][])('%s and %s are %s', (a, b, expected) => {
      expect(worst(a, b)).toBe(expected)
    })
  })

  describe('under the registry’s grace', () => {
    const until = NOW + 3 * DAY
    const grace = (change: Partial<TcbGrace> = {}): TcbGrace => ({
      until,
      tcbDate: NOW - 60 * DAY,
      denied: [],
      ...change,
    })
    const advisoryIDs = ['INTEL-SA-00001', 'INTEL-SA-00002']
    const outcome = async (
      change: Partial<TcbGrace>,
      planned: (planned: TdxPlan) => void = status('OutOfDate', { advisoryIDs }),
    ) => appraiseTdx(await inputOf({ plan: planned, input: () => ({ grace: grace(change) }) }))
    const code = async (change: Partial<TcbGrace>, planned?: (planned: TdxPlan) => void) =>
      (await outcome(change, planned)).failure?.code ?? 'accepted'

    it('OutOfDate passes until its end, which bounds the verdict', async () => {
      const { value, steps } = await outcome({})
      expect(value).toMatchObject({ expires: until, tcb: { status: 'OutOfDate', advisories: advisoryIDs } })
      expect(steps.at(-1)?.detail).toContain('under grace until')
      expect(await code({ until: NOW })).toBe('accepted')
    })
    it('that is over, nothing passes', async () => expect(await code({ until: NOW - 1 })).toBe('tcb-grace-over'))
    it('what is older than its date does not pass', async () => {
      expect(await code({ tcbDate: NOW - 60 * DAY + 1 })).toBe('tcb-grace-date')
    })
    it('an advisory that it denies does not pass', async () => {
      expect(await code({ denied: ['INTEL-SA-00002'] })).toBe('tcb-grace-advisory')
      expect(await code({ denied: ['INTEL-SA-00003'] })).toBe('accepted')
    })
    it('nothing but OutOfDate passes', async () => {
      for (const word of platformStatuses.filter((one) => one !== 'UpToDate' && one !== 'OutOfDate')) {
        expect(await code({}, status(word))).toBe(word === 'Revoked' ? 'tcb-revoked' : 'tcb-not-up-to-date')
      }
    })
    it('hardening left undone is not hidden by another part that is out of date', async () => {
      const both = (planned: TdxPlan) => {
        status('SWHardeningNeeded')(planned)
        Object.assign(first(planned.collateral.qeIdentity.content.tcbLevels), { tcbStatus: 'OutOfDate' })
      }
      expect(await code({}, both)).toBe('tcb-not-up-to-date')
    })
    it('the date of each part that lacks something counts, of the others not', async () => {
      const aged = (tcbStatus: string) => (planned: TdxPlan) => {
        status('OutOfDate')(planned)
        const tcbDate = isoDate(NOW - 500 * DAY)
        Object.assign(first(planned.collateral.qeIdentity.content.tcbLevels), { tcbStatus, tcbDate })
      }
      expect(await code({}, aged('UpToDate'))).toBe('accepted')
      expect(await code({}, aged('OutOfDate'))).toBe('tcb-grace-date')
    })
    it('what is up to date is not bounded by it', async () => {
      const { value } = await outcome({}, () => {})
      expect(value?.expires).toBe(NOW + 29 * DAY)
    })
  })
})

describe('a verdict', () => {
  it('carries the report, the level and the earliest date it rests on', async () => {
    const planned = await plan()
    const { value } = await appraiseTdx(await inputOf({}, planned))
    expect(value?.report.reportData).toEqual(planned.quote.td.reportData)
    expect(value?.tcb).toEqual({ status: 'UpToDate', date: NOW - 60 * DAY, advisories: [], evaluationNumber: 20 })
    expect(value?.expires).toBe(NOW + 29 * DAY)
  })

  const soon = NOW + 2 * DAY
  const dated: [string, (planned: TdxPlan) => void][] = [
    ['a certificate', (p) => (pck(p).notAfter = soon)],
    [
      'the signer of TCB info',
      ({ collateral }) => Object.assign(collateral.tcbInfo.chain[0] ?? {}, { notAfter: soon }),
    ],
    [
      'the signer of QE identity',
      ({ collateral }) => Object.assign(collateral.qeIdentity.chain[0] ?? {}, { notAfter: soon }),
    ],
    ['the root’s revocation list', ({ collateral }) => Object.assign(collateral.rootCrl ?? {}, { nextUpdate: soon })],
    ['the PCK revocation list', ({ collateral }) => Object.assign(collateral.pckCrl ?? {}, { nextUpdate: soon })],
    ['TCB info', ({ collateral }) => (collateral.tcbInfo.content.nextUpdate = isoDate(soon))],
    ['QE identity', ({ collateral }) => (collateral.qeIdentity.content.nextUpdate = isoDate(soon))],
  ]
  it.each(dated)('expires with %s', async (_, change) => {
    const { value } = await appraiseTdx(await inputOf({ plan: change }))
    expect(value?.expires).toBe(soon)
  })
})
