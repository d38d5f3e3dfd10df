import { describe, expect, it } from 'vitest'
import type { Base, ScenePlan } from '../../../localnet/src/tee/index.ts'
import { hex, networks } from '../../src/index.ts'
import { gpuNonce } from '../../src/appraisal/claims.ts'
import { type Revocable, type RevocableKind, revocable } from '../../src/appraisal/stamp.ts'
import { type Workload, workloadDigest } from '../../src/appraisal/workload.ts'
import { appraised, type Change, flip, flipped, outcomeOf, passed } from './scenes.ts'
import { first, NOW } from './simulated.ts'

const td = ({ machine }: ScenePlan) => machine.tdx.quote.td

/** Changes the workload of claims and RTMR3 alike; the owners list the old one. */
const runs =
  (change: (workload: Workload) => unknown): Change =>
  async ({ machine }) => {
    change(machine.claims.workload)
    machine.extensions = [await workloadDigest(machine.claims.workload)]
  }
type Row = [name: string, expected: string, change: Change, base?: Base]

describe('what booted', () => {
  const otherClaims = 'report-data at claims.report-data: stop'
  const unlisted = 'measurement-unlisted at reference.measurements: other-node'
  const rows: Row[] = [
    [
      'other claims than were signed',
      otherClaims,
      ({ machine }) => (machine.tamper = (claims) => (claims.notAfter -= 1)),
    ],
    ['no claims at all', otherClaims, ({ machine }) => (machine.reportData = new Uint8Array(64))],
    ['no claims at all, on AMD', otherClaims, ({ machine }) => (machine.reportData = new Uint8Array(64)), 'snp'],
    ['another MRTD', unlisted, (plan) => flip(td(plan).mrTd)],
    ['another RTMR0', unlisted, (plan) => flip(td(plan).rtmr[0])],
    ['another RTMR1', unlisted, (plan) => flip(td(plan).rtmr[1])],
    ['another RTMR2', unlisted, (plan) => flip(td(plan).rtmr[2])],
    ['another image on AMD', unlisted, ({ machine }) => flip(machine.snp.report.measurement), 'snp'],
    [
      'a non-zero MRCONFIGID',
      'td-config-id at reference.owner-fields: other-node',
      (plan) => flip(td(plan).mrConfigId),
    ],
    ['a non-zero MROWNER', 'td-owner at reference.owner-fields: other-node', (plan) => flip(td(plan).mrOwner)],
    [
      'a non-zero MROWNERCONFIG',
      'td-owner-config at reference.owner-fields: other-node',
      (plan) => flip(td(plan).mrOwnerConfig),
    ],
    [
      'data of the host, on AMD',
      'snp-host-data at reference.owner-fields: other-node',
      ({ machine }) => flip(machine.snp.report.hostData),
      'snp',
    ],
  ]
  it.each(rows)('%s is refused: %s', async (_, expected, change, base = 'tdx') => {
    expect(await outcomeOf({ base, change })).toBe(expected)
  })

  it('has to be listed as a whole: registers of two listed machines do not make a third', async () => {
    const eight = ({ registry }: ScenePlan) => {
      const found = registry.registry.references.find((one) => one.tee === 'tdx' && one.gpus === 8)
      if (found?.tee !== 'tdx') throw new Error('a machine with eight GPUs')
      return found
    }
    // On the shape of its RTMR0 there are eight GPUs, and this machine shows one.
    const shape: Change = (plan) => (td(plan).rtmr[0] = eight(plan).rtmrs[0])
    expect(await outcomeOf({ change: shape })).toBe('gpu-count at gpu.list: other-node')
    const mixed: Change = (plan) => {
      eight(plan).mrtd = flipped(eight(plan).mrtd)
      return shape(plan)
    }
    expect(await outcomeOf({ change: mixed })).toBe(unlisted)
  })

  it('may carry in its owner fields what the owners list for them, and for no other field', async () => {
    const listed: Change = (plan) => {
      const [mrConfigId, mrOwner, mrOwnerConfig] = [1, 2, 3].map((fill) => new Uint8Array(48).fill(fill))
      if (!mrConfigId || !mrOwner || !mrOwnerConfig) return
      Object.assign(td(plan), { mrConfigId, mrOwner, mrOwnerConfig })
      const { tdx } = plan.registry.registry
      Object.assign(tdx, { configIds: [mrConfigId], owners: [mrOwner], ownerConfigs: [mrOwnerConfig] })
    }
    expect(await outcomeOf({ change: listed })).toBe('private')
    const misplaced: Change = (plan) => {
      listed(plan)
      plan.registry.registry.tdx.configIds = plan.registry.registry.tdx.owners
    }
    expect(await outcomeOf({ change: misplaced })).toBe('td-config-id at reference.owner-fields: other-node')
  })
})

