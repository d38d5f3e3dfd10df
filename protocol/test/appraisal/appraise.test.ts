import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Base } from '../../../localnet/src/tee/index.ts'
import { hex, networks, sha256 } from '../../src/index.ts'
import { type AppraisalInput, appraiseUnder, planFor } from '../../src/appraisal/appraise.ts'
import { pins } from '../../src/appraisal/pins/development.ts'
import { pins as production } from '../../src/appraisal/pins/production.ts'
import { CLOCK_TOLERANCE_SECONDS } from '../../src/appraisal/policy.ts'
import { policyDigest } from '../../src/appraisal/verdict-cache.ts'
import { runs } from '../property.ts'
import { inputOf, sceneOf } from './judge.ts'
import { appraised, type Change, type Options, outcomeOf, passed } from './scenes.ts'
import { DAY, first, NOW } from './simulated.ts'

const HOUR = 3600
const MINUTE = 60

describe('a machine in order is private', () => {
  it('for every reason there is: each check has passed, in the order of the plan, with its source', async () => {
    for (const base of ['tdx', 'snp'] as const) {
      const { steps, code, action } = passed(await appraised({ base }))
      expect(steps.map(({ name }) => name)).toEqual(planFor(base === 'snp' ? 'sev-snp' : 'tdx').map(({ name }) => name))
      expect(steps.filter(({ status, source }) => status !== 'passed' || source === '')).toEqual([])
      expect(new Set(steps.map(({ name }) => name)).size).toBe(steps.length)
      expect([code, action]).toEqual([null, null])
    }
  })

  it('and what was found is told: its kind, its image, its GPUs, and that it stands with its owner', async () => {
    const { found, seen, evidence } = passed(await appraised({ base: 'two-gpus' }))
    expect(found).toMatchObject({ tee: 'tdx', image: 'cocoon-development', platform: 'owner-held hardware' })
    expect(found.gpus.map(({ chip, architecture }) => `${chip} ${architecture}`)).toEqual([
      'GH100 hopper',
      'GH100 hopper',
    ])
    expect(first(found.gpus)).toMatchObject({ driver: '550.90.07', vbios: '96.00.9F.00.01' })
    expect(seen?.registry.sequence).toBe(7)
    expect(evidence).toHaveLength(32)
    const [blackwell] = passed(await appraised({ base: 'blackwell' })).found.gpus
    expect(blackwell?.architecture).toBe('blackwell')
  })

  it('and its processor is named by a digest', async () => {
    let [ppid, chip]: Uint8Array[] = []
    const intel = passed(await appraised({ change: ({ machine }) => (ppid = machine.tdx.platform.ppid) }))
    const amd = passed(await appraised({ base: 'snp', change: ({ machine }) => (chip = machine.snp.report.chipId) }))
    expect(hex(intel.found.platformDigest)).toBe(hex(await sha256(ppid ?? new Uint8Array())))
    expect(hex(amd.found.platformDigest)).toBe(hex(await sha256(chip ?? new Uint8Array())))
  })
})

const gpuLeaf =
  (notAfter: number): Change =>
  ({ machine }) => {
    const leaf = machine.gpus[0]?.chain[0]
    if (leaf && !(leaf instanceof Uint8Array)) leaf.notAfter = notAfter
  }
const outOfDate: Change = ({ machine }) => {
  for (const level of machine.tdx.collateral.tcbInfo.content.tcbLevels) level.tcbStatus = 'OutOfDate'
}
const graceUntil =
  (until: number): Change =>
  (plan) => {
    outOfDate(plan)
    plan.registry.registry.tdx.grace = { until, tcbDate: NOW - 61 * DAY, denied: [] }
  }

