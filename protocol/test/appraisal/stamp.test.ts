import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planRegistry, publish, type RegistryPlan } from '../../../localnet/src/tee/registry.ts'
import { type Bytes, copy, hex, networks, sha256, utf8 } from '../../src/index.ts'
import { actionFor } from '../../src/appraisal/action.ts'
import { checkStandingUnder, type StandingInput } from '../../src/appraisal/appraise.ts'
import { pins } from '../../src/appraisal/pins/development.ts'
import { CLOCK_TOLERANCE_SECONDS } from '../../src/appraisal/policy.ts'
import { registryDigest } from '../../src/appraisal/registry.ts'
import type { Seen } from '../../src/appraisal/sequence.ts'
import {
  findRevoked,
  MAX_STAMP_SECONDS,
  type Revocable,
  type RevocableKind,
  revocable,
  type Stamp,
  stampDigest,
} from '../../src/appraisal/stamp.ts'
import { runs } from '../property.ts'
import { NOW } from './simulated.ts'

const HOUR = 3600
interface Options {
  readonly plan?: (plan: RegistryPlan) => unknown
  readonly input?: (input: StandingInput) => Partial<StandingInput> | Promise<Partial<StandingInput>>
}
async function standing({ plan, input }: Options = {}) {
  const planned = await planRegistry({ network: networks.localnet, now: NOW, workloads: [] })
  plan?.(planned)
  const signed: StandingInput = { network: networks.localnet, now: NOW, seen: null, ...(await publish(planned)) }
  return checkStandingUnder(pins, { ...signed, ...(await input?.(signed)) })
}
async function refused(options: Options): Promise<readonly [code: string, step: string, action: string] | 'stands'> {
  const { failure } = await standing(options)
  return failure ? [failure.code, failure.step, actionFor(failure.code, failure.blame)] : 'stands'
}
const change = (content: Partial<Stamp>): Options => ({ plan: ({ stamp }) => Object.assign(stamp, content) })
const dated = (issued: number, seconds = 24 * HOUR): Options => change({ issued, expires: issued + seconds })
const clock = (by: number): Options => ({ input: () => ({ now: NOW + by }) })
const OTHER = new Uint8Array(32).fill(9)
/** What a client saw before, relative to this stamp and to the registry statement it is under. */
const saw = (by: number, digest: Bytes | null = null, registry = 0): Options => ({
  input: async (input): Promise<{ seen: Seen }> => ({
    seen: {
      registry: { sequence: 7 + registry, digest: registry ? OTHER : await registryDigest(input.registry.body) },
      stamp: { sequence: 100 + by, digest: digest ?? (await stampDigest(input.stamp.body)) },
    },
  }),
})

