import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { developmentSigner } from '../../../localnet/src/tee/keys.ts'
import { planRegistry, publish, type RegistryPlan } from '../../../localnet/src/tee/registry.ts'
import { developmentWorkload } from '../../../localnet/src/tee/scene.ts'
import { type Bytes, copy, encodeCbor, hex, networks, sha256, signFor, utf8 } from '../../src/index.ts'
import { actionFor } from '../../src/appraisal/action.ts'
import { checkStandingUnder, type StandingInput } from '../../src/appraisal/appraise.ts'
import { pins } from '../../src/appraisal/pins/development.ts'
import { pins as production } from '../../src/appraisal/pins/production.ts'
import type { Pins } from '../../src/appraisal/policy.ts'
import { MAX_REGISTRY_SECONDS, type Registry, registryDigest } from '../../src/appraisal/registry.ts'
import { encodeRegistry, signAsOwner, signRegistry } from '../../src/appraisal/registry-signing.ts'
import type { Seen } from '../../src/appraisal/sequence.ts'
import { stampDigest } from '../../src/appraisal/stamp.ts'
import { runs } from '../property.ts'
import { DAY, NOW } from './simulated.ts'

const HOUR = 3600
interface Options {
  readonly plan?: (plan: RegistryPlan) => unknown
  readonly input?: (input: StandingInput) => Partial<StandingInput> | Promise<Partial<StandingInput>>
  readonly under?: Pins
}
async function standing({ plan, input, under = pins }: Options = {}) {
  const planned = await planRegistry({ network: networks.localnet, now: NOW, workloads: [await developmentWorkload()] })
  plan?.(planned)
  const signed: StandingInput = { network: networks.localnet, now: NOW, seen: null, ...(await publish(planned)) }
  return checkStandingUnder(under, { ...signed, ...(await input?.(signed)) })
}
async function refused(options: Options): Promise<readonly [code: string, step: string, action: string] | 'stands'> {
  const { failure } = await standing(options)
  return failure ? [failure.code, failure.step, actionFor(failure.code, failure.blame)] : 'stands'
}
const change = (content: Partial<Registry>): Options => ({ plan: ({ registry }) => Object.assign(registry, content) })
const signedBy = (...owners: RegistryPlan['owners']): Options => ({ plan: (plan) => (plan.owners = owners) })
const all: Pins = { ...pins, owners: { keys: pins.owners.keys, threshold: 3 } }
const OTHER = new Uint8Array(32).fill(9)
/** What a client saw before, relative to this registry statement. */
const saw = (by: number, digest: Bytes | null = null): Options => ({
  input: async ({ registry, stamp }): Promise<{ seen: Seen }> => ({
    seen: {
      registry: { sequence: 7 + by, digest: digest ?? (await registryDigest(registry.body)) },
      stamp: { sequence: 100, digest: await stampDigest(stamp.body) },
    },
  }),
})