describe('a verdict ends with the earliest date it rests on:', () => {
  const soon = NOW + MINUTE
  const rows: [what: string, change: Change, base?: Base][] = [
    ['the claims', ({ machine }) => (machine.claims.notAfter = soon)],
    ['the registry statement', ({ registry }) => (registry.registry.expires = soon)],
    ['the stamp', ({ registry }) => (registry.stamp.expires = soon)],
    ['a revocation list', ({ machine }) => Object.assign(machine.tdx.collateral.pckCrl ?? {}, { nextUpdate: soon })],
    ['TCB info', ({ machine }) => (machine.tdx.collateral.tcbInfo.content.nextUpdate = '2026-11-22T00:01:00Z')],
    ['the certificate of a GPU', gpuLeaf(soon)],
    ['the certificate of one GPU of two', gpuLeaf(soon), 'two-gpus'],
    ['grace', graceUntil(soon)],
    ["AMD's revocation list", ({ machine }) => Object.assign(machine.snp.crl ?? {}, { nextUpdate: soon }), 'snp'],
    ['the certificate of an AMD chip', ({ machine }) => (machine.snp.vcek.notAfter = soon), 'snp'],
  ]
  it.each(rows)('%s', async (_, change, base = 'tdx') => {
    const shorter: Change = (plan) => {
      plan.statement.useBy = NOW + MINUTE / 2
      return change(plan)
    }
    expect(passed(await appraised({ base, change: shorter })).expires).toBe(soon)
    expect(passed(await appraised({ base })).expires).toBe(NOW + DAY)
  })
})

describe('evidence is refused', () => {
  const rows: [name: string, expected: string, options: Options][] = [
    [
      'that a node does not have',
      'not-attested at evidence.digest: other-node',
      { change: (plan) => (plan.open = true) },
    ],
    [
      'that is not what the statement names',
      'evidence-digest at evidence.digest: fetch-again',
      { later: ({ evidence }) => ({ evidence: evidence.slice(0, -1) }) },
    ],
    [
      'that cannot be read',
      'evidence-format at evidence.form: stop',
      { change: ({ machine }) => (machine.rewrite = (bytes) => bytes.slice(0, -1)) },
    ],
    [
      'whose claims cannot be read',
      'claims-format at evidence.form: stop',
      { change: ({ machine }) => (machine.claims.notAfter = NOW + DAY + 1) },
    ],
    [
      'of a kind that the owners do not accept',
      'tee-not-accepted at evidence.kind: other-node',
      { change: ({ registry }) => (registry.registry.tees = ['sev-snp']) },
    ],
    [
      'with collateral of another kind',
      'collateral-kind at evidence.kind: fetch-again',
      { change: ({ machine }) => (machine.carried = 'sev-snp') },
    ],
    [
      'for another network',
      'claims-network at claims.network: stop',
      { change: ({ machine }) => (machine.claims.network = networks.testnet) },
    ],
    [
      'from tomorrow',
      'claims-not-yet-valid at claims.dates: fetch-again',
      { change: ({ machine }) => (machine.claims.notBefore = NOW + CLOCK_TOLERANCE_SECONDS + 1) },
    ],
    [
      'of yesterday',
      'claims-expired at claims.dates: fetch-again',
      { change: ({ machine }) => Object.assign(machine.claims, { notBefore: NOW - DAY, notAfter: NOW - 1 }) },
    ],
  ]
  it.each(rows)('%s: %s', async (_, expected, options) => {
    expect(await outcomeOf(options)).toBe(expected)
  })

  it('neither to the last second of its claims nor from the first that a clock may be behind', async () => {
    const last: Change = ({ machine, statement }) => {
      Object.assign(machine.claims, { notBefore: NOW - DAY, notAfter: NOW })
      Object.assign(statement, { notBefore: NOW - 600, useBy: NOW })
    }
    const next: Change = ({ machine, statement }) => {
      machine.claims.notBefore = NOW + CLOCK_TOLERANCE_SECONDS
      Object.assign(statement, { notBefore: NOW + CLOCK_TOLERANCE_SECONDS, useBy: NOW + CLOCK_TOLERANCE_SECONDS + 600 })
    }
    expect(await outcomeOf({ change: last })).toBe('private')
    expect(await outcomeOf({ change: next })).toBe('private')
  })

  it('and what was not reached is listed as such', async () => {
    const { steps } = await appraised({ change: ({ machine }) => (machine.claims.network = networks.testnet) })
    const names = planFor('tdx').map(({ name }) => name)
    const at = names.indexOf('claims.network')
    const expected = names.map((_, i) => (i < at ? 'passed' : i === at ? 'failed' : 'not-reached'))
    expect(steps.map(({ name, status }) => [name, status])).toEqual(names.map((name, i) => [name, expected[i]]))
  })

  it('on a phone whose clock is an hour off nothing changes, either way', async () => {
    // Evidence and stamp are of this minute, as after a restart of the node.
    const change: Change = ({ registry }) => Object.assign(registry.stamp, { issued: NOW, expires: NOW + DAY })
    for (const by of [-HOUR, HOUR]) {
      expect(await outcomeOf({ change, later: () => ({ now: NOW + by }) })).toBe('private')
    }
  })

  it('on a phone whose clock is a day behind the person is told', async () => {
    expect(await outcomeOf({ later: () => ({ now: NOW - DAY }) })).toBe('clock-behind at clock: fix-call')
  })
})

