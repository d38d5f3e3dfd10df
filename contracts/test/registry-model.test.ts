import { readSource } from '../scripts/tolk.ts'
import type { Address, Cell } from '@ton/core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  applyChangeMessage,
  cancelChangeMessage,
  type Change,
  lowerFeeMessage,
  queueChangeMessage,
  registryExitCodes,
  type RegistryState,
  revokeBrokerMessage,
  revokeCodeMessage,
  type WaitingChange,
  withdrawContentMessage,
} from '../src/registry.ts'
import { bytes, HOUR, RegistryWorld, sameAddress } from './registry-world.ts'

expect.addEqualityTesters([sameAddress])

// The promises once more as a few lines of plain code, and any sequence of messages by anybody must agree with them.

const hex = (one: Uint8Array) => Buffer.from(one).toString('hex')
type Who = 'owner' | 'guardian' | 'stranger'
type Act =
  | { do: 'queue'; change: (world: RegistryWorld) => Change }
  | { do: 'apply' }
  | { do: 'cancel'; number: number }
  | { do: 'revoke-code'; hash: string }
  | { do: 'revoke-broker'; broker: string }
  | { do: 'lower'; broker: string; maximumFee: number }
  | { do: 'withdraw'; digest: string }
  | { do: 'wait'; hours: number }

const name = fc.constantFrom('a', 'b')
const fee = fc.constantFrom(0, 100, 500)
const anyChange: fc.Arbitrary<(world: RegistryWorld) => Change> = fc.oneof(
  name.map((one) => () => ({ kind: 'accept-code', hash: bytes(one) }) as const),
  fc.tuple(name, fee).map(([one, maximumFee]) => (world: RegistryWorld) => {
    return { kind: 'set-broker', account: world.account(one), broker: { key: bytes(one), maximumFee } } as const
  }),
  fc.tuple(name, fc.bigInt({ min: 0n, max: 5n })).map(([one, sequence]) => () => {
    return { kind: 'set-content', digest: bytes(one), sequence } as const
  }),
  fc.constant((world: RegistryWorld) => ({ kind: 'set-guardian', guardian: world.guardian }) as const),
  fc.constantFrom(24, 72).map((hours) => () => ({ kind: 'set-delay', delay: hours * HOUR }) as const),
)
const acts: fc.Arbitrary<{ who: Who; act: Act }> = fc.record({
  who: fc.constantFrom<Who>('owner', 'owner', 'owner', 'guardian', 'guardian', 'stranger'),
  act: fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('queue' as const), change: anyChange }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('apply' as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 72 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), number: fc.integer({ min: 1, max: 8 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke-code' as const), hash: name }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke-broker' as const), broker: name }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('lower' as const), broker: name, maximumFee: fee }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('withdraw' as const), digest: name }) },
  ),
})

class Model {
  readonly #world: RegistryWorld
  readonly codes = new Set<string>()
  readonly brokers = new Map<string, { account: Address; key: Uint8Array; maximumFee: number }>()
  waiting: WaitingChange[] = []
  digest: string | null = null
  sequence = 0n
  delay = 72 * HOUR
  #next = 1

  constructor(world: RegistryWorld) {
    this.#world = world
  }