describe('a registry statement', () => {
  const stands: [name: string, options: Options][] = [
    ['by two of three owners', {}],
    ['by other two of three', signedBy('owner2', 'owner0')],
    ['by all owners', signedBy('owner0', 'owner1', 'owner2')],
    ['by two owners and a stranger', signedBy('strangerEd25519', 'owner1', 'owner2')],
    ['to its last second', change({ expires: NOW })],
    ['by owners whose clock is two hours ahead', change({ issued: NOW + 2 * HOUR })],
    ['that was seen before', saw(0)],
    ['newer than the last', saw(-1, OTHER)],
    ['good for 400 days', change({ expires: NOW - DAY + MAX_REGISTRY_SECONDS })],
    ['by every owner, where every one is needed', { ...signedBy('owner0', 'owner1', 'owner2'), under: all }],
    ['that lists nothing', change({ references: [], engines: [], models: [], policies: [], tees: [], snp: [] })],
  ]
  it.each(stands)('%s stands', async (_, options) => {
    expect(await refused(options)).toBe('stands')
  })

  const fails: [name: string, code: string, step: string, action: string, options: Options][] = [
    ['by nobody', 'registry-signer', 'registry.signatures', 'stop', signedBy()],
    ['by a stranger', 'registry-signer', 'registry.signatures', 'stop', signedBy('strangerEd25519', 'stamp')],
    ['by one owner too few', 'registry-threshold', 'registry.signatures', 'stop', signedBy('owner0')],
    ['by one owner twice', 'registry-threshold', 'registry.signatures', 'stop', signedBy('owner0', 'owner0')],
    [
      'by one owner and a stranger',
      'registry-threshold',
      'registry.signatures',
      'stop',
      signedBy('owner0', 'strangerEd25519'),
    ],
    ['of another network', 'registry-network', 'registry.form', 'stop', change({ network: networks.testnet })],
    ['older than the last', 'registry-rollback', 'registry.sequence', 'fetch-again', saw(1, OTHER)],
    ['with the number of another', 'registry-fork', 'registry.sequence', 'stop', saw(0, OTHER)],
    ['a second after its end', 'registry-expired', 'registry.dates', 'fetch-again', change({ expires: NOW - 1 })],
    [
      'from tomorrow',
      'registry-not-yet-valid',
      'registry.dates',
      'fetch-again',
      change({ issued: NOW + 2 * HOUR + 1 }),
    ],
    [
      'good for more than 400 days',
      'registry-format',
      'registry.form',
      'fetch-again',
      change({ expires: NOW - DAY + MAX_REGISTRY_SECONDS + 1 }),
    ],
    [
      'with a register left out',
      'registry-format',
      'registry.form',
      'fetch-again',
      {
        plan: ({
          registry: {
            references: [first],
          },
        }) => first?.tee === 'tdx' && first.rtmrs.pop(),
      },
    ],
    [
      'with an unknown field',
      'registry-format',
      'registry.form',
      'fetch-again',
      { plan: ({ registry }) => Object.assign(registry, { extra: 1 }) },
    ],
  ]
  it.each(fails)('%s is refused: %s', async (_, code, step, action, options) => {
    expect(await refused(options)).toEqual([code, step, action])
  })

  it('changed after it was signed is refused', async () => {
    const tamper = (body: Uint8Array): unknown => (body[body.length - 1] = (body.at(-1) ?? 0) ^ 1)
    expect(await refused({ plan: (plan) => (plan.tamper = tamper) })).toEqual([
      'registry-signer',
      'registry.signatures',
      'stop',
    ])
  })

  it('carries no signature made for another purpose', async () => {
    const [one, two] = await Promise.all([developmentSigner('owner0'), developmentSigner('owner1')])
    const input: Options['input'] = async ({ registry: { body } }) => {
      const digest = await registryDigest(body)
      const sign = async (key: typeof one) => ({
        key: key.publicKey,
        signature: await signFor('cocoon/1 stamp', key, digest),
      })
      return { registry: { body, signatures: [await sign(one), await sign(two)] } }
    }
    expect(await refused({ input })).toEqual(['registry-signer', 'registry.signatures', 'stop'])
  })

  it('is named by its bytes alone: another signature changes nothing', async () => {
    const owners = await Promise.all((['owner0', 'owner1', 'owner2'] as const).map(developmentSigner))
    const planned = await planRegistry({ network: networks.localnet, now: NOW, workloads: [] })
    const signed = await signRegistry(planned.registry, owners)
    expect(hex(signed.body)).toBe(hex(encodeRegistry(planned.registry)))
    expect(signed.signatures).toEqual(await Promise.all(owners.map((owner) => signAsOwner(signed.body, owner))))
    const expected = await sha256(utf8('cocoon/1 registry\n'), encodeCbor(planned.registry))
    expect(hex(await registryDigest(signed.body))).toBe(hex(expected))
  })

  it('is given to the caller with what to keep', async () => {
    const { value } = await standing()
    expect(value?.seen.registry.sequence).toBe(7)
    expect(hex(value?.seen.registry.digest ?? OTHER)).toBe(hex(value?.digest ?? OTHER))
    expect(value?.seen.stamp.sequence).toBe(100)
  })
})

describe('a build', () => {
  it('serves the networks it was made for and no other', async () => {
    const refusal = ['network-refused', 'network', 'fix-call']
    const elsewhere = (network: number): Options => ({ input: () => ({ network }) })
    expect(await refused(elsewhere(networks.mainnet))).toEqual(refusal)
    expect(await refused(elsewhere(networks.testnet))).toEqual(refusal)
    expect(await refused({ under: production })).toEqual(refusal)
  })

  it('for which no owners are published refuses everything', async () => {
    const unpublished = ['registry-unpublished', 'registry.signatures', 'stop']
    const onMainnet: Options = {
      plan: (plan) => {
        plan.registry.network = networks.mainnet
        plan.stamp.network = networks.mainnet
      },
      input: () => ({ network: networks.mainnet }),
    }
    expect(await refused({ ...onMainnet, under: production })).toEqual(unpublished)
    const { keys } = pins.owners
    expect(await refused({ under: { ...pins, owners: { keys, threshold: 0 } } })).toEqual(unpublished)
    expect(await refused({ under: { ...pins, owners: { keys, threshold: 4 } } })).toEqual(unpublished)
  })
})

describe('mangled', () => {
  it('registry statements are refused with a code, never an exception', async () => {
    const planned = await planRegistry({
      network: networks.localnet,
      now: NOW,
      workloads: [await developmentWorkload()],
    })
    planned.registry.references = planned.registry.references.slice(0, 2)
    const { registry, stamp } = await publish(planned)
    await fc.assert(
      fc.asyncProperty(fc.nat(registry.body.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const body = copy(registry.body)
        body[at] = (body[at] ?? 0) ^ mask
        const input = { network: networks.localnet, now: NOW, seen: null, stamp }
        const { failure } = await checkStandingUnder(pins, { ...input, registry: { ...registry, body } })
        expect(['registry-format', 'registry-network', 'registry-signer']).toContain(failure?.code)
      }),
      runs(150),
    )
  })
})