describe('registry and stamp come first, and are kept whatever the machine is', () => {
  it('an older stamp is refused before anything of the machine is looked at', async () => {
    // The machine's evidence cannot even be read.
    const older: Change = (plan) => {
      plan.machine.rewrite = () => new Uint8Array()
      plan.registry.stamp.sequence -= 1
    }
    const { sequence } = passed(await appraised()).seen?.stamp ?? { sequence: 0 }
    const mark = { sequence, digest: new Uint8Array(32) }
    const seen: Change = (plan) => {
      older(plan)
      plan.seen = { registry: { sequence: plan.registry.registry.sequence, digest: null }, stamp: mark }
    }
    expect(await outcomeOf({ change: older })).toBe('evidence-format at evidence.form: stop')
    expect(await outcomeOf({ change: seen })).toBe('stamp-rollback at stamp.sequence: fetch-again')
  })

  it('what was seen is handed back with a refusal, unless the registry itself was refused', async () => {
    const refused = await appraised({ change: ({ machine }) => (machine.tdx.quote.signedBy = 'strangerP256') })
    expect([refused.code, refused.seen?.stamp.sequence]).toEqual(['tdx-quote-signature', 100])
    const unsigned = await appraised({ change: ({ registry }) => (registry.owners = ['owner0']) })
    expect([unsigned.code, unsigned.seen]).toEqual(['registry-threshold', null])
  })
})

