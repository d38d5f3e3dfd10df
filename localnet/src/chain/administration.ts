import { parseNanograms } from '@cocoon/protocol/money'
import type { Chain, Pace } from './chain.ts'
import type { Deployment } from './deployment.ts'
import { type Fault, faultKinds, type Faults } from './faults.ts'
import type { Order } from './order.ts'
import { address, type Params, type Rpc, RpcError } from './rpc.ts'

/** What a development chain can be told and a real one cannot. */
export type Administration = (verb: string, params: Params) => Promise<unknown>

export function administrationOf(chain: Chain, rpc: Rpc, faults: Faults, deployment: Deployment): Administration {
  const verbs: Readonly<Record<string, (params: Params) => unknown>> = {
    status: () => ({
      now: chain.now,
      seqno: chain.ledger.head.seqno,
      pace: chain.pace,
      waiting: chain.pending.externals.length,
      moving: chain.pending.internals.length,
    }),
    deployment: () => deployment,
    faucet: async ({ address: to, amount }) => {
      await chain.give(address(to), parseNanograms(String(amount)))
    },
    time: async ({ advance }) => {
      await chain.advance(whole(advance, 'advance'))
      return { now: chain.now }
    },
    block: async ({ count }) => {
      for (let i = 0; i < (count === undefined ? 1 : whole(count, 'count')); i++) await chain.produceBlock()
      return { seqno: chain.ledger.head.seqno }
    },
    settle: () => chain.settle(),
    pace: ({ pace }) => chain.setPace(paceFrom(pace)),
    order: ({ order }) => chain.setOrder(orderFrom(order)),
    lag: ({ blocks }) => {
      rpc.lag = whole(blocks, 'blocks')
    },
    faults: ({ faults: list }) => faults.set(faultsFrom(list)),
    snapshot: async () => ({ id: await chain.snapshot() }),
    revert: ({ id }) => chain.revert(whole(id, 'id')),
  }
  return async (verb, params) => {
    if (!Object.hasOwn(verbs, verb)) throw new RpcError(404, `/admin knows ${Object.keys(verbs).join(', ')}`)
    return (await verbs[verb]?.(params)) ?? null
  }
}

function whole(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${name} is a whole number, not below zero`)
  }
  return value
}

function paceFrom(value: unknown): Pace {
  if (value === 'instant' || value === 'manual') return value
  if (typeof value === 'number' && value >= 10) return value
  throw new RangeError('pace is instant, manual, or milliseconds a block (at least 10)')
}

function orderFrom(value: unknown): Order {
  if (value === 'as-sent' || value === 'reversed') return value
  const seed = typeof value === 'object' && value !== null && 'seed' in value ? value.seed : undefined
  if (typeof seed === 'number') return { seed }
  throw new RangeError('order is as-sent, reversed, or an object with a seed')
}

function faultsFrom(value: unknown): Fault[] {
  if (!Array.isArray(value)) throw new RangeError('faults is an array; an empty one clears all')
  return value.map((one: Fault) => {
    if (!faultKinds.includes(one.kind)) throw new RangeError(`a fault is one of ${faultKinds.join(', ')}`)
    if (one.kind === 'status' && !(one.status >= 400 && one.status <= 599)) throw new RangeError('status is 400 to 599')
    if (one.kind === 'slow') whole(one.ms, 'ms')
    if (one.count !== undefined) whole(one.count, 'count')
    return one
  })
}