  /** Whether the message changes anything; the model is changed when it does. */
  takes(who: Who, act: Act): boolean {
    const takesAway = who !== 'stranger'
    switch (act.do) {
      case 'wait':
        return true
      case 'queue': {
        const change = act.change(this.#world)
        if (who !== 'owner' || this.waiting.length === 16) return false
        if (change.kind === 'set-content' && change.sequence <= this.sequence) return false
        this.waiting.push({ number: this.#next++, ready: this.#world.now + this.delay, change })
        return true
      }
      case 'apply': {
        const [oldest, ...others] = this.waiting
        if (oldest === undefined || oldest.ready > this.#world.now) return false
        this.waiting = others
        this.#make(oldest.change)
        return true
      }
      case 'cancel': {
        const found = this.waiting.find(({ number }) => number === act.number)
        if (!takesAway || !found || (who === 'guardian' && found.change.kind === 'set-guardian')) return false
        this.waiting = this.waiting.filter((one) => one !== found)
        return true
      }
      case 'revoke-code': {
        const hash = hex(bytes(act.hash))
        if (!takesAway) return false
        const waited = this.#forget((change) => change.kind === 'accept-code' && hex(change.hash) === hash)
        return this.codes.delete(hash) || waited
      }
      case 'revoke-broker': {
        const account = this.#world.account(act.broker)
        if (!takesAway) return false
        const waited = this.#forget((change) => change.kind === 'set-broker' && change.account.equals(account))
        return this.brokers.delete(account.toRawString()) || waited
      }
      case 'lower': {
        const account = this.#world.account(act.broker)
        const broker = this.brokers.get(account.toRawString())
        if (!takesAway || !broker || act.maximumFee >= broker.maximumFee) return false
        broker.maximumFee = act.maximumFee
        this.#forget((change) => change.kind === 'set-broker' && change.account.equals(account))
        return true
      }
      default: {
        const digest = hex(bytes(act.digest))
        if (!takesAway) return false
        const waited = this.#forget((change) => change.kind === 'set-content' && hex(change.digest) === digest)
        const stood = this.digest === digest
        if (stood) this.digest = null
        return stood || waited
      }
    }
  }

  #make(change: Change): void {
    if (change.kind === 'accept-code') this.codes.add(hex(change.hash))
    if (change.kind === 'set-delay') this.delay = change.delay
    if (change.kind === 'set-broker') {
      this.brokers.set(change.account.toRawString(), { account: change.account, ...change.broker })
    }
    if (change.kind === 'set-content' && change.sequence > this.sequence) {
      this.digest = hex(change.digest)
      this.sequence = change.sequence
    }
  }

  #forget(isAbout: (change: Change) => boolean): boolean {
    const before = this.waiting.length
    this.waiting = this.waiting.filter(({ change }) => !isAbout(change))
    return this.waiting.length < before
  }

  /** In the words of `RegistryState`. */
  get state() {
    const { waiting: changes, digest, sequence, delay } = this
    return { codes: [...this.codes], brokers: [...this.brokers.values()], changes, digest, sequence, delay }
  }
}

const byText = (a: string, b: string) => (a < b ? -1 : 1)
/** Of a Registry or of the model, in an order that both share. */
function comparable(
  state: Pick<RegistryState, 'changes' | 'sequence' | 'delay'> & Pick<Model['state'], 'codes' | 'brokers' | 'digest'>,
) {
  return {
    ...state,
    codes: [...state.codes].sort(byText),
    brokers: [...state.brokers].sort((a, b) => byText(a.account.toRawString(), b.account.toRawString())),
  }
}
function stored({ codes, brokers, changes, digest, sequence, delay }: RegistryState) {
  return comparable({
    codes: codes.map(hex),
    brokers: [...brokers],
    changes: [...changes],
    digest: digest && hex(digest),
    sequence,
    delay,
  })
}

function bodyOf(world: RegistryWorld, act: Exclude<Act, { do: 'wait' }>): Cell {
  switch (act.do) {
    case 'queue':
      return queueChangeMessage({ change: act.change(world) })
    case 'apply':
      return applyChangeMessage()
    case 'cancel':
      return cancelChangeMessage({ number: act.number })
    case 'revoke-code':
      return revokeCodeMessage({ hash: bytes(act.hash) })
    case 'revoke-broker':
      return revokeBrokerMessage({ account: world.account(act.broker) })
    case 'lower':
      return lowerFeeMessage({ account: world.account(act.broker), maximumFee: act.maximumFee })
    default:
      return withdrawContentMessage({ digest: bytes(act.digest) })
  }
}

it('any messages by anybody do what the promises say, and nothing else', async () => {
  const asked = Number(process.env['FUZZ_RUNS'] ?? 0)
  let applied = 0
  await fc.assert(
    fc.asyncProperty(fc.array(acts, { minLength: 10, maxLength: 30 }), async (list) => {
      const world = await RegistryWorld.deployed({ codes: [], brokers: [] })
      const model = new Model(world)
      for (const { who, act } of list) {
        if (act.do === 'wait') {
          world.pass(act.hours * HOUR)
          continue
        }
        const expected = model.takes(who, act)
        const { done, change } = await world.send(world[who], bodyOf(world, act))
        expect([act.do, done]).toEqual([act.do, expected])
        expect(change).toBe(0n)
        if (done && act.do === 'apply') applied++
        expect(stored(await world.state())).toEqual(comparable(model.state))
      }
    }),
    asked > 0 ? { numRuns: asked } : { numRuns: 30, seed: 20_261_122 },
  )
  expect(applied).toBeGreaterThan(10)
}, 300_000)

it('every exit code of the contract is explained, and no other', () => {
  const declared = [...readSource('registry/rules.tolk').matchAll(/^ {4}\w+ = (\w+)$/gm)].map(([, code]) =>
    Number(code),
  )
  expect(Object.keys(registryExitCodes).map(Number)).toEqual(declared.sort((a, b) => a - b))
})
