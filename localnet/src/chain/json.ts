import type { Cell, Message, ShardAccount, Transaction } from '@ton/core'
import { type Block, type Executed, messageHash } from './ledger.ts'

/** Objects of the chain in the shapes of toncenter's HTTP API v2 (and, where it says so, v3). */

const SHARD = '-9223372036854775808'
/** This chain's blocks have no hashes of their own; what stands in for one depends on the number alone. */
const blockHash = (seqno: number, kind: number): string => {
  const hash = Buffer.alloc(32, kind)
  hash.writeUInt32BE(seqno, 0)
  return hash.toString('base64')
}

export function blockId(seqno: number, workchain: number): object {
  return {
    '@type': 'ton.blockIdExt',
    workchain,
    shard: SHARD,
    seqno,
    root_hash: blockHash(seqno, 1),
    file_hash: blockHash(seqno, 2),
  }
}

const base64 = (cell: Cell): string => cell.toBoc().toString('base64')
const hash64 = (hash: bigint): string => Buffer.from(hash.toString(16).padStart(64, '0'), 'hex').toString('base64')

const stateNames = { active: 'active', frozen: 'frozen', uninit: 'uninitialized' } as const
export function stateName(account: ShardAccount): 'active' | 'frozen' | 'uninitialized' {
  return stateNames[account.account?.storage.state.type ?? 'uninit']
}

export function addressInformation(account: ShardAccount, block: Block): object {
  const state = account.account?.storage.state
  const { code, data } = state?.type === 'active' ? state.state : {}
  return {
    '@type': 'raw.fullAccountState',
    balance: balanceOf(account),
    extra_currencies: [],
    code: code ? base64(code) : '',
    data: data ? base64(data) : '',
    last_transaction_id: transactionId(account.lastTransactionLt, hash64(account.lastTransactionHash)),
    block_id: blockId(block.seqno, 0),
    frozen_hash: state?.type === 'frozen' ? hash64(state.stateHash) : '',
    sync_utime: block.time,
    state: stateName(account),
  }
}

export function balanceOf(account: ShardAccount): string {
  return (account.account?.storage.balance.coins ?? 0n).toString()
}

function transactionId(lt: bigint, hash: string): object {
  return { '@type': 'internal.transactionId', lt: lt.toString(), hash }
}

function message(one: Message): object {
  const { info } = one
  const internal = info.type === 'internal'
  return {
    '@type': 'raw.message',
    hash: Buffer.from(messageHash(one), 'hex').toString('base64'),
    source: info.src?.toString() ?? '',
    destination: info.dest?.toString() ?? '',
    value: internal ? info.value.coins.toString() : '0',
    extra_currencies: [],
    fwd_fee: internal ? info.forwardFee.toString() : '0',
    ihr_fee: '0',
    created_lt: info.type === 'external-in' ? '0' : info.createdLt.toString(),
    body_hash: one.body.hash().toString('base64'),
    msg_data: { '@type': 'msg.dataRaw', body: base64(one.body), init_state: '' },
    message: '',
  }
}

export function transaction({ account, transaction: one }: Executed): object {
  const storage = one.description.type === 'generic' ? one.description.storagePhase : undefined
  const storageFee = storage?.storageFeesCollected ?? 0n
  return {
    '@type': 'raw.transaction',
    address: { '@type': 'accountAddress', account_address: account.toString() },
    account: account.toRawString(),
    utime: one.now,
    data: base64(one.raw),
    transaction_id: transactionId(one.lt, one.hash().toString('base64')),
    fee: one.totalFees.coins.toString(),
    storage_fee: storageFee.toString(),
    other_fee: (one.totalFees.coins - storageFee).toString(),
    in_msg: one.inMessage ? message(one.inMessage) : undefined,
    out_msgs: one.outMessages.values().map(message),
  }
}

export function shortTransaction({ account, transaction: one }: Executed): object {
  return {
    '@type': 'blocks.shortTxId',
    mode: 135,
    account: account.toRawString(),
    lt: one.lt.toString(),
    hash: one.hash().toString('base64'),
  }
}

/** Fees the first account pays for an external message; toncenter, too, leaves out what follows elsewhere. */
export function fees(one: Transaction): object {
  if (one.description.type !== 'generic') throw new RangeError('an ordinary transaction has fees')
  const { storagePhase, computePhase, actionPhase } = one.description
  const storage = storagePhase?.storageFeesCollected ?? 0n
  const gas = computePhase.type === 'vm' ? computePhase.gasFees : 0n
  const action = actionPhase?.totalActionFees ?? 0n
  return {
    '@type': 'query.fees',
    source_fees: {
      '@type': 'fees',
      in_fwd_fee: Number(one.totalFees.coins - storage - gas - action),
      storage_fee: Number(storage),
      gas_fee: Number(gas),
      fwd_fee: Number(actionPhase?.totalFwdFees ?? 0n),
    },
    destination_fees: [],
  }
}

/** A transaction as v3's `transactionsByMessage` writes it, as far as anyone here reads it. */
export function transactionV3({ account, transaction: one, seqno }: Executed, head: number, finality: number): object {
  const generic = one.description.type === 'generic' ? one.description : undefined
  const compute = generic?.computePhase.type === 'vm' ? generic.computePhase : undefined
  const action = generic?.actionPhase
  return {
    account: account.toRawString().toUpperCase(),
    hash: one.hash().toString('base64'),
    lt: one.lt.toString(),
    now: one.now,
    mc_block_seqno: seqno,
    total_fees: one.totalFees.coins.toString(),
    finality: head >= seqno + finality ? 'finalized' : 'pending',
    description: {
      type: 'ord',
      aborted: generic?.aborted ?? false,
      ...(compute ? { compute_ph: { skipped: false, success: compute.success, exit_code: compute.exitCode } } : {}),
      ...(action ? { action: { success: action.success, result_code: action.resultCode } } : {}),
    },
    ...(one.inMessage ? { in_msg: { hash: Buffer.from(messageHash(one.inMessage), 'hex').toString('base64') } } : {}),
    out_msgs: one.outMessages.values().map((out) => ({
      hash: Buffer.from(messageHash(out), 'hex').toString('base64'),
      destination: out.info.dest?.toString() ?? null,
      value: out.info.type === 'internal' ? out.info.value.coins.toString() : null,
    })),
  }
}
