import { Address, external, loadMessage, type Message } from '@ton/core'
import { type Chain, FINALITY, NotAccepted } from './chain.ts'
import * as json from './json.ts'
import { type Block, type Executed, messageHash, normalizedHash } from './ledger.ts'
import { readCell, readStack, writeStack } from './stack.ts'

/** An answer that is an error, with toncenter's number for it (that of the HTTP status). */
export class RpcError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export type Params = Readonly<Record<string, unknown>>
const MOST_TRANSACTIONS = 256

/** The methods of toncenter's HTTP API v2 that `TonClient` uses, and a few that see what it cannot: blocks and their dates. */
export class Rpc {
  readonly #chain: Chain
  /** Blocks behind the head from which it answers, as a server does that has not caught up. */
  lag = 0

  constructor(chain: Chain) {
    this.#chain = chain
  }

  /** @throws RpcError */
  async call(method: string, params: Params): Promise<unknown> {
    if (!Object.hasOwn(this.#methods, method)) throw new RpcError(404, `method ${method} is not known here`)
    try {
      return await this.#methods[method]?.(params)
    } catch (error) {
      if (error instanceof RpcError) throw error
      if (error instanceof NotAccepted) throw new RpcError(500, error.message)
      if (error instanceof RangeError) throw new RpcError(422, error.message)
      throw error
    }
  }

  /** v3: the transaction that a message caused; empty while none did. `hash` in hex or base64, normalized or not. */
  transactionsByMessage(hash: string): { transactions: object[]; address_book: object } {
    const key = /^[0-9a-f]{64}$/i.test(hash) ? hash.toLowerCase() : Buffer.from(hash, 'base64').toString('hex')
    const found = this.#chain.ledger.byMessage(key)
    const seen = found && found.seqno <= this.#block().seqno ? found : undefined
    return {
      transactions: seen ? [json.transactionV3(seen, this.#block().seqno, FINALITY)] : [],
      address_book: {},
    }
  }

  #block(seqno?: unknown): Block {
    const { ledger } = this.#chain
    const head = Math.max(1, ledger.head.seqno - this.lag)
    const wanted = seqno === undefined || seqno === null ? head : integer(seqno, 'seqno')
    const block = wanted > head ? undefined : ledger.block(wanted)
    if (!block) throw new RpcError(500, `LITE_SERVER_NOTREADY: no block ${wanted} yet`)
    return block
  }

  #account(params: Params) {
    const block = this.#block(params['seqno'])
    return { block, account: this.#chain.ledger.account(address(params['address']), block.seqno) }
  }

  readonly #methods: Readonly<Record<string, (params: Params) => unknown>> = {
    getMasterchainInfo: () => ({
      '@type': 'blocks.masterchainInfo',
      last: json.blockId(this.#block().seqno, -1),
      state_root_hash: Buffer.alloc(32, 3).toString('base64'),
      init: json.blockId(0, -1),
    }),
    getConsensusBlock: () => ({ consensus_block: this.#block().seqno, timestamp: this.#block().time }),
    shards: ({ seqno }) => ({ '@type': 'blocks.shards', shards: [json.blockId(this.#block(seqno).seqno, 0)] }),
    lookupBlock: ({ workchain, seqno, unixtime }) => {
      const block =
        unixtime === undefined ? this.#block(seqno) : this.#chain.ledger.blockAt(integer(unixtime, 'unixtime'))
      if (!block) throw new RpcError(500, 'LITE_SERVER_UNKNOWN: no block at that time')
      return json.blockId(this.#block(block.seqno).seqno, integer(workchain, 'workchain'))
    },
    getBlockHeader: ({ workchain, seqno }) => {
      const block = this.#block(seqno)
      return {
        '@type': 'blocks.header',
        id: json.blockId(block.seqno, integer(workchain, 'workchain')),
        gen_utime: block.time,
        min_ref_mc_seqno: Math.max(0, block.seqno - 1),
      }
    },
    getBlockTransactions: ({ workchain, seqno, count }) => {
      const block = this.#block(seqno)
      const chain = integer(workchain, 'workchain')
      const all = block.transactions.filter(({ account }) => account.workChain === chain)
      const most = count === undefined ? MOST_TRANSACTIONS : integer(count, 'count')
      return {
        '@type': 'blocks.transactions',
        id: json.blockId(block.seqno, chain),
        req_count: most,
        incomplete: all.length > most,
        transactions: all.slice(0, most).map(json.shortTransaction),
      }
    },

    getAddressInformation: (params) => {
      const { account, block } = this.#account(params)
      return json.addressInformation(account, block)
    },
    getAddressBalance: (params) => json.balanceOf(this.#account(params).account),
    getAddressState: (params) => json.stateName(this.#account(params).account),
    runGetMethod: async ({ address: to, method, stack, seqno }) => {
      if (typeof method !== 'string' && typeof method !== 'number') throw new RangeError('method is a name or a number')
      const block = this.#block(seqno)
      const result = await this.#chain.get(address(to), method, readStack(stack), block.seqno)
      return {
        '@type': 'smc.runResult',
        gas_used: Number(result.gasUsed),
        stack: writeStack(result.stack),
        exit_code: result.exitCode,
        block_id: json.blockId(block.seqno, 0),
      }
    },

    getTransactions: ({ address: of, limit, lt, hash, to_lt: toLt }) => {
      const history = this.#chain.ledger.history(address(of), this.#block().seqno)
      const start = lt === undefined ? 0 : startOf(history, logicalTime(lt), hash)
      const least = toLt === undefined ? 0n : logicalTime(toLt)
      const most = limit === undefined ? 10 : Math.min(integer(limit, 'limit'), MOST_TRANSACTIONS)
      const page = history.slice(start).filter(({ transaction }) => transaction.lt > least)
      return page.slice(0, most).map(json.transaction)
    },
    tryLocateResultTx: (params) => this.#locate(params, 'result'),
    tryLocateTx: (params) => this.#locate(params, 'result'),
    tryLocateSourceTx: (params) => this.#locate(params, 'source'),

    sendBoc: async ({ boc }) => {
      await this.#chain.send(readMessage(boc))
      return { '@type': 'ok' }
    },
    sendBocReturnHash: async ({ boc }) => {
      const message = readMessage(boc)
      await this.#chain.send(message)
      return {
        '@type': 'raw.extMessageInfo',
        hash: Buffer.from(messageHash(message), 'hex').toString('base64'),
        hash_norm: Buffer.from(normalizedHash(message), 'hex').toString('base64'),
      }
    },
    estimateFee: async ({ address: to, body, init_code: code, init_data: data }) => {
      const has = (cell: unknown): boolean => cell !== undefined && cell !== null && cell !== ''
      const init = has(code) ? { init: { code: readCell(code), data: has(data) ? readCell(data) : null } } : {}
      const message = external({ to: address(to), body: readCell(body), ...init })
      return json.fees(await this.#chain.estimate(address(to), message))
    },
  }

  /** The transaction that sent, or that received, the message which `source` sent to `destination` at `created_lt`. */
  #locate({ source, destination, created_lt: created }: Params, side: 'source' | 'result'): object {
    const [from, to, lt] = [address(source), address(destination), logicalTime(created)]
    const is = (one: Message | null | undefined): boolean =>
      one?.info.type === 'internal' &&
      one.info.createdLt === lt &&
      one.info.src.equals(from) &&
      one.info.dest.equals(to)
    const history = this.#chain.ledger.history(side === 'source' ? from : to, this.#block().seqno)
    const found = history.find(({ transaction }) =>
      side === 'source' ? transaction.outMessages.values().some(is) : is(transaction.inMessage),
    )
    if (!found) throw new RpcError(500, 'LITE_SERVER_UNKNOWN: transaction was not found')
    return json.transaction(found)
  }
}

function startOf(history: readonly Executed[], lt: bigint, hash: unknown): number {
  const start = history.findIndex(({ transaction }) => transaction.lt === lt)
  const found = history[start]?.transaction.hash()
  const wanted = typeof hash === 'string' && hash !== '' ? hash : undefined
  if (found && (wanted === undefined || [found.toString('hex'), found.toString('base64')].includes(wanted)))
    return start
  throw new RpcError(500, 'LITE_SERVER_UNKNOWN: cannot locate transaction in block with specified logical time')
}

/** @throws RangeError */
export function address(text: unknown): Address {
  try {
    return Address.parse(String(text))
  } catch (cause) {
    throw new RangeError('incorrect address', { cause })
  }
}

function integer(value: unknown, name: string): number {
  const number = typeof value === 'string' && /^-?\d{1,10}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number)) throw new RangeError(`${name} is no integer`)
  return number
}

function logicalTime(value: unknown): bigint {
  if (!/^\d{1,20}$/.test(String(value))) throw new RangeError('a logical time is a decimal number')
  return BigInt(String(value))
}

function readMessage(boc: unknown): Message {
  const cell = readCell(boc)
  try {
    const message = loadMessage(cell.beginParse())
    if (message.info.type !== 'external-in') throw new RangeError('not external')
    return message
  } catch (cause) {
    throw new RangeError('the bag of cells is no external message', { cause })
  }
}
