import { type Bytes, networks } from '@cocoon/protocol'
import type { Address } from '@ton/core'
import type { Blockchain } from '@ton/sandbox'
import { accountOf, addressOf } from '../../src/index.ts'
import { digest, Key } from '../signed.ts'
import { Books } from './books.ts'
import { type ModelChannel, type ModelEntry, type ModelMessage, name, targetOf } from './reference.ts'
import { enoughFor, Stage } from './stage.ts'

/** A small generator of random numbers that is the same everywhere (mulberry32). */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const GRAM = 1_000_000_000n
const DAY = 86_400
const BEGINNING = 1_800_000_000
const NAMES = Array.from({ length: 24 }, (_, i) => i)

/** Keys are costly to make and the same in every story. */
const keys = new Map<string, Key>()
const keyOf = (of: string): Key => {
  const key = keys.get(of) ?? new Key(of)
  keys.set(of, key)
  return key
}
const payerNamed = (key: string): Key | undefined =>
  NAMES.map((i) => keyOf(`payer key ${i}`)).find(({ publicKey }) => name(publicKey) === key)
const party = (of: string): Address => addressOf(digest(of))

/** I3 and I5, over one step. */
function checkInvariants(before: ModelChannel, after: ModelChannel): void {
  const fell = after.opened === before.opened && after.released < before.released
  if (fell) throw new Error(`I3: released fell from ${before.released} to ${after.released}`)
  for (const [since, { spent, limit, lanes }] of after.keys) {
    const sum = [...lanes.values()].reduce((total, paid) => total + paid, 0n)
    if (spent > limit || spent !== sum) throw new Error(`I5: spent ${spent}, limit ${limit}, lanes ${sum}`)
    const earlier = before.keys.get(since)
    for (const [lane, paid] of earlier?.lanes ?? []) {
      if ((lanes.get(lane) ?? 0n) < paid) throw new Error(`I3: lane ${lane} fell below ${paid}`)
    }
    if (earlier && (spent < earlier.spent || limit < earlier.limit)) throw new Error('I3: spent or limit fell')
  }
}

/**
 * One story: two owners, two brokers, three payees with two machines each, and strangers, sending each other's channels
 * whatever they can think of, at any time, with too little or enough attached. Every step is compared with the model.
 */
export class Story {
  readonly #random: (below: number) => number
  readonly #stages: readonly Stage[]
  readonly #books: ReadonlyMap<Stage, Books>
  readonly #pool: { stage: Stage; entry: ModelEntry; due?: number }[] = []
  /** Few keys most of the time; many in some stories, to meet the bounds. */
  readonly #crowded: boolean
  #now = BEGINNING
  steps = 0
  paid = 0n
  readonly exits: number[] = []

