import { type Bytes, hex } from '../../src/index.ts'
import type { ChannelState, PayerKeyState, SignedVoucher, Voucher } from '../../src/money/index.ts'
import { filled } from './arbitrary.ts'

/** A channel with one payer key, as a finalized block at second 1000 shows it. */
export const CHANNEL = filled(0xc0)
export const PAYER = filled(0xa1)
export const PAYEE = filled(0xb1)
export const NODE = filled(0xd1)
export const BROKER = filled(0xe1)
export const NOW = 1000
export const CHALLENGE = 172_800
export const SINCE = 77n

export const key: PayerKeyState = { since: SINCE, limit: 10n ** 9n, spent: 0n, expires: 10 ** 6, revoked: false }

export function channel(change: Partial<ChannelState> = {}, keys: Record<string, PayerKeyState> = {}): ChannelState {
  return {
    channel: CHANNEL,
    time: NOW,
    balance: 1_020_000_000n,
    fees: 0n,
    opened: 5n,
    released: 0n,
    closesAt: null,
    brokerKey: BROKER,
    keys: new Map([[hex(PAYER), key], ...Object.entries(keys)]),
    ...change,
  }
}

export const withKey = (change: Partial<PayerKeyState>): ChannelState =>
  channel({ keys: new Map([[hex(PAYER), { ...key, ...change }]]) })

/** Signatures are verified elsewhere; the rules look at what was signed. */
export function signed(change: Partial<Voucher> = {}, payer: Bytes = PAYER): SignedVoucher {
  const object = {
    channel: CHANNEL,
    since: SINCE,
    payee: PAYEE,
    receiptKey: NODE,
    floor: 0n,
    ceiling: 1_000_000n,
    until: NOW + 86_400,
    ...change,
  }
  return { payer, object, signature: new Uint8Array(64) }
}