describe('builds', () => {
  const onMainnet: Change = (plan) => {
    const { machine, registry, statement } = plan
    for (const signed of [plan, machine.claims, registry.registry, registry.stamp, statement]) {
      signed.network = networks.mainnet
    }
  }

  it('of production refuse simulated machines on every network', async () => {
    for (const network of [networks.localnet, networks.testnet, networks.mainnet]) {
      const { verdict, developmentMachine } = await appraised({ under: production, later: () => ({ network }) })
      expect([verdict, developmentMachine]).toEqual(['refused', false])
    }
    expect(await outcomeOf({ change: onMainnet, under: production })).toBe(
      'registry-unpublished at registry.signatures: stop',
    )
  })

  it('of production refuse simulated roots even under a registry that lists the machine', async () => {
    const under = { ...production, owners: pins.owners }
    expect(await outcomeOf({ change: onMainnet, under })).toBe('chain-untrusted at tdx.pck-chain: stop')
    expect(await outcomeOf({ base: 'snp', change: onMainnet, under })).toBe('chain-untrusted at snp.chain: fetch-again')
    const gpus = { ...under, intelRoot: pins.intelRoot }
    expect(await outcomeOf({ change: onMainnet, under: gpus })).toBe('chain-untrusted at gpu.chains: stop')
  })

  it('without the development condition have the roots of production', async () => {
    const door = await import('../../src/appraisal/index.ts')
    expect(door.build).toBe('production')
    const input = await inputOf(await sceneOf('tdx'))
    expect((await door.appraise(input)).code).toBe('network-refused')
    expect((await door.checkStanding(input)).failure?.code).toBe('network-refused')
    expect(hex(await door.buildPolicy())).toBe(hex(await policyDigest(production)))
    expect('appraiseUnder' in door).toBe(false)
  })

  it('of development say of every machine that it is not private', async () => {
    expect((await appraised()).developmentMachine).toBe(true)
    expect(await outcomeOf({ change: onMainnet })).toBe('network-refused at network: fix-call')
  })

  it('of production pin the certificates that the makers publish', async () => {
    expect(hex(await sha256(production.intelRoot))).toBe(
      '44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3',
    )
    expect(hex(await sha256(production.nvidiaRoot))).toBe(
      '102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48',
    )
    expect(production.amdRoots.map(({ product }) => product)).toEqual(['Milan', 'Genoa', 'Turin'])
  })

  it('of both kinds share no root, no owner and no network', () => {
    const roots = ({ intelRoot, nvidiaRoot, amdRoots, owners }: typeof pins): string[] => [
      ...[intelRoot, nvidiaRoot, ...owners.keys].map(hex),
      ...amdRoots.map(({ digest }) => digest),
    ]
    expect(roots(pins).filter((root) => roots(production).includes(root))).toEqual([])
    expect(pins.networks.filter((network) => production.networks.includes(network))).toEqual([])
  })
})

describe('what is handed in', () => {
  const empty = new Uint8Array(0)
  it.each<[name: string, change: (input: AppraisalInput) => object]>([
    ['no evidence', () => ({ evidence: empty })],
    ['no registry', () => ({ registry: { body: empty, signatures: [] } })],
    ['no stamp', () => ({ stamp: { body: empty, signature: empty } })],
    ['no time', () => ({ now: Number.NaN })],
    ['no network', () => ({ network: Number.NaN })],
    ['no collateral', () => ({ collateral: null })],
    ['half the collateral', ({ collateral }) => ({ collateral: { ...collateral, tdx: {} } })],
    ['no statement', () => ({ statement: {} })],
  ])('may be %s: the answer is a refusal with a code', async (_, change) => {
    const { verdict, code } = await appraised({ later: (input) => change(input) })
    expect([verdict, typeof code]).toEqual(['refused', 'string'])
  })

  it('may be mangled anywhere: what passes claims what the original claimed', async () => {
    const original = await inputOf(await sceneOf('tdx'))
    const { claims } = passed(await appraiseUnder(pins, original)).found
    const change = fc.record({ at: fc.nat(), remove: fc.nat({ max: 2 }), insert: fc.uint8Array({ maxLength: 2 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 2 }), async (changes) => {
        const bytes = [...original.evidence]
        for (const { at, remove, insert } of changes) bytes.splice(at % (bytes.length + 1), remove, ...insert)
        const evidence = Uint8Array.from(bytes)
        const statement = { ...original.statement.statement, evidence: await sha256(evidence) }
        const input = { ...original, evidence, statement: { ...original.statement, statement } }
        const appraisal = await appraiseUnder(pins, input)
        // White space between the lines of a certificate is nobody's to sign.
        if (appraisal.verdict === 'private') expect(appraisal.found.claims).toEqual(claims)
        else expect(appraisal.steps.filter(({ status }) => status === 'failed')).toHaveLength(1)
      }),
      runs(60),
    )
  })

  it('is left as it was', async () => {
    let [before, after]: (AppraisalInput | null)[] = [null, null]
    const later = (input: AppraisalInput): object => {
      after = input
      before = structuredClone(input)
      return {}
    }
    await appraised({ later })
    expect(after).toEqual(before)
  })
})
