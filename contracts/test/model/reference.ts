import type { Bytes } from '@cocoon/protocol'
import type { Receipt, Release, Voucher } from '@cocoon/protocol/money'
import type { Key } from '../signed.ts'

/**
 * The rules of TESTING.md once more, as plainly as they can be said: nothing of the contract's shape, no cells, no
 * signatures but the name of who made each.
 */
export interface ModelKey {
  readonly key: string
  limit: bigint
  spent: bigint
  expires: number
  revoked: boolean
  /** By payee and receipt key. */
  readonly lanes: Map<string, bigint>
}

export interface ModelChannel {
  readonly account: string
  readonly owner: string
  readonly broker: string
  readonly feeBasisPoints: number
  readonly challenge: number
  opened: bigint
  released: bigint
  fees: bigint
  closesAt: number | null
  brokerKey: string
  previous: { key: string; until: number } | null
  /** By `since`. */
  readonly keys: Map<bigint, ModelKey>
}

/** One entry of a claim, and who really signed what. */
export interface ModelEntry {
  readonly voucher: Voucher
  readonly payer: Key
  readonly receipt?: { readonly object: Receipt; readonly node: Key }
  readonly countersigned: 'voucher' | 'receipt'
  readonly broker: Key
}

export type ModelMessage =
  | { readonly kind: 'open'; readonly key: Key; readonly limit: bigint; readonly expires: number }
  | { readonly kind: 'revoke'; readonly key: Key }
  | { readonly kind: 'claim'; readonly entries: readonly ModelEntry[] }
  | { readonly kind: 'release'; readonly release: Release; readonly signer: Key }
  | { readonly kind: 'rotate'; readonly key: Key }
  | { readonly kind: 'collect' | 'request' | 'cancel' | 'finish' | 'transfer' | 'comment' | 'garbage' }

export interface Moment {
  readonly from: string
  readonly now: number
  /** Logical time of the transaction. */
  readonly lt: bigint
  /** What the channel has before the message, rent taken off, and after it came. */
  readonly balance: bigint
  readonly withValue: bigint
}

/** What leaves the channel, the excess left out; or what is thrown, and then nothing changed. */
export type ModelOutcome = { readonly exit: number } | { readonly exit: 0; readonly payouts: readonly ModelPayout[] }
export interface ModelPayout {
  readonly to: string
  readonly amount: bigint
}

const MINIMUM_OPENING = 200_000_000n
const RENT_RESERVE = 20_000_000n

export const name = (bytes: Bytes): string => Buffer.from(bytes).toString('hex')
const least = (...values: readonly bigint[]): bigint => values.reduce((a, b) => (b < a ? b : a))
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b)

export const laneName = (voucher: Voucher): string => `${name(voucher.payee)} ${name(voucher.receiptKey)}`
export const availableIn = (channel: ModelChannel, balance: bigint): bigint => balance - RENT_RESERVE - channel.fees
const feeOn = (channel: ModelChannel, paid: bigint): bigint => (paid * BigInt(channel.feeBasisPoints)) / 10_000n
const isOver = (channel: ModelChannel, key: ModelKey, now: number): boolean => now >= key.expires + channel.challenge
const isLive = (key: ModelKey, now: number): boolean => now < key.expires

function forget(channel: ModelChannel, now: number): void {
  for (const [since, key] of channel.keys) if (isOver(channel, key, now)) channel.keys.delete(since)
}
const registration = (channel: ModelChannel, key: Key): [bigint, ModelKey] | undefined =>
  [...channel.keys].find(([, stored]) => stored.key === name(key.publicKey))

/** Changes `channel` as the contract must, or leaves it and says what is thrown. */
export function apply(channel: ModelChannel, message: ModelMessage, moment: Moment): ModelOutcome {
  const { from, now } = moment
  const nothing = { exit: 0, payouts: [] } as const
  switch (message.kind) {
    case 'transfer':
    case 'comment':
      return nothing
    case 'garbage':
      return { exit: 0xffff }
    case 'open':
      return open(channel, message, moment)
    case 'claim':
      return claim(channel, message.entries, moment)
    case 'release':
      return release(channel, message.release, message.signer, moment)
    case 'rotate': {
      if (from !== channel.broker) return { exit: 402 }
      if (channel.previous && now < channel.previous.until) return { exit: 450 }
      const found = registration(channel, message.key)
      if (found && !isOver(channel, found[1], now)) return { exit: 406 }
      forget(channel, now)
      channel.previous = { key: channel.brokerKey, until: now + channel.challenge }
      channel.brokerKey = name(message.key.publicKey)
      return nothing
    }
    case 'revoke': {
      if (from !== channel.owner) return { exit: 401 }
      const found = registration(channel, message.key)?.[1]
      if (!found || isOver(channel, found, now)) return { exit: 411 }
      forget(channel, now)
      found.revoked = true
      found.expires = Math.min(found.expires, now)
      return nothing
    }
    case 'request':
    case 'cancel':
      if (from !== channel.owner) return { exit: 401 }
      forget(channel, now)
      if (message.kind === 'cancel') channel.closesAt = null
      else channel.closesAt ??= now + channel.challenge
      return nothing
    case 'collect': {
      const amount = least(channel.fees, moment.balance)
      if (amount <= 0n) return { exit: 440 }
      channel.fees -= amount
      return { exit: 0, payouts: [{ to: channel.broker, amount }] }
    }
    case 'finish': {
      if (channel.closesAt === null) return { exit: 460 }
      if (now < channel.closesAt) return { exit: 461 }
      const fees = least(channel.fees, moment.balance)
      Object.assign(channel, { opened: 0n, released: 0n, fees: 0n, closesAt: null })
      channel.keys.clear()
      const payouts = [
        { to: channel.broker, amount: fees },
        { to: channel.owner, amount: moment.balance - fees },
      ]
      return { exit: 0, payouts: payouts.filter(({ amount }) => amount > 0n) }
    }
  }
}