  /** In an honest story the brokers keep invariant 13, and everything they countersigned must be paid in full. */
  constructor(chain: Blockchain, seed: number, honest: boolean) {
    this.#random = randomFrom(seed)
    this.#crowded = this.#chance(6)
    const local = this.#chance(4)
    const pairs = this.#chance(2)
      ? [
          [0, 0],
          [1, 0],
        ]
      : [
          [0, 0],
          [0, 1],
        ]
    this.#stages = pairs.map(
      ([owner, broker]) =>
        new Stage(
          chain,
          {
            owner: party(`story ${seed} owner ${owner}`),
            broker: party(`story ${seed} broker ${broker}`),
            feeBasisPoints: this.#pick([0, 1, 333, 500, 10_000]),
            network: local ? networks.localnet : this.#pick([networks.mainnet, networks.testnet]),
            brokerKey: keyOf(`broker key ${broker} 0`).publicKey,
          },
          local ? 60 : 2 * DAY,
        ),
    )
    this.#books = new Map(honest ? this.#stages.map((stage) => [stage, new Books(stage)]) : [])
  }

  async tell(steps: number): Promise<void> {
    for (; this.steps < steps; this.steps++) {
      this.#passTime()
      const stage = this.#pick(this.#stages)
      const { message, from, promised } = this.#act(stage)
      const value = this.#value(message)
      const before = stage.model
      const { predicted } = await stage.perform({ message, from, value, bounce: !this.#chance(8) }, this.#now)
      this.exits.push(predicted.exit)
      if ('payouts' in predicted) {
        for (const { amount } of predicted.payouts) this.paid += amount
        this.#checkPromises(stage, promised)
      }
      checkInvariants(before, stage.model)
    }
  }

  /** I13: what an honest broker countersigned, claimed in time, is paid whole. */
  #checkPromises(stage: Stage, entries: readonly ModelEntry[]): void {
    for (const entry of entries) {
      const key = stage.model.keys.get(entry.voucher.since)
      const lane = `${name(entry.voucher.payee)} ${name(entry.voucher.receiptKey)}`
      const target = targetOf(stage.model, entry, this.#now)
      if ((key?.lanes.get(lane) ?? 0n) < target) throw new Error(`I13: ${target} was promised and not paid`)
    }
  }

  #act(stage: Stage): { message: ModelMessage; from: Address; promised: readonly ModelEntry[] } {
    const { owner, broker } = stage
    const anyone = this.#pick([owner, broker, party('stranger')])
    const mostly = (who: Address): Address => (this.#chance(10) ? anyone : who)
    const plain = (message: ModelMessage, from: Address) => ({ message, from, promised: [] })
    const dice = this.#random(100)
    const opens = stage.model.opened === 0n ? 50 : this.#crowded ? 45 : 15
    if (dice < opens) return plain(this.#open(stage), mostly(owner))
    if (dice < 60) return { ...this.#claim(stage), from: anyone }
    if (dice < 67) return plain(this.#release(stage), anyone)
    if (dice < 72) return plain({ kind: 'revoke', key: this.#payerKey() }, mostly(owner))
    if (dice < 76) return plain({ kind: 'rotate', key: this.#brokerKey(stage) }, mostly(broker))
    if (dice < 80) return plain({ kind: 'collect' }, anyone)
    if (dice < 85) return plain({ kind: 'request' }, mostly(owner))
    if (dice < 88) return plain({ kind: 'cancel' }, mostly(owner))
    if (dice < (stage.model.closesAt === null ? 89 : 95)) return plain({ kind: 'finish' }, anyone)
    return plain({ kind: this.#pick(['transfer', 'transfer', 'comment', 'garbage'] as const) }, anyone)
  }

  #open(stage: Stage): ModelMessage {
    const [again] = this.#chance(3) ? [...stage.model.keys.values()].slice(-1) : []
    const other = this.#chance(12) ? keyOf(`broker key 0 ${this.#random(3)}`) : this.#payerKey()
    const key = (again && payerNamed(again.key)) ?? other
    const limit = this.#pick([0n, GRAM / 100n, GRAM / 2n, GRAM, 10n * GRAM])
    const challenge = stage.model.challenge
    const expires =
      this.#now + (this.#crowded ? 30 * DAY : this.#pick([-1, 0, 1, 60, challenge, DAY, 30 * DAY, 30 * DAY]))
    return { kind: 'open', key, limit, expires }
  }

  #claim(stage: Stage): { message: ModelMessage; promised: readonly ModelEntry[] } {
    const entries: ModelEntry[] = []
    const promised: ModelEntry[] = []
    for (let count = 1 + this.#random(3); count > 0; count--) {
      const known = this.#chance(2) ? undefined : this.#pick([undefined, ...this.#pool.slice(-12)])
      const chosen = known ?? this.#makeEntry(stage)
      entries.push(chosen.entry)
      const inTime = chosen.due !== undefined && this.#now <= chosen.due && chosen.stage === stage
      if (inTime && this.#now <= chosen.entry.voucher.until) promised.push(chosen.entry)
    }
    return { message: { kind: 'claim', entries }, promised }
  }

  /** A voucher of the payer, countersigned, with a receipt or without; now and then a forgery, or a thief's. */
  #makeEntry(stage: Stage): { stage: Stage; entry: ModelEntry; due?: number } {
    const registered = [...stage.model.keys]
    const [since, { key }] = this.#chance(15) || registered.length === 0 ? [7n, { key: '' }] : this.#pick(registered)
    const payer = payerNamed(key)
    const node = keyOf(`node key ${this.#random(2)}`)
    const payees: Bytes[] = [0, 1, 2].map((i) => accountOf(party(`payee ${i}`)))
    const payee = this.#chance(40) ? stage.account : this.#chance(20) ? accountOf(stage.owner) : this.#pick(payees)
    const lane = `${name(payee)} ${name(node.publicKey)}`
    const paid = stage.model.keys.get(since)?.lanes.get(lane) ?? 0n
    const step = (): bigint => paid + this.#amount()
    const { challenge } = stage.model
    const voucher = {
      channel: this.#chance(30) ? this.#pick(this.#stages).account : stage.account,
      since,
      payee,
      receiptKey: node.publicKey,
      floor: this.#chance(2) ? 0n : step(),
      ceiling: step(),
      until: this.#now + this.#pick([-1, 0, 1, challenge - 1, challenge - 1, DAY]),
    }
    const total = step()
    const { channel } = voucher
    const object = { channel, since, payee, total, amount: total - paid, job: digest('job') }
    const receipt = this.#chance(3) ? undefined : { object, node: this.#chance(30) ? keyOf('thief') : node }
    const settled = receipt !== undefined && this.#chance(3)
    const forger = this.#chance(30) || !payer ? keyOf('thief') : payer
    const books = this.#books.get(stage)
    const rest = {
      voucher,
      payer: forger,
      ...(receipt ? { receipt } : {}),
      countersigned: settled ? 'receipt' : 'voucher',
    } as const
    const signer = this.#countersigner(stage)
    const genuine =
      forger === payer && channel === stage.account && payee !== stage.account && receipt?.node !== keyOf('thief')
    const due = books && genuine ? books.countersign(rest, this.#now) : undefined
    // What the honest broker does not sign, a thief does.
    const broker = books ? (due === undefined ? keyOf('thief') : this.#current(stage)) : signer
    const made = { stage, entry: { ...rest, broker }, ...(due === undefined ? {} : { due }) }
    this.#pool.push(made)
    return made
  }

  #release(stage: Stage): ModelMessage {
    const { opened, released } = stage.model
    const books = this.#books.get(stage)
    const until = this.#now + this.#pick([-1, 0, 1, 3600])
    const wanted = released + this.#amount()
    const total = books ? books.release(wanted, until, this.#now) : wanted
    const signer = total === undefined ? keyOf('thief') : books ? this.#current(stage) : this.#countersigner(stage)
    const channel = this.#chance(20) ? this.#pick(this.#stages).account : stage.account
    const release = { channel, opened: this.#chance(20) ? opened - 1n : opened, total: total ?? wanted, until }
    if (release.opened < 0n) release.opened = 0n
    return { kind: 'release', release, signer }
  }

  #payerKey(): Key {
    return keyOf(`payer key ${this.#random(this.#crowded ? NAMES.length : 3)}`)
  }

  #brokerKey(stage: Stage): Key {
    if (this.#chance(6)) return this.#payerKey()
    return keyOf(`broker key ${stage === this.#stages[0] ? 0 : 1} ${this.#random(3)}`)
  }

  #current(stage: Stage): Key {
    const all = NAMES.flatMap((i) => [keyOf(`payer key ${i}`), keyOf(`broker key ${i % 2} ${i % 3}`)])
    const found = all.find(({ publicKey }) => name(publicKey) === stage.model.brokerKey)
    if (!found) throw new Error('a broker key nobody made')
    return found
  }

  #countersigner(stage: Stage): Key {
    const current = this.#current(stage)
    return this.#chance(5) ? this.#pick([keyOf('broker key 0 0'), keyOf('broker key 0 1'), keyOf('thief')]) : current
  }

  #amount(): bigint {
    const scale = this.#pick([1n, 1_000n, GRAM / 1000n, GRAM / 100n, GRAM / 10n, GRAM])
    return (scale * BigInt(this.#random(1000))) / 500n
  }

  #value(message: ModelMessage): bigint {
    if (message.kind === 'open' || message.kind === 'transfer')
      return this.#pick([GRAM / 50n, GRAM / 5n, GRAM, 2n * GRAM])
    if (this.#chance(6)) return BigInt(this.#random(4_000_000))
    return enoughFor(message) + BigInt(this.#random(1000))
  }

  /** Mostly a little; often exactly to a second at which something ends, or one beside it. */
  #passTime(): void {
    const dates = this.#stages.flatMap(({ model }) => [
      model.closesAt ?? 0,
      model.previous?.until ?? 0,
      ...[...model.keys.values()].flatMap(({ expires }) => [expires, expires + model.challenge]),
    ])
    const ahead = [...dates, ...this.#pool.slice(-5).map(({ entry }) => entry.voucher.until)].filter(
      (date) => date > this.#now,
    )
    if (this.#chance(5) && ahead.length > 0) this.#now = Math.max(this.#now, this.#pick(ahead) - 1 + this.#random(3))
    else this.#now += this.#pick([0, 0, 1, 60, 3600, DAY / 2])
    if (this.#chance(60)) this.#now += 400 * DAY
  }

  #chance(of: number): boolean {
    return this.#random(of) === 0
  }

  #pick<T>(from: readonly T[]): T {
    const index = this.#random(from.length)
    if (index >= from.length) throw new Error('nothing to pick from')
    return from[index] as T
  }
}