describe('what runs', () => {
  const register = 'workload-register at workload.register: stop'
  const rows: Row[] = [
    ['RTMR3 never extended', register, ({ machine }) => (machine.extensions = [])],
    ['RTMR3 extended once more', register, ({ machine }) => machine.extensions.push(new Uint8Array(48))],
    [
      'RTMR3 extended twice with the workload',
      register,
      ({ machine }) => machine.extensions.push(...machine.extensions),
    ],
    [
      'something extended before the workload',
      register,
      ({ machine }) => machine.extensions.unshift(new Uint8Array(48)),
    ],
    ['another engine than was extended', register, ({ machine }) => flip(machine.claims.workload.engine.image)],
    ['a model swapped in the claims', register, ({ machine }) => flip(first(machine.claims.workload.models).root)],
    [
      'a model swapped in claims and register',
      'workload-model at workload.models: other-node',
      runs(({ models }) => flip(first(models).root)),
    ],
    [
      'a model under the name of another',
      'workload-model at workload.models: other-node',
      runs(({ models }) => (first(models).model = 'cocoon-large')),
    ],
    [
      'a listed model beside one that is not',
      'workload-model at workload.models: other-node',
      runs(({ models }) => models.push({ model: 'cocoon-large', root: new Uint8Array(32) })),
    ],
    [
      'an engine that nobody lists',
      'workload-engine at workload.engine: other-node',
      runs(({ engine }) => flip(engine.image)),
    ],
    [
      'a listed engine with one argument more',
      'workload-engine at workload.engine: other-node',
      runs(({ engine }) => engine.arguments.push('--log-prompts')),
    ],
    [
      'a listed engine with another argument',
      'workload-engine at workload.engine: other-node',
      runs(({ engine }) => (engine.arguments[2] = '--network')),
    ],
    [
      'a policy that nobody lists',
      'workload-policy at workload.policy: other-node',
      runs((workload) => (workload.policy = flipped(workload.policy))),
    ],
    [
      'a model that nobody lists, on AMD',
      'workload-model at workload.models: other-node',
      runs(({ models }) => flip(first(models).root)),
      'snp',
    ],
  ]
  it.each(rows)('%s is refused: %s', async (_, expected, change, base = 'tdx') => {
    expect(await outcomeOf({ base, change })).toBe(expected)
  })

  it('is listed in parts: an engine of one workload may run the model of another', async () => {
    const both: Change = async (plan) => {
      const { registry } = plan.registry
      const other = { model: 'cocoon-large', root: new Uint8Array(32).fill(8) }
      registry.models.push(other)
      await runs((workload) => (workload.models = [other]))(plan)
      first(plan.statement.offers).model = 'cocoon-large'
    }
    expect(await outcomeOf({ change: both })).toBe('private')
  })
})

describe('revocation', () => {
  const kinds = Object.keys(revocable) as RevocableKind[]
  const cases: [kind: RevocableKind, base: Base][] = [
    ...kinds.map((kind) => [kind, 'tdx'] as [RevocableKind, Base]),
    ['platform', 'snp'],
    ['measurement', 'snp'],
  ]
  const revoked = 'revoked at evidence.revocation: other-node'
  /** Takes back what was found of this kind; evidence is another one each time, since signatures are. */
  const takesBack =
    (kind: RevocableKind, subjects: readonly Revocable[]): Change =>
    (plan) =>
      (plan.revoke = async ({ digest }) =>
        kind === 'evidence' ? [{ kind, value: digest }] : subjects.filter((one) => one.kind === kind).slice(0, 1))

  it.each(cases)('of its %s beats a machine in order, and whatever is wrong with one (%s)', async (kind, base) => {
    const { subjects } = passed(await appraised({ base }))
    expect(subjects.map((one) => one.kind)).toContain(kind)
    const change = takesBack(kind, subjects)
    expect(await outcomeOf({ base, change })).toBe(revoked)
    const alsoWrong: Change = (plan) => {
      plan.registry.registry.tees = []
      plan.machine.tdx.quote.signedBy = 'strangerP256'
      plan.machine.snp.signedBy = 'strangerP384'
      return change(plan)
    }
    expect(await outcomeOf({ base, change: alsoWrong })).toBe(revoked)
  })

  it('looks at every register of a trust domain, every model and every GPU', async () => {
    const { subjects } = passed(await appraised({ base: 'two-gpus' }))
    const count = (kind: RevocableKind): number =>
      new Set(subjects.filter((one) => one.kind === kind).map(({ value }) => hex(value))).size
    // MRTD, four runtime registers, and the TDX module.
    expect([count('measurement'), count('gpu'), count('model')]).toEqual([6, 2, 1])
  })

  it('of others changes nothing', async () => {
    const others = kinds.map((kind) => ({ kind, value: new Uint8Array(revocable[kind]).fill(0xee) }))
    expect(await outcomeOf({ change: (plan) => (plan.revoke = async () => others) })).toBe('private')
  })
})