function open(channel: ModelChannel, message: ModelMessage & { kind: 'open' }, moment: Moment): ModelOutcome {
  const { now } = moment
  if (moment.from !== channel.owner) return { exit: 401 }
  if (channel.closesAt !== null) return { exit: 405 }
  const opens = channel.opened === 0n
  if (opens && moment.withValue < MINIMUM_OPENING) return { exit: 404 }
  const key = name(message.key.publicKey)
  if (key === channel.brokerKey || key === channel.previous?.key) return { exit: 406 }
  const stored = [...channel.keys].filter(([, one]) => !isOver(channel, one, now))
  const others = stored.filter(([, one]) => one.key !== key)
  if (others.filter(([, one]) => isLive(one, now)).length >= 8) return { exit: 409 }
  if (others.length >= 16) return { exit: 410 }
  const found = stored.find(([, one]) => one.key === key)?.[1]
  if (found?.revoked) return { exit: 407 }
  const expires = Math.max(found?.expires ?? 0, message.expires)
  if (now >= expires) return { exit: 408 }
  forget(channel, now)
  if (opens) channel.opened = moment.lt
  if (found) {
    found.limit = most(found.limit, message.limit)
    found.expires = expires
  } else {
    const { limit } = message
    channel.keys.set(moment.lt, { key, limit, spent: 0n, expires, revoked: false, lanes: new Map() })
  }
  return { exit: 0, payouts: [] }
}

function claim(channel: ModelChannel, entries: readonly ModelEntry[], moment: Moment): ModelOutcome {
  for (const entry of entries) {
    const exit = forged(channel, entry, moment.now)
    if (exit !== 0) return { exit }
  }
  let available = availableIn(channel, moment.balance)
  const payouts: ModelPayout[] = []
  for (const entry of entries) {
    const key = channel.keys.get(entry.voucher.since)
    if (!key || isOver(channel, key, moment.now)) continue
    const lane = laneName(entry.voucher)
    const paid = key.lanes.get(lane) ?? 0n
    const due = least(targetOf(channel, entry, moment.now) - paid, key.limit - key.spent, available)
    if (due <= 0n) continue
    key.lanes.set(lane, paid + due)
    key.spent += due
    available -= due
    const fee = feeOn(channel, paid + due) - feeOn(channel, paid)
    channel.fees += fee
    if (due > fee) payouts.push({ to: name(entry.voucher.payee), amount: due - fee })
  }
  return { exit: 0, payouts }
}

/** What throws: the channel as payee, and a signature that is not whose it has to be. Of keys that are gone nothing can be said. */
function forged(channel: ModelChannel, { voucher, payer, receipt }: ModelEntry, now: number): number {
  if (name(voucher.payee) === channel.account) return 421
  const key = channel.keys.get(voucher.since)
  if (!key || isOver(channel, key, now)) return 0
  const here = name(voucher.channel) === channel.account
  if (!here || key.key !== name(payer.publicKey)) return 422
  if (receipt && name(receipt.node.publicKey) !== name(voucher.receiptKey)) return 423
  return 0
}

export function targetOf(channel: ModelChannel, entry: ModelEntry, now: number): bigint {
  const { voucher, receipt, countersigned } = entry
  const signer = name(entry.broker.publicKey)
  const before = channel.previous !== null && now < channel.previous.until && signer === channel.previous.key
  if (signer !== channel.brokerKey && !before) return 0n
  const earned = receipt ? least(receipt.object.total, voucher.ceiling) : 0n
  if (countersigned === 'receipt') return earned
  return now <= voucher.until ? most(voucher.floor, earned) : voucher.floor
}

function release(channel: ModelChannel, note: Release, signer: Key, moment: Moment): ModelOutcome {
  const ours = name(note.channel) === channel.account && name(signer.publicKey) === channel.brokerKey
  if (!ours) return { exit: 430 }
  if (channel.opened === 0n || note.opened !== channel.opened) return { exit: 431 }
  if (moment.now > note.until) return { exit: 432 }
  const amount = least(note.total - channel.released, availableIn(channel, moment.balance))
  if (amount <= 0n) return { exit: 433 }
  channel.released += amount
  return { exit: 0, payouts: [{ to: channel.owner, amount }] }
}