describe('a stamp', () => {
  const stands: [name: string, options: Options][] = [
    ['of the last hour', {}],
    ['of two days ago, to its last second', dated(NOW - MAX_STAMP_SECONDS, MAX_STAMP_SECONDS)],
    ['that was seen before', saw(0)],
    ['newer than the last', saw(-1, OTHER)],
    ['with a lower number, under a newer registry statement', saw(1, OTHER, -1)],
    ['on a phone two hours behind', clock(-2 * HOUR)],
    ['on a phone an hour ahead', clock(HOUR)],
    ['two hours ahead of the clock', dated(NOW + CLOCK_TOLERANCE_SECONDS)],
  ]
  it.each(stands)('%s stands', async (_, options) => {
    expect(await refused(options)).toBe('stands')
  })

  const fails: [name: string, code: string, step: string, action: string, options: Options][] = [
    ['by an owner', 'stamp-signature', 'stamp.signature', 'stop', { plan: (plan) => (plan.stampSignedBy = 'owner0') }],
    [
      'by a stranger',
      'stamp-signature',
      'stamp.signature',
      'stop',
      { plan: (plan) => (plan.stampSignedBy = 'strangerEd25519') },
    ],
    ['of another network', 'stamp-network', 'stamp.form', 'stop', change({ network: networks.testnet })],
    ['for another registry statement', 'stamp-registry', 'stamp.form', 'fetch-again', change({ registry: OTHER })],
    ['older than the last', 'stamp-rollback', 'stamp.sequence', 'fetch-again', saw(1, OTHER)],
    ['with the number of another', 'stamp-fork', 'stamp.sequence', 'stop', saw(0, OTHER)],
    ['a second after its end', 'stamp-expired', 'stamp.dates', 'fetch-again', dated(NOW - HOUR - 1, HOUR)],
    [
      'good for more than 48 hours',
      'stamp-format',
      'stamp.form',
      'fetch-again',
      dated(NOW - HOUR, MAX_STAMP_SECONDS + 1),
    ],
    [
      'with a digest of another length',
      'stamp-format',
      'stamp.form',
      'fetch-again',
      change({ revoked: [{ kind: 'measurement', value: new Uint8Array(32) }] }),
    ],
    [
      'with a kind that nobody knows',
      'stamp-format',
      'stamp.form',
      'fetch-again',
      change({ revoked: [{ kind: 'payee' as RevocableKind, value: new Uint8Array(32) }] }),
    ],
    ['far ahead of the clock', 'clock-behind', 'clock', 'fix-call', dated(NOW + CLOCK_TOLERANCE_SECONDS + 1)],
    ['on a phone two days ahead', 'stamp-expired', 'stamp.dates', 'fetch-again', clock(2 * 24 * HOUR)],
  ]
  it.each(fails)('%s is refused: %s', async (_, code, step, action, options) => {
    expect(await refused(options)).toEqual([code, step, action])
  })

  it('bounds a slow clock from below, and says that the clock is wrong', async () => {
    const { value, steps } = await standing(clock(-2 * HOUR))
    expect(value?.time).toBe(NOW - HOUR)
    expect(steps.find(({ name }) => name === 'clock')?.detail).toContain('3600 seconds behind')
    expect((await standing()).value?.time).toBe(NOW)
  })

  it('bounds how long anything stands', async () => {
    expect((await standing(dated(NOW - HOUR, 2 * HOUR))).value?.expires).toBe(NOW + HOUR)
    const registry: Options = { plan: (plan) => (plan.registry.expires = NOW + 60) }
    expect((await standing(registry)).value?.expires).toBe(NOW + 60)
  })

  it('is named by its bytes', async () => {
    const planned = await planRegistry({ network: networks.localnet, now: NOW, workloads: [] })
    const { stamp } = await publish(planned)
    const { seen } = (await standing()).value ?? {}
    expect(hex(seen?.stamp.digest ?? OTHER)).toBe(hex(await sha256(utf8('cocoon/1 stamp\n'), stamp.body)))
  })
})

describe('revocation', () => {
  const kinds = Object.keys(revocable) as RevocableKind[]
  const subject = (kind: RevocableKind, fill: number): Revocable => ({
    kind,
    value: new Uint8Array(revocable[kind]).fill(fill),
  })
  const stamp = (revoked: Revocable[]): Stamp => ({
    version: 1,
    network: networks.localnet,
    registry: OTHER,
    sequence: 1,
    issued: NOW,
    expires: NOW + 1,
    revoked,
  })

  it('finds what is taken back, by kind and value both', () => {
    for (const kind of kinds) {
      const one = subject(kind, 1)
      expect(findRevoked(stamp([subject(kind, 2), one]), [subject(kind, 3), one])).toEqual(one)
      const namesakes = kinds.filter((other) => other !== kind).map((other) => subject(other, 1))
      expect(findRevoked(stamp(namesakes), [one])).toBeNull()
    }
    expect(
      findRevoked(
        stamp([]),
        kinds.map((kind) => subject(kind, 1)),
      ),
    ).toBeNull()
  })

  it('only ever takes away: whatever is added to the list, what was revoked stays so', () => {
    const any = fc.constantFrom(...kinds).chain((kind) => fc.nat({ max: 5 }).map((fill) => subject(kind, fill)))
    fc.assert(
      fc.property(fc.array(any), fc.array(any), fc.array(any), (revoked, added, subjects) => {
        const before = findRevoked(stamp(revoked), subjects) !== null
        const after = findRevoked(stamp([...revoked, ...added]), subjects) !== null
        expect(after || !before).toBe(true)
      }),
      runs(200),
    )
  })
})

describe('mangled', () => {
  it('stamps are refused with a code, never an exception', async () => {
    const planned = await planRegistry({ network: networks.localnet, now: NOW, workloads: [] })
    planned.stamp.revoked = [{ kind: 'node', value: OTHER }]
    const { registry, stamp } = await publish(planned)
    await fc.assert(
      fc.asyncProperty(fc.nat(stamp.body.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const body = copy(stamp.body)
        body[at] = (body[at] ?? 0) ^ mask
        const input = { network: networks.localnet, now: NOW, seen: null, registry }
        const { failure } = await checkStandingUnder(pins, { ...input, stamp: { ...stamp, body } })
        expect(['stamp-format', 'stamp-network', 'stamp-registry', 'stamp-signature']).toContain(failure?.code)
      }),
      runs(150),
    )
  })
})