describe('the statement', () => {
  const rows: Row[] = [
    [
      'of another network',
      'statement-network at statement.network: stop',
      ({ statement }) => (statement.network = networks.testnet),
    ],
    [
      'by another key than evidence vouches for',
      'statement-identity at statement.identity: stop',
      async ({ machine }) => {
        machine.claims.identity = flipped(machine.claims.identity)
        // The nonce of the GPU follows, so that nothing but the statement is wrong.
        const { network, identity, bootNonce } = machine.claims
        first(machine.gpus).nonce = await gpuNonce(network, identity, bootNonce, 0)
      },
    ],
    [
      'from before the claims',
      'statement-dates at statement.dates: fetch-again',
      ({ statement }) => (statement.notBefore = NOW - 1),
    ],
    [
      'that outlives the claims',
      'statement-dates at statement.dates: fetch-again',
      ({ machine }) => (machine.claims.notAfter = NOW + 599),
    ],
    [
      'that offers a model which the workload has not',
      'statement-model at statement.models: stop',
      ({ statement }) => statement.offers.push({ ...first(statement.offers), model: 'cocoon-large' }),
    ],
  ]
  it.each(rows)('%s is refused: %s', async (_, expected, change) => {
    expect(await outcomeOf({ change })).toBe(expected)
  })

  it('to the last second of the claims stands', async () => {
    expect(await outcomeOf({ change: ({ machine }) => (machine.claims.notAfter = NOW + 600) })).toBe('private')
  })
})

describe('the owners decide on the platform', () => {
  it('by the least evaluation number of collateral', async () => {
    const least =
      (number: number): Change =>
      ({ registry }) =>
        (registry.registry.tdx.evaluation = number)
    expect(await outcomeOf({ change: least(20) })).toBe('private')
    expect(await outcomeOf({ change: least(21) })).toBe('tcb-evaluation-too-old at tdx.tcb-info: fetch-again')
  })

  it('by the least firmware of an AMD chip', async () => {
    const least =
      (microcode: number): Change =>
      ({ registry }) => {
        const [line] = registry.registry.snp
        if (line) line.least.microcode = microcode
      }
    expect(await outcomeOf({ base: 'snp', change: least(72) })).toBe('private')
    expect(await outcomeOf({ base: 'snp', change: least(73) })).toBe('snp-tcb-old at snp.tcb: other-node')
    const launchedBefore: Change = ({ machine }) => (machine.snp.report.launchTcb.microcode = 71)
    expect(await outcomeOf({ base: 'snp', change: launchedBefore })).toBe('snp-tcb-old at snp.tcb: other-node')
    const unlisted: Change = ({ registry }) => (registry.registry.snp = [])
    expect(await outcomeOf({ base: 'snp', change: unlisted })).toBe('snp-tcb-old at snp.tcb: other-node')
  })

  it('bad collateral is fetched again, and good collateral for the same evidence recovers', async () => {
    let good: unknown
    const { verdict } = await appraised({
      later: ({ collateral }) => {
        good = collateral
        return {}
      },
    })
    expect(verdict).toBe('private')
    const bad: Change = ({ machine }) => (machine.tdx.collateral.tcbInfo.signedBy = 'strangerP256')
    expect(await outcomeOf({ change: bad })).toBe('tcb-info-signature at tdx.tcb-info: fetch-again')
    expect(await outcomeOf({ change: bad, later: () => ({ collateral: good as never }) })).toBe('private')
  })
})
