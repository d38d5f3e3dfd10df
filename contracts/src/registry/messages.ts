import type { Bytes } from '@cocoon/protocol'
import { type Address, beginCell, type Builder, type Cell } from '@ton/core'
import { toUint256 } from '../account.ts'
import { accountNumber, type Change, changeCell } from './change.ts'

/** First 32 bits of a message to a Registry. */
export const registryOperations = {
  queue: 0x40000001,
  apply: 0x40000002,
  cancel: 0x40000003,
  revokeCode: 0x40000004,
  revokeBroker: 0x40000005,
  lowerFee: 0x40000006,
  withdrawContent: 0x40000007,
  withdrawSuccessor: 0x40000008,
} as const

/** Comes back with the excess; means nothing to the Registry. */
interface Query {
  readonly queryId?: bigint
}

function message(operation: keyof typeof registryOperations, { queryId = 0n }: Query): Builder {
  return beginCell().storeUint(registryOperations[operation], 32).storeUint(queryId, 64)
}

/** By the owner: the change waits from now on. */
export function queueChangeMessage(queue: { change: Change } & Query): Cell {
  return message('queue', queue).storeRef(changeCell(queue.change)).endCell()
}

/** By anyone: the oldest waiting change takes effect, once its time has come. */
export function applyChangeMessage(query: Query = {}): Cell {
  return message('apply', query).endCell()
}

/** By the owner or the guardian; the guardian cannot cancel its own replacement. */
export function cancelChangeMessage(cancel: { number: number } & Query): Cell {
  return message('cancel', cancel).storeUint(cancel.number, 32).endCell()
}

/** By the owner or the guardian, like all below: takes effect at once, and forgets waiting changes that would undo it. */
export function revokeCodeMessage(revoke: { hash: Bytes } & Query): Cell {
  return message('revokeCode', revoke).storeUint(toUint256(revoke.hash), 256).endCell()
}

export function revokeBrokerMessage(revoke: { account: Address } & Query): Cell {
  return message('revokeBroker', revoke).storeUint(accountNumber(revoke.account), 256).endCell()
}

/** Basis points, below the fee that stands. */
export function lowerFeeMessage(lower: { account: Address; maximumFee: number } & Query): Cell {
  return message('lowerFee', lower)
    .storeUint(accountNumber(lower.account), 256)
    .storeUint(lower.maximumFee, 16)
    .endCell()
}

export function withdrawContentMessage(withdraw: { digest: Bytes } & Query): Cell {
  return message('withdrawContent', withdraw).storeUint(toUint256(withdraw.digest), 256).endCell()
}

export function withdrawSuccessorMessage(withdraw: { account: Address } & Query): Cell {
  return message('withdrawSuccessor', withdraw).storeUint(accountNumber(withdraw.account), 256).endCell()
}
